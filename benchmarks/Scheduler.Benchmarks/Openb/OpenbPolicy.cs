namespace Scheduler.Benchmarks.Openb;

/// <summary>How a pod is placed: which nodes pass, how good they are, and which device a fraction gets.</summary>
internal abstract class OpenbPolicy
{
    /// <summary>Score of a node that does not pass.</summary>
    public const long Infeasible = long.MinValue;

    /// <summary>A pod arrives; true if scores given before no longer hold, whatever node they are for.</summary>
    public virtual bool Arrive(int shape) => false;

    /// <summary>The score of a node for a shape, or <see cref="Infeasible"/>; depends on this node's state only.</summary>
    public abstract long Score(int node, int shape);

    /// <summary>Places a pod of a shape on a node that passes.</summary>
    public abstract void Place(int node, int shape);

    /// <summary>The node among those that pass. Ties go to the smallest name.</summary>
    /// <param name="scores">By node.</param>
    /// <returns>A node, or -1 if none passes.</returns>
    public virtual int Choose(ReadOnlySpan<long> scores)
    {
        var best = -1;
        var bestScore = Infeasible;
        for (var node = 0; node < scores.Length; node++)
        {
            if (scores[node] > bestScore)
            {
                best = node;
                bestScore = scores[node];
            }
        }

        return best;
    }
}
