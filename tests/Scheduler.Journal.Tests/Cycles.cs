using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.TestKit.Clusters;

namespace Scheduler.Journal.Tests;

/// <summary>Cycles of a small cluster on which work comes and goes: full, with two tenants that take from each other.</summary>
internal static class Cycles
{
    public static readonly SchedulingPolicy Policy = SchedulingPolicy.Default with { RestartCost = TimeSpan.FromSeconds(17), TopologyLevels = ["zone"] };

    public static List<CycleEntry> Make(int count, int seed = 1)
    {
        var random = new SplitMix64((ulong)seed);
        var cluster = new LivingCluster(
            Clusters.Nodes(4),
            Clusters.Tree(
                Clusters.Tenant("ml", 16),
                Clusters.Tenant("web", 16)),
            [])
        {
            Policy = Policy,
        };
        var entries = new List<CycleEntry>();
        for (var number = 1; number <= count; number++)
        {
            var tenant = random.Pick("ml", "web");
            cluster.Submit(Clusters.Waiting(
                string.Create(CultureInfo.InvariantCulture, $"{tenant}/pod/job-{number}"), tenant, Clusters.Shape(gpus: random.Pick(1, 2, 4, 8))));
            if (random.Chance(40) && cluster.Workloads.FirstOrDefault(workload => workload.CountPods(PodState.Placed) > 0) is { } running)
                cluster.End(running.Id);
            cluster.Pass(TimeSpan.FromSeconds(5));
            var snapshot = cluster.Snapshot();
            entries.Add(new CycleEntry
            {
                Number = number,
                Snapshot = snapshot,
                Plan = Planner.Compute(snapshot, Policy),
                IsApplied = true,
                Leader = "test",
                Duration = TimeSpan.FromMilliseconds(number),
                Unqueued = number % 7 == 0 ? [new JournaledPod("ml", "broken", "InvalidPod", "its GPU count is not a number")] : [],
            });
            cluster.Cycle();
        }

        return entries;
    }
}
