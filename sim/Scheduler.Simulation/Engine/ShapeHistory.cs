using Scheduler.Core.Model;
using Scheduler.Core.Scoring;

namespace Scheduler.Simulation.Engine;

/// <summary>
/// What the pods that were submitted asked for, as the daemon keeps it: a new mix makes the planner score every node anew, so
/// there is one only after fifty further pods, or 2 % of those before if that is more.
/// </summary>
internal sealed class ShapeHistory
{
    private const int LeastNews = 50;

    private readonly Dictionary<PodShape, PodShape> _kindOf = [];
    private readonly Dictionary<PodShape, long> _counts = [];
    private readonly ResourceVector _perGpu;
    private long _pods;
    private long _inMix;

    public ShapeHistory(IReadOnlyCollection<Node> nodes)
    {
        _perGpu = ShapeMix.AverageBesideGpu(nodes);
        Mix = ShapeMix.Of([], _perGpu);
    }

    /// <summary>The mix, the same object until it is out of date.</summary>
    public ShapeMix Mix { get; private set; }

    /// <summary>Counts a pod.</summary>
    /// <returns>Whether there is a new mix.</returns>
    public bool Submitted(PodShape shape)
    {
        if (shape.Gpu.Kind is not (GpuRequestKind.Whole or GpuRequestKind.Fraction))
        {
            return false;
        }

        // What a mix is made of, and no more: pods that differ in their node selector count as one.
        if (!_kindOf.TryGetValue(shape, out var kind))
        {
            kind = PodShape.Create(shape.Requests, shape.Gpu);
            _kindOf.Add(shape, kind);
        }

        _counts[kind] = _counts.GetValueOrDefault(kind) + 1;
        _pods++;
        if (_pods - _inMix < Math.Max(LeastNews, _inMix / 50))
        {
            return false;
        }

        _inMix = _pods;
        var mix = ShapeMix.Of(_counts.Select(pair => (pair.Key, pair.Value)), _perGpu);
        if (mix.Equals(Mix))
        {
            return false;
        }

        Mix = mix;
        return true;
    }
}
