namespace Scheduler.Telemetry.Exposition;

/// <summary>What became of a body: what was read of it, and what was not.</summary>
public sealed record ExpositionOutcome
{
    /// <summary>Bytes that were read, up to <see cref="ExpositionLimits.MaxBodyBytes"/>.</summary>
    public required long Bytes { get; init; }

    /// <summary>Lines with a value.</summary>
    public required long Samples { get; init; }

    /// <summary>Lines that are no sample, no comment and not blank. They were skipped.</summary>
    public required long MalformedLines { get; init; }

    /// <summary>Lines longer than <see cref="ExpositionLimits.MaxLineBytes"/>. They were skipped.</summary>
    public required long LongLines { get; init; }

    /// <summary>Whether the body went on after <see cref="ExpositionLimits.MaxBodyBytes"/>.</summary>
    public required bool IsCutOff { get; init; }

    /// <summary>The first line that was skipped, and why; null where none was.</summary>
    public required string? FirstProblem { get; init; }
}
