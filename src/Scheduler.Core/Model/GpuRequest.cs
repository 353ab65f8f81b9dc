namespace Scheduler.Core.Model;

/// <summary>In which form a pod asks for GPU.</summary>
public enum GpuRequestKind
{
    /// <summary>No GPU at all.</summary>
    None,

    /// <summary>One or more whole devices.</summary>
    Whole,

    /// <summary>A part of one device.</summary>
    Fraction,

    /// <summary>One or more instances of a MIG profile.</summary>
    Mig,
}

/// <summary>
/// The GPU part of a pod's request. Made by <see cref="Whole"/>, <see cref="Fraction"/> and <see cref="Mig"/> only, so
/// that every value is valid.
/// </summary>
public readonly record struct GpuRequest
{
    /// <summary>Thousandths in one device.</summary>
    public const int MilliPerDevice = 1000;

    /// <summary>Compute slices in one MIG-capable device.</summary>
    public const int MigSlicesPerDevice = 7;

    private GpuRequest(GpuRequestKind kind, int count, int milliEach, string? profile)
    {
        Kind = kind;
        Count = count;
        MilliEach = milliEach;
        MigProfile = profile;
    }

    /// <summary>A pod that asks for no GPU.</summary>
    public static readonly GpuRequest None;

    /// <summary>The form of the request.</summary>
    public GpuRequestKind Kind { get; }

    /// <summary>Devices, or MIG instances; 1 for a fraction, 0 for none.</summary>
    public int Count { get; }

    /// <summary>Milli-GPU of each device or instance.</summary>
    public int MilliEach { get; }

    /// <summary>The MIG profile, such as <c>1g.5gb</c>; null unless <see cref="Kind"/> is <see cref="GpuRequestKind.Mig"/>.</summary>
    public string? MigProfile { get; }

    /// <summary>What the request counts against quota, in milli-GPU.</summary>
    public long MilliGpu => (long)Count * MilliEach;

    /// <summary>Whether any GPU is asked for.</summary>
    public bool IsAny => Kind != GpuRequestKind.None;

    /// <summary>Whole devices.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The count is below 1 or above 1,024.</exception>
    public static GpuRequest Whole(int devices)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(devices, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(devices, 1024);
        return new GpuRequest(GpuRequestKind.Whole, devices, MilliPerDevice, null);
    }

    /// <summary>A part of one device, from 1 to 999 milli-GPU.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Outside 1…999.</exception>
    public static GpuRequest Fraction(int milliGpu)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(milliGpu, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(milliGpu, MilliPerDevice);
        return new GpuRequest(GpuRequestKind.Fraction, 1, milliGpu, null);
    }

    /// <summary>Instances of a MIG profile.</summary>
    /// <exception cref="ArgumentException">The profile does not start with a number of slices from 1 to 7 and <c>g</c>.</exception>
    public static GpuRequest Mig(string profile, int instances)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(instances, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(instances, 1024);
        return TryMigMilliGpu(profile, out var milli)
            ? new GpuRequest(GpuRequestKind.Mig, instances, milli, profile)
            : throw new ArgumentException($"'{profile}' is not a MIG profile: it starts with 1g to 7g, like 3g.40gb", nameof(profile));
    }

    /// <summary>What one instance of a MIG profile <c>Ng.*</c> counts: ⌈N·1000/7⌉ milli-GPU.</summary>
    public static bool TryMigMilliGpu(string profile, out int milliGpu)
    {
        milliGpu = 0;
        var separator = profile.IndexOf('g', StringComparison.Ordinal);
        if (separator != 1 || profile[0] is < '1' or > '7' || (profile.Length > 2 && profile[2] is not ('.' or '+')))
        {
            return false;
        }

        var slices = profile[0] - '0';
        milliGpu = ((slices * MilliPerDevice) + MigSlicesPerDevice - 1) / MigSlicesPerDevice;
        return true;
    }

    /// <inheritdoc />
    public override string ToString() => Kind switch
    {
        GpuRequestKind.None => "no GPU",
        GpuRequestKind.Whole => Count == 1 ? "1 GPU" : $"{Count} GPUs",
        GpuRequestKind.Fraction => $"{MilliEach} milli-GPU",
        _ => $"{Count} × MIG {MigProfile}",
    };
}
