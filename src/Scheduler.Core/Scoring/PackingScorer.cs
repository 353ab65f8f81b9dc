using Scheduler.Core.Planning;

namespace Scheduler.Core.Scoring;

/// <summary>Prefers nodes whose CPU and memory are in use already, so that others stay empty for big work.</summary>
internal sealed class PackingScorer : INodeScorer
{
    public long Score(NodePlane node, PlacementRequest request)
    {
        var allocatable = node.Node.Allocatable;
        var free = node.Free - request.Shape.Requests;
        return (UsedShare(free.MilliCpu, allocatable.MilliCpu) + UsedShare(free.MemoryBytes, allocatable.MemoryBytes)) / 2;
    }

    private static long UsedShare(long free, long all) =>
        all <= 0 ? INodeScorer.Max : Math.Clamp((long)((Int128)(all - free) * INodeScorer.Max / all), 0, INodeScorer.Max);
}
