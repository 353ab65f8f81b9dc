using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Simulation.Schedulers.Baselines.Placements;

/// <summary>Any node on which the pod fits, uniformly, and any device.</summary>
internal sealed class RandomPlacement(PlacementCluster cluster, Random random) : NodePlacement(cluster)
{
    public override int Choose(ReadOnlySpan<long> scores)
    {
        var chosen = -1;
        var passing = 0;
        for (var node = 0; node < scores.Length; node++)
        {
            if (scores[node] != Infeasible && random.Next(++passing) == 0)
            {
                chosen = node;
            }
        }

        return chosen;
    }

    public override ImmutableArray<int> Devices(int node, int shape)
    {
        var gpu = Cluster.Shape(shape).Gpu;
        if (gpu.Kind != GpuRequestKind.Fraction)
        {
            return base.Devices(node, shape);
        }

        var plane = Cluster.Nodes[node];
        int[] fitting =
        [
            .. Enumerable.Range(0, plane.DeviceFree.Length)
                .Where(device => plane.DeviceFree[device] >= gpu.MilliEach && plane.IsHealthy(device)),
        ];
        return [fitting[random.Next(fitting.Length)]];
    }

    protected override long ScoreOf(int node, int shape) => 0;
}

/// <summary>
/// Least CPU and GPU left. The original stretches the scores of each pod to 0…100 afterwards, which does not change their
/// order.
/// </summary>
internal sealed class BestFitPlacement(PlacementCluster cluster) : NodePlacement(cluster)
{
    protected override long ScoreOf(int node, int shape)
    {
        var asked = Cluster.Shape(shape);
        var free = Cluster.Nodes[node];
        return (long)Math.Floor(100 * (1
            - (0.5 * (free.Free.MilliCpu - asked.Requests.MilliCpu) / LargestNode.MilliCpu)
            - (0.5 * (free.FreeMilliGpu - asked.Gpu.MilliGpu) / LargestNode.MilliGpu)));
    }
}

/// <summary>Least alignment of what is asked with what is free.</summary>
internal sealed class DotProductPlacement(PlacementCluster cluster) : NodePlacement(cluster)
{
    protected override long ScoreOf(int node, int shape)
    {
        var asked = Cluster.Shape(shape);
        var free = Cluster.Nodes[node];
        return (long)Math.Floor(100 * (1
            - (((free.Free.MilliCpu / LargestNode.MilliCpu * (asked.Requests.MilliCpu / LargestNode.MilliCpu))
                + (free.FreeMilliGpu / LargestNode.MilliGpu * (asked.Gpu.MilliGpu / LargestNode.MilliGpu))) / 2)));
    }
}

/// <summary>By what the published policies divide, whatever the cluster: the largest node of the openb trace.</summary>
internal static class LargestNode
{
    public const double MilliCpu = 128_000;
    public const double MilliGpu = 8000;
}
