using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Feasibility;

/// <summary>Every taint that keeps pods away is tolerated.</summary>
internal sealed class TaintsFilter : INodeFilter
{
    public FilterName Name => FilterName.Taints;

    public bool IsStatic => true;

    public bool Passes(NodePlane node, PlacementRequest request) => IsBearable(node.Node, request.Shape);

    /// <summary>Whether every taint of a node that keeps pods away is tolerated.</summary>
    public static bool IsBearable(Node node, PodShape shape)
    {
        foreach (var taint in node.Taints)
        {
            if (taint.Effect != TaintEffect.PreferNoSchedule && !IsTolerated(taint, shape))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether one of the tolerations covers the taint.</summary>
    public static bool IsTolerated(in Taint taint, PodShape shape)
    {
        foreach (var toleration in shape.Tolerations)
        {
            if (toleration.Tolerates(taint))
            {
                return true;
            }
        }

        return false;
    }
}
