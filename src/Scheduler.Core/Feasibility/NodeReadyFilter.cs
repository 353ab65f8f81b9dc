using Scheduler.Core.Planning;

namespace Scheduler.Core.Feasibility;

/// <summary>The node is ready, not cordoned and not in quarantine.</summary>
internal sealed class NodeReadyFilter : INodeFilter
{
    public FilterName Name => FilterName.NodeReady;

    public bool IsStatic => true;

    public bool Passes(NodePlane node, PlacementRequest request) => node.Node.IsSchedulable;
}
