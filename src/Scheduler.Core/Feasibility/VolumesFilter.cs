using Scheduler.Core.Planning;

namespace Scheduler.Core.Feasibility;

/// <summary>The node can reach the volumes of the pod: the node affinity of each matches.</summary>
internal sealed class VolumesFilter : INodeFilter
{
    public FilterName Name => FilterName.Volumes;

    public bool IsStatic => true;

    public bool Passes(NodePlane node, PlacementRequest request)
    {
        foreach (var terms in request.Shape.VolumeTerms)
        {
            if (!NodeAffinityFilter.AnyMatches(terms, node.Node))
            {
                return false;
            }
        }

        return true;
    }
}
