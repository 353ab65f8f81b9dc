using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Scoring;

/// <summary>
/// Prefers the node on which the request leaves the least GPU behind that the pods of this cluster cannot use: because the
/// pieces on its devices are too small for them, or because too little CPU and memory is left beside its GPUs.
/// </summary>
/// <remarks>
/// <para>
/// The score is the waste and the stranded GPU (see <see cref="ShapeMix"/>) of the node before, less after. It is
/// bent so that any difference fits between 0 and <see cref="INodeScorer.Max"/>: half means that nothing changes, and
/// one GPU lost halves the distance to 0.
/// </para>
/// <para>
/// The question asked is that of FGD (Weng et al., "Beware of Fragmentation", USENIX ATC 2023): how much less can a
/// typical pod use? The answer differs: FGD looks at the next pod only, this at what stays unused in the end.
/// docs/adr/0011-fragmentation-score.md has the measurements.
/// </para>
/// </remarks>
internal sealed class FragmentationScorer(ShapeMix mix) : INodeScorer
{
    private const long Half = INodeScorer.Max / 2;

    /// <summary>The loss, in micro-GPU, that halves the score: one device.</summary>
    private const long HalvingLoss = GpuRequest.MilliPerDevice * ShapeMix.MicroPerMilli;

    public long Score(NodePlane node, PlacementRequest request)
    {
        if (!node.Node.HasGpus)
        {
            return INodeScorer.Max;
        }

        var gpu = request.Shape.Gpu;
        var taken = gpu.Kind == GpuRequestKind.None ? 0 : gpu.MilliGpu;
        var gain = mix.Stranded(node.FreeMilliGpu, node.Free)
            - mix.Stranded(Math.Max(0, node.FreeMilliGpu - taken), node.Free - request.Shape.Requests);
        switch (gpu.Kind)
        {
            case GpuRequestKind.Fraction:
                var device = DeviceAllocator.FindForFraction(node, request);
                if (device < 0)
                {
                    return 0;
                }

                gain += mix.Waste(node.DeviceFree[device]) - mix.Waste(node.DeviceFree[device] - gpu.MilliEach);
                break;
            case GpuRequestKind.Mig:
                // Instances left of the profile: use up a node before another is opened.
                var mig = node.IndexOfMig(gpu.MigProfile!);
                if (mig < 0)
                {
                    return 0;
                }

                gain -= (node.MigFree[mig] - gpu.Count) * (long)ShapeMix.MicroPerMilli;
                break;
            case GpuRequestKind.None:
                // Where nothing is stranded: rather beside GPUs that are in use.
                gain -= node.FreeMilliGpu;
                break;
            default:
                // Whole devices leave no piece behind, and each has the same waste as long as it is idle.
                break;
        }

        return Half + (Half * gain / (Math.Abs(gain) + HalvingLoss));
    }
}
