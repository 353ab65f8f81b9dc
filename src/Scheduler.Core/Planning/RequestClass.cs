namespace Scheduler.Core.Planning;

/// <summary>Pods that can run on exactly the same nodes: of one shape, and of tenants between which nodes make no difference.</summary>
internal sealed class RequestClass(int index, PlacementRequest request, NodeHeap heap)
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

    /// <summary>Waiting workloads that hold the class; without any it is forgotten some time.</summary>
    public int Users { get; set; }
}
