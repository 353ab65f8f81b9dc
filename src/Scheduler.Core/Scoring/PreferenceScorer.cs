using Scheduler.Core.Feasibility;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Scoring;

/// <summary>Preferred node affinity, minus taints of the effect PreferNoSchedule that are not tolerated.</summary>
internal sealed class PreferenceScorer : INodeScorer
{
    public long Score(NodePlane node, PlacementRequest request)
    {
        var wished = 0L;
        var met = 0L;
        foreach (var (weight, term) in request.Shape.PreferredTerms)
        {
            wished += weight;
            met += term.Matches(node.Node) ? weight : 0;
        }

        var score = wished == 0 ? INodeScorer.Max : met * INodeScorer.Max / wished;
        foreach (var taint in node.Node.Taints)
        {
            if (taint.Effect == TaintEffect.PreferNoSchedule && !TaintsFilter.IsTolerated(taint, request.Shape))
            {
                score /= 2;
            }
        }

        return score;
    }
}
