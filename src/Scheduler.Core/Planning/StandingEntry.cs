using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>One use of a tenant's quota: the core of a workload, or one surplus pod of it.</summary>
internal sealed class StandingEntry(Workload workload, StandingEntry? core, long[] uses)
{
    public Workload Workload { get; } = workload;

    /// <summary>The entry of the core that a surplus pod belongs to; null for a core itself.</summary>
    public StandingEntry? Core { get; } = core;

    public bool IsSurplus { get; init; }

    /// <summary>Tells several uses of one workload apart.</summary>
    public PodId FirstPod { get; init; }

    /// <summary>Milli-GPU by flavor.</summary>
    public long[] Uses { get; } = uses;

    public bool IsGuaranteed { get; set; }

    /// <summary>Leaving, or told to: on burst whatever its order.</summary>
    public bool IsForcedToBurst { get; set; }
}
