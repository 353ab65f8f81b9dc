namespace Scheduler.Telemetry.Health;

/// <summary>How far a device or a node is trusted.</summary>
public enum HealthState
{
    /// <summary>Gets work.</summary>
    Healthy,

    /// <summary>Gets work, others are better.</summary>
    Suspect,

    /// <summary>Gets no new work; its capacity counts for nothing.</summary>
    Quarantined,

    /// <summary>Gets work again, and is back in quarantine at the first fault.</summary>
    Probation,
}

/// <summary>The health of one device, or of a node as a whole. It never changes: <see cref="HealthMachine"/> makes the next one.</summary>
public sealed record SubjectHealth
{
    /// <summary>The state.</summary>
    public HealthState State { get; init; } = HealthState.Healthy;

    /// <summary>Why, in one word such as <c>Xid79</c>; empty if healthy.</summary>
    public string Cause { get; init; } = "";

    /// <summary>Why, in words; empty if healthy.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Since when it is in this state.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>When something was last known of it.</summary>
    public required DateTimeOffset Heard { get; init; }

    /// <summary>For how long it is known to be without trouble. Silence adds nothing.</summary>
    public TimeSpan CleanFor { get; init; }

    /// <summary>Since when there were symptoms each time that something was heard; null if there was none the last time.</summary>
    public DateTimeOffset? TroubledSince { get; init; }

    /// <summary>How often it was quarantined for a fault. Forgotten after a long time of health.</summary>
    public int Offences { get; init; }

    /// <summary>Whether an operator put it in quarantine. Only an operator takes it out.</summary>
    public bool IsByOperator { get; init; }

    /// <summary>A lasting condition that an operator let pass: it counts again only after it was gone.</summary>
    public string Accepted { get; init; } = "";
}
