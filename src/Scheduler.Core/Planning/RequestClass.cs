using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>Pods that can run on exactly the same nodes: of one shape, and of tenants between which nodes make no difference.</summary>
/// <param name="index">Number of the class in its session.</param>
/// <param name="request">What filters are asked about.</param>
/// <param name="heap">Nodes by score.</param>
/// <param name="excluders">Anti-affinity of any pod of the cluster that selects these.</param>
internal sealed class RequestClass(int index, PlacementRequest request, NodeHeap heap, ImmutableArray<PodTerm> excluders)
{
    /// <summary>Number of the class in its session.</summary>
    public int Index { get; } = index;

    /// <summary>What filters are asked about.</summary>
    public PlacementRequest Request { get; } = request;

    /// <summary>
    /// Nodes by score. For fractions of a tenant that shares with nobody these are the idle devices, which all such tenants
    /// have in common.
    /// </summary>
    public NodeHeap Heap { get; } = heap;

    /// <summary>Required anti-affinity of other pods that selects these: nodes near such a pod are out of reach.</summary>
    public ImmutableArray<PodTerm> Excluders { get; } = excluders;

    /// <summary>Whether what is placed elsewhere, or on the node, decides beyond the room that it takes.</summary>
    public bool HasNeighbours { get; } = request.Shape.Rules is not null || !excluders.IsEmpty;

    /// <summary>Waiting workloads that hold the class; without any it is forgotten some time.</summary>
    public int Users { get; set; }
}
