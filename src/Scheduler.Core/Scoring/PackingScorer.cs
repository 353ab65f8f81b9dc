using Scheduler.Core.Planning;

namespace Scheduler.Core.Scoring;

/// <summary>Prefers nodes whose CPU and memory are in use already, so that others stay empty for big work.</summary>
internal sealed class PackingScorer : INodeScorer
{
    private const int MebibyteBits = 20;

    public long Score(NodePlane node, PlacementRequest request)
    {
        var allocatable = node.Node.Allocatable;
        var free = node.Free - request.Shape.Requests;
        return (UsedShare(free.MilliCpu, allocatable.MilliCpu)
            + UsedShare(free.MemoryBytes >> MebibyteBits, allocatable.MemoryBytes >> MebibyteBits)) / 2;
    }

    /// <summary>The product stays below 2^63 for up to nine million cores or eight exbibytes.</summary>
    private static long UsedShare(long free, long all) =>
        all <= 0 ? INodeScorer.Max : Math.Clamp((all - free) * INodeScorer.Max / all, 0, INodeScorer.Max);
}
