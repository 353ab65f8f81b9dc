using Scheduler.Core.Planning;

namespace Scheduler.Core.Feasibility;

/// <summary>The node is ready and not cordoned.</summary>
internal sealed class NodeReadyFilter : INodeFilter
{
    public FilterName Name => FilterName.NodeReady;

    public bool IsStatic => true;

    public bool Passes(NodePlane node, PlacementRequest request) => node.Node.IsSchedulable;
}
