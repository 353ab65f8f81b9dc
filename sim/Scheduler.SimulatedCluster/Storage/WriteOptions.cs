namespace Scheduler.SimulatedCluster.Storage;

/// <summary>What happens to fields that a schema does not know.</summary>
internal enum FieldValidation
{
    Ignore,
    Warn,
    Strict,
}

internal sealed record WriteOptions
{
    public static WriteOptions Default { get; } = new();

    public bool IsDryRun { get; init; }

    public FieldValidation FieldValidation { get; init; } = FieldValidation.Ignore;

    public string FieldManager { get; init; } = "unknown";

    /// <summary>Filled during the write; become Warning headers.</summary>
    public List<string> Warnings { get; } = [];
}

internal sealed record DeleteOptions
{
    public static DeleteOptions Default { get; } = new();

    public static DeleteOptions Now { get; } = new() { GracePeriodSeconds = 0 };

    public long? GracePeriodSeconds { get; init; }

    public string? Uid { get; init; }

    public string? ResourceVersion { get; init; }

    /// <summary>Background (the default), Foreground or Orphan.</summary>
    public string? Propagation { get; init; }

    public bool IsDryRun { get; init; }
}

/// <summary>What part of an object an update may change.</summary>
internal enum UpdateScope
{
    /// <summary>Everything but the status, by the rules of the kind.</summary>
    Main,

    /// <summary>The status subresource.</summary>
    Status,

    /// <summary>A write of the control plane itself (binding, deletion marks): no rules of the kind apply.</summary>
    Internal,
}
