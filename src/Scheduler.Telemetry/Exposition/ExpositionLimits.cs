namespace Scheduler.Telemetry.Exposition;

/// <summary>How much of one body is read. What is beyond a limit is left out and counted in <see cref="ExpositionOutcome"/>.</summary>
public sealed record ExpositionLimits
{
    /// <summary>The limits that hold unless others are given.</summary>
    public static readonly ExpositionLimits Default = new();

    /// <summary>The longest line in bytes. Longer ones are skipped. Default 16 KiB.</summary>
    public int MaxLineBytes { get; init; } = 16 * 1024;

    /// <summary>The largest body in bytes. What comes after is not read. Default 16 MiB.</summary>
    public long MaxBodyBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>The most labels of a series. A line with more is malformed. Default 64.</summary>
    public int MaxLabels { get; init; } = 64;

    /// <summary>Throws where a limit is not a positive number.</summary>
    public ExpositionLimits Checked()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxLineBytes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxBodyBytes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxLabels, 1);
        return this;
    }
}
