using Scheduler.Core.Planning;

namespace Scheduler.Core.Scoring;

/// <summary>
/// Says how good a feasible node is. To add one: a class in a file of its own here, a weight in
/// <see cref="ScoreWeights"/>, a line in <see cref="NodeScorers"/>.
/// </summary>
internal interface INodeScorer
{
    /// <summary>The highest score. Fine enough for a difference of one milli-GPU to show.</summary>
    const long Max = 1_000_000;

    /// <summary>From 0 to <see cref="Max"/>, higher is better.</summary>
    long Score(NodePlane node, PlacementRequest request);
}
