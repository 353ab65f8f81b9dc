using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Jobs;
using Scheduler.Simulation.Randomness;

namespace Scheduler.Simulation.Tests.Checking;

/// <summary>Small clusters with few tenants, jobs of all sorts and faults; all of it from a seed.</summary>
internal static class RandomSetups
{
    private static readonly string[] Flavors = ["A100", "H100"];

    public static SimulationSetup Make(ulong seed)
    {
        var streams = new RandomStreams(seed);
        var nodes = Nodes(streams.Open("nodes"));
        var tenants = Tenants(streams.Open("tenants"), nodes);
        var random = streams.Open("setup");
        return new SimulationSetup
        {
            Nodes = nodes,
            Tenants = TestKit.Clusters.Make.Tree(tenants),
            Jobs = Jobs(streams.Open("jobs"), tenants),
            Faults = Faults(random),
            Seed = seed,
            Horizon = TimeSpan.FromHours(12),
            CycleInterval = TimeSpan.FromMilliseconds(random.Below(3) * 500),
            Durations = (DurationKnowledge)random.Below(4),
            LearnsShapes = random.Chance(0.5),
        };
    }

    private static ImmutableArray<Node> Nodes(RandomStream random)
    {
        int[] sizes = [1, 2, 4, 8];
        long[] cpus = [8_000, 32_000, 64_000];
        return [.. Enumerable.Range(0, random.Between(1, 6)).Select(index => TestKit.Clusters.Make.Node(
            $"n{index}", sizes[random.Below(sizes.Length)], Flavors[random.Below(2)], cpus[random.Below(cpus.Length)], memoryGiB: 128, maxPods: 12,
            mig: random.Below(6) == 0 ? [("1g.5gb", 5), ("3g.20gb", 1)] : null))];
    }

    private static ImmutableArray<Tenant> Tenants(RandomStream random, ImmutableArray<Node> nodes)
    {
        var gpus = (int)(nodes.Sum(node => node.InstalledMilliGpu) / GpuRequest.MilliPerDevice);
        var left = gpus;
        var tenants = new List<Tenant>();
        var count = random.Between(1, 4);
        for (var index = 0; index < count; index++)
        {
            var guaranteed = random.Between(left / 4, left * 3 / 4);
            left -= guaranteed;
            tenants.Add(TestKit.Clusters.Make.Tenant(
                $"t{index}", guaranteed, random.Chance(0.3) ? null : random.Between(gpus / 2, gpus), lending: random.Chance(0.2) ? random.Below(guaranteed + 1) : null,
                weight: random.Chance(0.3) ? random.Between(1, 3) : null, sharesDevices: random.Chance(0.4),
                parent: index > 1 && random.Chance(0.4) ? "above" : null) with
            {
                Order = (QueueOrder)random.Below(3),
            });
        }

        if (tenants.Exists(tenant => tenant.Parent is not null))
        {
            var sum = tenants.Where(tenant => tenant.Parent is not null).Sum(tenant => tenant.Quotas[0].GuaranteedMilliGpu) / 1000;
            tenants.Add(TestKit.Clusters.Make.Tenant("above", sum, random.Below(gpus + 1), namespaces: []));
        }

        return [.. tenants];
    }

    private static ImmutableArray<Job> Jobs(RandomStream random, ImmutableArray<Tenant> tenants)
    {
        var leaves = tenants.Where(tenant => tenant.Id.Value != "above").ToArray();
        var at = TimeSpan.Zero;
        var jobs = new List<Job>();
        var jobsInAll = random.Between(5, 60);
        for (var index = 0; index < jobsInAll; index++)
        {
            at += TimeSpan.FromSeconds(random.Chance(0.3) ? 0 : random.Below(400));
            jobs.Add(One(random, $"job-{index:000}", leaves[random.Below(leaves.Length)].Id.Value, at));
        }

        return [.. jobs];
    }

    private static Job One(RandomStream random, string name, string tenant, TimeSpan at)
    {
        var pods = random.Chance(0.7) ? 1 : random.Between(2, 4);
        var shape = random.Below(10) switch
        {
            0 => TestKit.Clusters.Make.Shape(milliCpu: 2000),
            1 or 2 => TestKit.Clusters.Make.Shape(fraction: 125 * random.Between(1, 7)),
            3 => TestKit.Clusters.Make.Shape(mig: ("1g.5gb", random.Between(1, 2))),
            _ => TestKit.Clusters.Make.Shape(1 << random.Below(4), milliCpu: 1000L * random.Between(1, 8)),
        };
        var minutes = random.Between(1, 90);
        var workload = TestKit.Clusters.Make.Waiting(
            name, tenant, shape, pods, minMember: random.Chance(0.3) ? random.Between(1, pods) : pods, priority: random.Below(3) * random.Below(2) * 100,
            isPreemptible: !random.Chance(0.1));
        return new Job
        {
            Workload = workload with
            {
                IsGang = pods > 1,
                ExpectedDuration = random.Chance(0.6) ? TimeSpan.FromMinutes(random.Chance(0.7) ? minutes : random.Between(1, 90)) : null,
                MinRuntime = random.Chance(0.2) ? TimeSpan.FromMinutes(random.Between(1, 20)) : TimeSpan.Zero,
                PreemptionGrace = random.Chance(0.6) ? TimeSpan.FromSeconds(random.Between(1, 300)) : TimeSpan.Zero,
            },
            SubmitAt = at,
            Duration = TimeSpan.FromMinutes(minutes) + TimeSpan.FromMilliseconds(random.Below(1000)),
            SpreadDuration = random.Chance(0.3) ? TimeSpan.FromMinutes(minutes * 1.5) : null,
            Application = random.Chance(0.5) ? $"app-{random.Below(3)}" : null,
            CheckpointEvery = random.Chance(0.3) ? TimeSpan.FromMinutes(random.Between(1, 15)) : null,
            CheckpointOnNotice = random.Chance(0.4) ? TimeSpan.FromSeconds(random.Between(0, 200)) : null,
            RestartTime = random.Chance(0.5) ? TimeSpan.FromSeconds(random.Below(120)) : TimeSpan.Zero,
        };
    }

    /// <summary>None in a third of all cases, so that W10 is checked too.</summary>
    private static FaultModel Faults(RandomStream random) => random.Below(3) == 0
        ? FaultModel.None
        : new FaultModel
        {
            NodeSecondsToFailure = random.Chance(0.7) ? new Distribution.Exponential(20_000) : null,
            NodeSecondsToRepair = new Distribution.Lognormal(1200, 1),
            DeviceSecondsToFailure = random.Chance(0.7) ? new Distribution.Weibull(60_000, 0.8) : null,
            DeviceSecondsToRepair = new Distribution.Uniform(60, 7200),
        };
}
