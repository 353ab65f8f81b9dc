using Scheduler.Core.Model;
using Scheduler.Simulation.Schedulers.Baselines.Placements;

namespace Scheduler.Benchmarks.Openb;

/// <summary>What came of one run.</summary>
/// <param name="AllocationAt">Mean GPU allocation in percent, by arrived percent.</param>
/// <param name="PlacedOfSeveral">Of the pods that ask for several GPUs, the percentage that was placed.</param>
internal sealed record OpenbResult(double[] AllocationAt, double PlacedOfSeveral)
{
    /// <summary>Arrived percent at the end of an order.</summary>
    public const int Last = 130;
}

/// <summary>
/// Pods arrive one at a time; each is placed at once or dropped for good, and nothing leaves. The result at X is the mean
/// allocation over all arrivals after which X percent (rounded half to even) of the cluster's GPU have been asked for.
/// </summary>
internal static class OpenbExperiment
{
    public static OpenbResult Run(long capacityMilliGpu, PodShape[] arrivals, NodePlacement placement)
    {
        var cluster = placement.Cluster;
        var scores = new ScoreBoard(placement);
        var curve = new AllocationCurve(capacityMilliGpu);
        var several = 0;
        var severalPlaced = 0;
        foreach (var asked in arrivals)
        {
            var shape = cluster.NumberOf(asked);
            if (placement.Arrive(shape))
            {
                scores.Clear();
            }

            var node = placement.Choose(scores.For(shape));
            if (node >= 0)
            {
                cluster.Take(node, shape, placement.Devices(node, shape));
                scores.Changed(node);
            }

            several += asked.Gpu.Count > 1 ? 1 : 0;
            severalPlaced += asked.Gpu.Count > 1 && node >= 0 ? 1 : 0;
            curve.Add(asked.Gpu.MilliGpu, node >= 0 ? asked.Gpu.MilliGpu : 0);
        }

        return new OpenbResult(curve.Means(), several == 0 ? 100 : severalPlaced * 100.0 / several);
    }
}

/// <summary>Allocation against what has arrived, both in percent of the cluster's GPU.</summary>
internal sealed class AllocationCurve(long capacityMilliGpu)
{
    private readonly List<(double Sum, int Events)> _byPercent = [];
    private long _arrivedMilliGpu;
    private long _usedMilliGpu;

    /// <summary>One arrival, and how much was placed after it.</summary>
    public void Add(long arrivedMilliGpu, long placedMilliGpu)
    {
        _arrivedMilliGpu += arrivedMilliGpu;
        _usedMilliGpu += placedMilliGpu;
        var percent = (int)Math.Round((double)_arrivedMilliGpu / capacityMilliGpu * 100, MidpointRounding.ToEven);
        while (_byPercent.Count <= percent)
        {
            _byPercent.Add((0, 0));
        }

        var (sum, events) = _byPercent[percent];
        _byPercent[percent] = (sum + ((double)_usedMilliGpu / capacityMilliGpu * 100), events + 1);
    }

    /// <summary>The mean at each arrived percent; not a number where no arrival falls on it.</summary>
    public double[] Means() => [.. _byPercent.Select(at => at.Events == 0 ? double.NaN : at.Sum / at.Events)];
}
