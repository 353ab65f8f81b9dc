namespace Scheduler.Core.Planning;

/// <summary>
/// Why a workload waits. Closed: hosts, the API and the metrics rely on these being all. Each waiting workload has
/// exactly one, the first in the planner's examination that applies.
/// </summary>
public enum WaitReason
{
    /// <summary>No tenant owns the namespace. Add it to a Tenant.</summary>
    TenantUnknown,

    /// <summary>The tenant, or one above it, is suspended.</summary>
    TenantSuspended,

    /// <summary>Fewer pods of the gang exist than it needs.</summary>
    GangIncomplete,

    /// <summary>The tenant, or one above it, would exceed its limit.</summary>
    LimitReached,

    /// <summary>Beyond its guarantee, and others use the idle capacity.</summary>
    BurstPoolBusy,

    /// <summary>Failed hardware leaves less than all guarantees together, and this one is scaled down.</summary>
    GuaranteeDegraded,

    /// <summary>No node, or no quota of the tenant, has the kind of GPU that is asked for.</summary>
    FlavorUnavailable,

    /// <summary>Not enough free GPU in total.</summary>
    InsufficientGpu,

    /// <summary>Enough free GPU in total, but no single node, or no set of nodes, has the pieces.</summary>
    Fragmented,

    /// <summary>GPUs are free, but not on nodes that the pod accepts or that have the CPU, memory and pod slots.</summary>
    NodeConstraints,

    /// <summary>No topology domain has room for the whole gang.</summary>
    TopologyUnavailable,

    /// <summary>It would fit, if the sick GPUs were not quarantined.</summary>
    GpuQuarantined,

    /// <summary>A volume is not ready.</summary>
    VolumePending,

    /// <summary>Capacity was taken back for it and is still being vacated.</summary>
    WaitingForVictims,

    /// <summary>What is free is kept for a workload that comes before.</summary>
    ReservedForOthers,

    /// <summary>Binding failed repeatedly; it is tried again later.</summary>
    Backoff,
}
