using Scheduler.Benchmarks.Clusters;
using Scheduler.Benchmarks.Commands;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.TestKit.Oracles;

namespace Scheduler.Benchmarks.Measuring;

/// <summary>What it took to give a gang half of the cluster back.</summary>
/// <param name="Nodes">Nodes of eight GPUs.</param>
/// <param name="ReclaimMs">The whole cycle, median.</param>
/// <param name="Victims">Workloads that lose pods.</param>
/// <param name="EvictedPods">Pods that go.</param>
/// <param name="LostGpuHours">Work thrown away, the time to start again included.</param>
/// <param name="HighestPriority">The highest class touched.</param>
/// <param name="Stopped">Workloads that stop; the other victims only shrink.</param>
/// <param name="Minimal">W6: with any one victim spared, the gang does not fit.</param>
internal sealed record ReclaimFigures(
    int Nodes, double ReclaimMs, int Victims, int EvictedPods, double LostGpuHours, int HighestPriority, int Stopped, bool Minimal)
{
    /// <summary>From the size before: e, where the cost grows as n to the power of e.</summary>
    public double? Exponent { get; init; }

    /// <summary>From the size before: growth over that of n log n.</summary>
    public double? OverLogLinear { get; init; }
}

/// <summary>Times the cycle and checks the victims by other means than the planner's.</summary>
internal static class ReclaimMeasurement
{
    public static ReclaimFigures Measure(int nodes, int runs, int warmUps)
    {
        Results.Progress($"reclaim: {nodes} nodes");
        var times = new Samples();
        Plan? plan = null;
        ClusterSnapshot? snapshot = null;
        for (var run = -warmUps; run < runs; run++)
        {
            var fresh = snapshot = BurstCluster.Make(nodes);
            GC.Collect();
            plan = (run < 0 ? new Samples() : times).Time(() => Planner.Compute(fresh, SchedulingPolicy.Default));
        }

        var evictions = plan!.Decisions.OfType<Evict>().Where(evict => evict.Beneficiary == BurstCluster.Gang).ToArray();
        if (evictions.Length == 0)
        {
            throw new MeasurementException($"at {nodes} nodes nothing was reclaimed, though the guarantee covers the gang");
        }

        var victims = evictions.SelectMany(evict => evict.Pods).ToHashSet();
        var price = VictimPrice.Of(snapshot!, SchedulingPolicy.Default, victims);
        return new ReclaimFigures(
            nodes, times.Median, evictions.Select(evict => evict.Workload).Distinct().Count(), victims.Count,
            Math.Round(price.LostMilliGpuSeconds / 1000.0 / 3600, 2), price.HighestPriority, price.Disturbed,
            IsMinimal(snapshot!, victims));
    }

    /// <summary>
    /// The gang's pods are equal, so that counting how many each node can hold is exact. CPU and memory are ample here, so
    /// that only GPUs count.
    /// </summary>
    private static bool IsMinimal(ClusterSnapshot snapshot, HashSet<PodId> victims)
    {
        snapshot.TryGetWorkload(BurstCluster.Gang, out var gang);
        var perPod = gang!.Pods[0].Shape.Gpu.Count;
        var free = snapshot.Nodes.ToDictionary(node => node.Name, node => node.Devices.Length);
        foreach (var pod in snapshot.Workloads.SelectMany(StandingOracle.PlacedPods).Where(pod => !victims.Contains(pod.Id)))
        {
            free[pod.Placement!.Node] -= pod.Shape.Gpu.Count;
        }

        var room = free.Values.Sum(devices => devices / perPod);
        return room >= gang.MinMember && VictimJudge.UnitsOf(snapshot, victims).All(unit => room - RoomTakenBy(unit) < gang.MinMember);

        int RoomTakenBy(IReadOnlyList<Pod> unit) => unit.GroupBy(pod => pod.Placement!.Node)
            .Sum(group => (free[group.Key] / perPod) - ((free[group.Key] - group.Sum(pod => pod.Shape.Gpu.Count)) / perPod));
    }
}
