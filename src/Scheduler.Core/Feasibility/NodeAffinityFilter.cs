using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Feasibility;

/// <summary>Node selector, and one term of the required node affinity.</summary>
internal sealed class NodeAffinityFilter : INodeFilter
{
    public FilterName Name => FilterName.NodeAffinity;

    public bool IsStatic => true;

    public bool Passes(NodePlane node, PlacementRequest request) => Accepts(node.Node, request.Shape);

    /// <summary>Whether node selector and required affinity of a shape match a node.</summary>
    public static bool Accepts(Node node, PodShape shape)
    {
        foreach (var (key, value) in shape.NodeSelector)
        {
            if (!node.Labels.TryGetValue(key, out var actual) || !string.Equals(actual, value, StringComparison.Ordinal))
            {
                return false;
            }
        }

        return shape.RequiredTerms.IsEmpty || AnyMatches(shape.RequiredTerms, node);
    }

    /// <summary>Whether one of the terms matches a node.</summary>
    public static bool AnyMatches(ImmutableArray<NodeSelectorTerm> terms, Node node)
    {
        foreach (var term in terms)
        {
            if (term.Matches(node))
            {
                return true;
            }
        }

        return false;
    }
}
