using System.Collections.Immutable;
using Scheduler.Core.Feasibility;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>What the planner saw when it looked for room for a waiting workload.</summary>
public sealed record Explanation
{
    /// <summary>Nothing was examined: the workload was out before any node was looked at.</summary>
    public static readonly Explanation NotExamined = new();

    /// <summary>
    /// For each filter that turned nodes away, how many: a node counts once, at the first filter that rejects it. In the
    /// order of the filters.
    /// </summary>
    public ImmutableArray<FilterRejection> Rejections { get; init; } = [];

    /// <summary>Nodes examined.</summary>
    public int NodesExamined { get; init; }

    /// <summary>Free milli-GPU on healthy devices that the workload's quota and constraints let it use.</summary>
    public long FreeMilliGpu { get; init; }

    /// <summary>Milli-GPU that the workload needs to start.</summary>
    public long NeededMilliGpu { get; init; }

    /// <summary>What the tenant had before this plan and has after it; null where no tenant owns the workload.</summary>
    public TenantShare? Share { get; init; }

    /// <summary>The victims that were chosen for it, and why these; null if none were.</summary>
    public VictimExplanation? Victims { get; init; }
}

/// <summary>A tenant's share of the cluster around one plan, in milli-GPU of all flavors.</summary>
/// <param name="GuaranteedMilliGpu">Its guarantee, scaled down where hardware has failed.</param>
/// <param name="EntitlementMilliGpu">What it may have now.</param>
/// <param name="UsedBeforeMilliGpu">In use before the plan.</param>
/// <param name="UsedAfterMilliGpu">In use after it, pods that were told to leave included until they are gone.</param>
public sealed record TenantShare(
    long GuaranteedMilliGpu, long EntitlementMilliGpu, long UsedBeforeMilliGpu, long UsedAfterMilliGpu);

/// <summary>Why a set of victims was chosen: no set that is enough is better in the first of these that differs.</summary>
public sealed record VictimExplanation
{
    /// <summary>The workloads, by id.</summary>
    public required ImmutableArray<WorkloadId> Workloads { get; init; }

    /// <summary>Nodes on which victims were weighed; on all others none could be cheaper.</summary>
    public required int NodesConsidered { get; init; }

    /// <summary>The highest priority touched: with lower ones alone there was no room.</summary>
    public required int Priority { get; init; }

    /// <summary>Pods beyond what disruption budgets allow.</summary>
    public required int BudgetViolations { get; init; }

    /// <summary>Work thrown away, the time to start again included, in milli-GPU-seconds.</summary>
    public required long LostMilliGpuSeconds { get; init; }

    /// <summary>Workloads that stop; an elastic gang that only shrinks does not.</summary>
    public required int Disturbed { get; init; }
}

/// <summary>Nodes that a filter turned away.</summary>
public readonly record struct FilterRejection(FilterName Filter, int Nodes);
