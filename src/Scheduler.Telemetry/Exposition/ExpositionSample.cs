namespace Scheduler.Telemetry.Exposition;

/// <summary>One line with a value. Its spans are valid only during the call that they are given to.</summary>
public readonly ref struct ExpositionSample
{
    /// <summary>The metric's name.</summary>
    public required ReadOnlySpan<byte> Name { get; init; }

    /// <summary>Its labels.</summary>
    public required ExpositionLabels Labels { get; init; }

    /// <summary>The value.</summary>
    public required double Value { get; init; }
}

/// <summary>Takes samples in the order of the body.</summary>
public interface ISampleSink
{
    /// <summary>Takes one sample.</summary>
    void Take(in ExpositionSample sample);
}
