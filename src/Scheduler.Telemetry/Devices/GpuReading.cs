using System.Collections.Immutable;

namespace Scheduler.Telemetry.Devices;

/// <summary>Who holds a device, as its exporter says.</summary>
/// <param name="Namespace">The pod's namespace.</param>
/// <param name="Pod">The pod's name.</param>
/// <param name="Container">The container; empty if not told.</param>
/// <param name="PodUid">The pod's UID; empty if not told.</param>
/// <param name="VirtualGpu">Which replica of a shared device; empty on one that is not shared.</param>
public sealed record GpuHolder(string Namespace, string Pod, string Container, string PodUid, string VirtualGpu);

/// <summary>How often an XID occurred in the exporter's window.</summary>
public readonly record struct XidCount(int Code, double Count);

/// <summary>A GPU or a MIG instance, as one scrape shows it.</summary>
public sealed class GpuReading
{
    private readonly ImmutableArray<double> _values;

    internal GpuReading(ImmutableArray<double> values) => _values = values;

    /// <summary>The device's UUID; empty if not told.</summary>
    public required string Uuid { get; init; }

    /// <summary>The device's number on its node; null if not told.</summary>
    public required int? Index { get; init; }

    /// <summary>The MIG instance's id; empty for the device itself.</summary>
    public required string MigInstance { get; init; }

    /// <summary>The MIG instance's profile, such as <c>1g.5gb</c>; empty for the device itself.</summary>
    public required string MigProfile { get; init; }

    /// <summary>The product's name; empty if not told.</summary>
    public required string Model { get; init; }

    /// <summary>The bus address; empty if not told.</summary>
    public required string PciBusId { get; init; }

    /// <summary>The node's name, as the exporter knows it; empty if not told.</summary>
    public required string Host { get; init; }

    /// <summary>The pods on it. None: idle.</summary>
    public required ImmutableArray<GpuHolder> Holders { get; init; }

    /// <summary>XIDs in the exporter's window, where it counts them.</summary>
    public required ImmutableArray<XidCount> XidCounts { get; init; }

    /// <summary>Whether this is a MIG instance.</summary>
    public bool IsMig => MigInstance.Length > 0;

    /// <summary>A value, or null where the exporter has none.</summary>
    public double? this[GpuMetric metric] => double.IsNaN(_values[(int)metric]) ? null : _values[(int)metric];

    /// <summary>How busy, 0 to 1: the engine's share, which MIG instances have too, else the device's utilisation.</summary>
    public double? Activity => this[GpuMetric.GrEngineActive] ?? (this[GpuMetric.GpuUtil] / 100);
}

/// <summary>All that one scrape of an exporter shows.</summary>
public sealed record NodeReading
{
    /// <summary>Devices and MIG instances, in the order of the body.</summary>
    public required ImmutableArray<GpuReading> Gpus { get; init; }

    /// <summary>Known series that name no device. They were left out.</summary>
    public required long SamplesWithoutDevice { get; init; }

    /// <summary>Known series, holders and counts beyond <see cref="ReadingLimits"/>. They were left out.</summary>
    public required long SamplesBeyondLimits { get; init; }

    /// <summary>Series with a mark for "no value". They were left out.</summary>
    public required long BlankSamples { get; init; }

    /// <summary>What became of the body.</summary>
    public required Exposition.ExpositionOutcome Body { get; init; }
}

/// <summary>How much of one scrape is kept. The rest is counted in <see cref="NodeReading.SamplesBeyondLimits"/>.</summary>
public sealed record ReadingLimits
{
    /// <summary>The limits that hold unless others are given.</summary>
    public static readonly ReadingLimits Default = new();

    /// <summary>The most devices and MIG instances. Default 1024.</summary>
    public int MaxGpus { get; init; } = 1024;

    /// <summary>The most pods on one of them. Default 64.</summary>
    public int MaxHolders { get; init; } = 64;

    /// <summary>The most XIDs counted for one of them. Default 64.</summary>
    public int MaxXidCounts { get; init; } = 64;

    /// <summary>The longest label that is kept, in bytes, up to 4096. Default 512.</summary>
    public int MaxLabelBytes { get; init; } = 512;

    /// <summary>Throws where a limit is out of its range.</summary>
    public ReadingLimits Checked()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxGpus, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxHolders, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxXidCounts, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxLabelBytes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxLabelBytes, 4096);
        return this;
    }
}
