using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Scoring;

/// <summary>
/// Prefers the node on which the request leaves the least behind that others can use badly: a fraction goes where it
/// fills a device, whole GPUs go where they use up what is idle, and pods without GPUs stay off nodes with idle GPUs.
/// </summary>
internal sealed class FragmentationScorer : INodeScorer
{
    public long Score(NodePlane node, PlacementRequest request) => request.Shape.Gpu.Kind switch
    {
        GpuRequestKind.Fraction => ScoreFraction(node, request),
        GpuRequestKind.Whole => ScoreWhole(node, request.Shape.Gpu.Count),
        GpuRequestKind.Mig => ScoreMig(node, request.Shape.Gpu),
        _ => ScoreWithoutGpu(node),
    };

    private static long ScoreFraction(NodePlane node, PlacementRequest request)
    {
        var device = DeviceAllocator.FindForFraction(node, request);
        if (device < 0)
        {
            return 0;
        }

        // Opening an idle device costs more the more idle ones the node has, since it takes the chance of a big pod.
        var left = node.DeviceFree[device] - request.Shape.Gpu.MilliEach;
        var opensIdleDevice = node.DeviceFree[device] == GpuRequest.MilliPerDevice;
        return opensIdleDevice
            ? Math.Max(0, 300 - (30 * node.IdleDevices))
            : INodeScorer.Max - (left / 2);
    }

    private static long ScoreWhole(NodePlane node, int count)
    {
        var left = node.IdleDevices - count;
        return Math.Max(0, INodeScorer.Max - (60 * left) - (20 * (node.DeviceFree.Length - count)));
    }

    private static long ScoreMig(NodePlane node, GpuRequest gpu)
    {
        var mig = node.IndexOfMig(gpu.MigProfile!);
        return mig < 0 ? 0 : Math.Max(0, INodeScorer.Max - (60 * (node.MigFree[mig] - gpu.Count)));
    }

    private static long ScoreWithoutGpu(NodePlane node)
    {
        if (!node.Node.HasGpus)
        {
            return INodeScorer.Max;
        }

        return Math.Max(0, 500 - (node.FreeMilliGpu / 20));
    }
}
