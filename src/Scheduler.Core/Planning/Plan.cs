using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>What a cycle decided.</summary>
public sealed record Plan
{
    /// <summary>The generation of the snapshot that it was made from.</summary>
    public required long Generation { get; init; }

    /// <summary>
    /// Decisions in the order in which they must be applied: evictions before the binds that they pay for, then binds in
    /// the order of the cycle, then waits in the order of the queue.
    /// </summary>
    public required ImmutableArray<Decision> Decisions { get; init; }

    /// <summary>Usage by tenant, after this plan, in the order of the tenant tree.</summary>
    public required ImmutableArray<TenantAccount> Accounts { get; init; }
}

/// <summary>The books of one tenant.</summary>
/// <param name="Tenant">The tenant; an inner one includes all below it.</param>
/// <param name="Flavors">By flavor that is in use or in quota, sorted, <c>*</c> (all flavors together) first.</param>
/// <param name="PendingWorkloads">Workloads that wait after this plan.</param>
public sealed record TenantAccount(TenantId Tenant, ImmutableArray<FlavorAccount> Flavors, int PendingWorkloads)
{
    /// <summary>All flavors together.</summary>
    public FlavorAccount Total => Flavors[0];
}

/// <summary>The books of one tenant on one flavor, in milli-GPU.</summary>
/// <param name="Flavor">The flavor, or <c>*</c> for all together.</param>
/// <param name="GuaranteedMilliGpu">The guarantee; for <c>*</c> scaled down where hardware has failed.</param>
/// <param name="LimitMilliGpu">The most it may use; null where it has no limit of its own.</param>
/// <param name="EntitlementMilliGpu">What it may have now; for <c>*</c> only.</param>
/// <param name="UsedGuaranteedMilliGpu">In use with guaranteed standing.</param>
/// <param name="UsedBurstMilliGpu">In use with burst standing.</param>
/// <param name="PendingMilliGpu">Asked for by waiting workloads; filled for <c>*</c> only, where a workload may take any flavor.</param>
public sealed record FlavorAccount(
    FlavorId Flavor,
    long GuaranteedMilliGpu,
    long? LimitMilliGpu,
    long? EntitlementMilliGpu,
    long UsedGuaranteedMilliGpu,
    long UsedBurstMilliGpu,
    long PendingMilliGpu)
{
    /// <summary>In use.</summary>
    public long UsedMilliGpu => UsedGuaranteedMilliGpu + UsedBurstMilliGpu;
}
