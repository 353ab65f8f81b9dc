using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Feasibility;

/// <summary>Node selector, and one term of the required node affinity.</summary>
internal sealed class NodeAffinityFilter : INodeFilter
{
    public FilterName Name => FilterName.NodeAffinity;

    public bool IsStatic => true;

    public bool Passes(NodePlane node, PlacementRequest request)
    {
        foreach (var (key, value) in request.Shape.NodeSelector)
        {
            if (!node.Node.Labels.TryGetValue(key, out var actual) || !string.Equals(actual, value, StringComparison.Ordinal))
            {
                return false;
            }
        }

        return request.Shape.RequiredTerms.IsEmpty || AnyMatches(request.Shape.RequiredTerms, node.Node);
    }

    private static bool AnyMatches(ImmutableArray<NodeSelectorTerm> terms, Node node)
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
