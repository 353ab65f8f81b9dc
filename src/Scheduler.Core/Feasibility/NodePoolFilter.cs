using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Feasibility;

/// <summary>The node is in the tenant's pool, or one of those that all tenants may use.</summary>
internal sealed class NodePoolFilter : INodeFilter
{
    public FilterName Name => FilterName.NodePool;

    public bool IsStatic => true;

    public bool Passes(NodePlane node, PlacementRequest request) =>
        Carries(node.Node, request.NodePool) || (!request.BurstNodes.IsEmpty && Carries(node.Node, request.BurstNodes));

    private static bool Carries(Node node, ImmutableSortedDictionary<string, string> labels)
    {
        foreach (var (key, value) in labels)
        {
            if (!node.Labels.TryGetValue(key, out var actual) || !string.Equals(actual, value, StringComparison.Ordinal))
            {
                return false;
            }
        }

        return true;
    }
}
