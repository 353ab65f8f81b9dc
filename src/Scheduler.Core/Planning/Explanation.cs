using System.Collections.Immutable;
using Scheduler.Core.Feasibility;

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
}

/// <summary>Nodes that a filter turned away.</summary>
public readonly record struct FilterRejection(FilterName Filter, int Nodes);
