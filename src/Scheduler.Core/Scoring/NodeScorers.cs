using Scheduler.Core.Planning;

namespace Scheduler.Core.Scoring;

/// <summary>All scorers, with the weights of the policy.</summary>
internal sealed class NodeScorers
{
    private readonly (INodeScorer Scorer, int Weight)[] _weighted;

    /// <param name="weights">How much each counts.</param>
    /// <param name="mix">What the pods of this cluster are like.</param>
    public NodeScorers(ScoreWeights weights, ShapeMix mix)
    {
        (INodeScorer Scorer, int Weight)[] all =
        [
            (new FragmentationScorer(mix), weights.Fragmentation),
            (new PackingScorer(), weights.Packing),
            (new PreferenceScorer(), weights.Preference),
        ];
        _weighted = [.. all.Where(pair => pair.Weight > 0)];
    }

    /// <summary>The weighted sum; higher is better.</summary>
    public long Score(NodePlane node, PlacementRequest request)
    {
        var sum = 0L;
        foreach (var (scorer, weight) in _weighted)
        {
            sum += weight * scorer.Score(node, request);
        }

        return sum;
    }
}
