using Scheduler.Core.Model;

namespace Scheduler.Simulation.Schedulers.Baselines.Placements;

/// <summary>
/// Keeps pods of a kind together (after Gandiva, Xiao et al., OSDI 2018, as in the comparison of Weng et al., ATC 2023):
/// fullest GPUs first, and best a node that holds this kind only, then one that holds it among others, then an empty one.
/// </summary>
internal sealed class GpuClusteringPlacement(PlacementCluster cluster) : NodePlacement(cluster)
{
    private const int Alone = 75;
    private const int AmongOthers = 50;
    private const int Empty = 25;

    protected override long ScoreOf(int node, int shape)
    {
        var gpu = Cluster.Shape(shape).Gpu;
        if (!gpu.IsAny)
        {
            return 0;
        }

        var kind = PlacementCluster.KindOf(gpu);
        var pods = Cluster.PodsByKind(node);
        var others = 0;
        for (var other = 0; other < pods.Length; other++)
        {
            others += other == kind ? 0 : pods[other];
        }

        var together = pods[kind] > 0 ? (others == 0 ? Alone : AmongOthers) : (others == 0 ? Empty : 0);
        return (long)Math.Floor(25 * (LargestNode.MilliGpu - Cluster.Nodes[node].FreeMilliGpu) / LargestNode.MilliGpu) + together;
    }
}

/// <summary>
/// Keeps GPUs and nodes whole (after MLaaS in the wild, Weng et al., NSDI 2022, as in the comparison of Weng et al., ATC 2023):
/// first GPUs in use, then idle GPUs of nodes in use, last idle nodes.
/// </summary>
internal sealed class GpuPackingPlacement(PlacementCluster cluster) : NodePlacement(cluster)
{
    private const int IdleNode = 33;
    private const int UsedNode = 50;
    private const int UsedGpu = 100;

    protected override long ScoreOf(int node, int shape)
    {
        var gpu = Cluster.Shape(shape).Gpu;
        if (!gpu.IsAny)
        {
            return 0;
        }

        var plane = Cluster.Nodes[node];
        if (plane.IdleDevices == plane.DeviceFree.Length)
        {
            return Math.Max(IdleNode - plane.IdleDevices, 0);
        }

        var used = gpu.Kind == GpuRequestKind.Fraction ? FullestUsedDevice(plane.DeviceFree, gpu.MilliEach) : null;
        return used is { } free
            ? Math.Max(UsedGpu - (free * 100 / GpuRequest.MilliPerDevice / 10), UsedNode)
            : Math.Max(UsedNode - gpu.Count, IdleNode);
    }

    /// <summary>What is free on the fullest device in use that a share fits on, or null if only idle ones are left.</summary>
    private static int? FullestUsedDevice(ReadOnlySpan<int> devices, int milli)
    {
        int? best = null;
        foreach (var free in devices)
        {
            if (free < GpuRequest.MilliPerDevice && free >= milli && (best is null || free < best))
            {
                best = free;
            }
        }

        return best;
    }
}
