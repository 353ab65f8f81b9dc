namespace Scheduler.SimulatedCluster;

/// <summary>How the simulated kubelets behave.</summary>
public sealed class KubeletOptions
{
    /// <summary>
    /// Whether there are kubelets at all. Default true. Without them bound pods stay Pending and deleted pods stay Terminating,
    /// as on an API server alone.
    /// </summary>
    public bool IsEnabled { get; set; } = true;

    /// <summary>Time from binding to running. Default 1 second, 0 or more. Divided by the time scale.</summary>
    public TimeSpan StartDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Time from SIGTERM to the end of a pod that does not say otherwise. Default 1 second, 0 or more; never longer than the
    /// pod's grace period. Divided by the time scale.
    /// </summary>
    public TimeSpan TerminationDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Whether kubelets write Events (Started, Killing, …). Default true. Costs one write per step of a pod.</summary>
    public bool RecordsEvents { get; set; } = true;
}
