using Scheduler.Core.Model;
using Scheduler.Core.Scoring;

namespace Scheduler.Daemon.Cache;

/// <summary>
/// Counts what the pods that arrive ask for, and makes the mix of it that decides what counts as fragmentation. A new mix makes
/// the planner score all nodes anew, so there is one only after <see cref="LeastNews"/> further arrivals, or 2 % of those before
/// if that is more. Not safe for concurrent use: ClusterCache holds its lock.
/// </summary>
internal sealed class ShapeStatistics
{
    public const int MaxShapes = 1024;
    public const int LeastNews = 50;

    private readonly Dictionary<PodShape, long> _counts = [];
    private ShapeMix? _mix;
    private ResourceVector _perGpu;
    private long _arrivals;
    private long _inMix;

    /// <summary>Counts a pod that was not there before.</summary>
    public void Arrived(PodShape shape)
    {
        if (shape.Gpu.Kind is not (GpuRequestKind.Whole or GpuRequestKind.Fraction))
            return;
        // What a mix is made of, and no more: pods that differ in their node selector count as one.
        var kind = PodShape.Create(shape.Requests, shape.Gpu);
        if (_counts.Count >= MaxShapes && !_counts.ContainsKey(kind))
            Forget();
        if (_counts.Count >= MaxShapes && !_counts.ContainsKey(kind))
            return;
        _counts[kind] = _counts.GetValueOrDefault(kind) + 1;
        _arrivals++;
    }

    /// <summary>The mix, the same object until it is out of date.</summary>
    /// <param name="nodes">All nodes.</param>
    public ShapeMix Mix(IReadOnlyCollection<Node> nodes)
    {
        var perGpu = ShapeMix.AverageBesideGpu(nodes);
        if (_mix is not null && _perGpu == perGpu && _arrivals - _inMix < Math.Max(LeastNews, _inMix / 50))
            return _mix;
        (_perGpu, _inMix) = (perGpu, _arrivals);
        var mix = ShapeMix.Of(_counts.Select(pair => (pair.Key, pair.Value)), perGpu);
        return _mix = mix.Equals(_mix) ? _mix : mix;
    }

    /// <summary>Halves all counts: shapes that are rare by now make room for new ones.</summary>
    private void Forget()
    {
        foreach (var (shape, count) in _counts.ToList())
        {
            if (count < 2)
                _counts.Remove(shape);
            else
                _counts[shape] = count / 2;
        }
    }
}
