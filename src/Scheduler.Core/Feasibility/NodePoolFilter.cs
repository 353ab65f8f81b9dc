using Scheduler.Core.Planning;

namespace Scheduler.Core.Feasibility;

/// <summary>The node carries the labels of the tenant's pool.</summary>
internal sealed class NodePoolFilter : INodeFilter
{
    public FilterName Name => FilterName.NodePool;

    public bool IsStatic => true;

    public bool Passes(NodePlane node, PlacementRequest request)
    {
        foreach (var (key, value) in request.NodePool)
        {
            if (!node.Node.Labels.TryGetValue(key, out var actual) || !string.Equals(actual, value, StringComparison.Ordinal))
            {
                return false;
            }
        }

        return true;
    }
}
