using Scheduler.Core.Model;
using Scheduler.Simulation.Schedulers.Baselines.Placements;

namespace Scheduler.Benchmarks.Openb;

/// <summary>
/// The arrivals of <see cref="OpenbExperiment"/> with a queue: a pod that does not fit waits, and one that would waste GPU may be
/// made to wait for a better place, up to a bound on how much of the cluster's GPU waits so. Of those that wait the one that fits
/// best is started first. Nothing leaves and nothing moves; pods without GPUs never wait for a better place.
/// </summary>
internal sealed class OpenbQueueExperiment
{
    /// <summary>A place is good if it leaves less than this unusable, for each milli-GPU that the pod gets.</summary>
    private const double GoodPlaceWaste = 0.02;

    private readonly WeirPlacement _placement;
    private readonly ScoreBoard _scores;
    private readonly List<Group> _waiting = [];
    private readonly long _heldMost;
    private int _placements;
    private int _severalPlaced;

    private OpenbQueueExperiment(WeirPlacement placement, long heldMost)
    {
        _placement = placement;
        _scores = new ScoreBoard(placement);
        _heldMost = heldMost;
    }

    /// <summary>Runs one order.</summary>
    /// <param name="capacityMilliGpu">All GPUs.</param>
    /// <param name="arrivals">What arrives.</param>
    /// <param name="placement">Where it goes.</param>
    /// <param name="heldPermille">How much may be made to wait although it fits, in thousandths of the capacity.</param>
    public static OpenbResult Run(long capacityMilliGpu, PodShape[] arrivals, WeirPlacement placement, int heldPermille)
    {
        var experiment = new OpenbQueueExperiment(placement, capacityMilliGpu * heldPermille / 1000);
        var curve = new AllocationCurve(capacityMilliGpu);
        foreach (var asked in arrivals)
        {
            experiment.Queue(asked);
            curve.Add(asked.Gpu.MilliGpu, experiment.Place());
        }

        var several = arrivals.Count(asked => asked.Gpu.Count > 1);
        return new OpenbResult(curve.Means(), several == 0 ? 100 : experiment._severalPlaced * 100.0 / several);
    }

    /// <summary>Waiting pods of one shape, and the best place for the next of them as of some number of placements.</summary>
    private sealed class Group
    {
        public int Pods { get; set; }

        public int AsOfPlacements { get; set; } = -1;

        public int Node { get; set; }

        public double Waste { get; set; }
    }

    private void Queue(PodShape asked)
    {
        var shape = _placement.Cluster.NumberOf(asked);
        while (_waiting.Count <= shape)
        {
            _waiting.Add(new Group());
        }

        _waiting[shape].Pods++;
    }

    /// <summary>Starts what is to be started now, and returns its milli-GPU.</summary>
    private long Place()
    {
        var placed = 0L;
        while (FindBest(out var heldMilliGpu) is { } shape && (_waiting[shape].Waste <= GoodPlaceWaste || heldMilliGpu > _heldMost))
        {
            var gpu = _placement.Cluster.Shape(shape).Gpu;
            var node = _waiting[shape].Node;
            _placement.Cluster.Take(node, shape, _placement.Devices(node, shape));
            _scores.Changed(node);
            _placements++;
            _waiting[shape].Pods--;
            _severalPlaced += gpu.Count > 1 ? 1 : 0;
            placed += gpu.MilliGpu;
        }

        return placed;
    }

    /// <summary>The shape of the waiting pod that fits best, and how much waits although it fits.</summary>
    private int? FindBest(out long heldMilliGpu)
    {
        int? best = null;
        heldMilliGpu = 0;
        for (var shape = 0; shape < _waiting.Count; shape++)
        {
            var group = _waiting[shape];
            if (group.Pods == 0)
            {
                continue;
            }

            var gpu = _placement.Cluster.Shape(shape).Gpu;
            if (group.AsOfPlacements != _placements)
            {
                group.AsOfPlacements = _placements;
                group.Node = _placement.Choose(_scores.For(shape));
                group.Waste = group.Node < 0 || gpu.MilliGpu == 0
                    ? double.MinValue
                    : _placement.LeftUnusableMilliGpu(group.Node, shape) / gpu.MilliGpu;
            }

            if (group.Node >= 0)
            {
                heldMilliGpu += group.Pods * gpu.MilliGpu;
                best = best is null || group.Waste < _waiting[best.Value].Waste ? shape : best;
            }
        }

        return best;
    }
}
