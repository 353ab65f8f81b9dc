using System.Collections.Immutable;
using Scheduler.Core.Planning;

namespace Scheduler.Simulation.Schedulers.Baselines.Placements;

/// <summary>How one pod is placed: how good the nodes are on which it fits, and which device a fraction gets there.</summary>
internal abstract class NodePlacement(PlacementCluster cluster)
{
    /// <summary>Score of a node on which the pod does not fit.</summary>
    public const long Infeasible = long.MinValue;

    /// <summary>The cluster that it places on.</summary>
    public PlacementCluster Cluster { get; } = cluster;

    /// <summary>The score of a node for a shape, or <see cref="Infeasible"/>; depends on this node's state only.</summary>
    public long Score(int node, int shape) => Cluster.Passes(node, shape) ? ScoreOf(node, shape) : Infeasible;

    /// <summary>A pod arrives; true if scores given before no longer hold, whatever node they are for.</summary>
    public virtual bool Arrive(int shape) => false;

    /// <summary>The node with the best score. Ties go to the smallest name.</summary>
    /// <param name="scores">By node.</param>
    /// <returns>A node, or -1 if the pod fits on none.</returns>
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

    /// <summary>
    /// The devices on a node on which the shape fits: the lowest-numbered idle ones, and for a fraction the fullest on which it
    /// fits unless a policy says otherwise.
    /// </summary>
    public virtual ImmutableArray<int> Devices(int node, int shape) => DeviceAllocator.Choose(Cluster.Nodes[node], Cluster.Request(shape));

    /// <summary>The score of a node on which the shape fits.</summary>
    protected abstract long ScoreOf(int node, int shape);
}
