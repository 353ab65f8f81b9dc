using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.TestKit.Clusters;

namespace Scheduler.Benchmarks.Clusters;

/// <summary>
/// A cluster that ten tenants filled with burst work, single pods and gangs of all ages, and a gang that wants half of it
/// back, as its tenant is guaranteed.
/// </summary>
internal static class BurstCluster
{
    private const int Borrowers = 10;
    private const int DevicesPerNode = 8;

    public static readonly WorkloadId Gang = new("the-gang");

    private static readonly TenantId Owner = new("owner");

    public static ClusterSnapshot Make(int nodes)
    {
        var all = Nodes(nodes);
        return new ClusterSnapshotBuilder { Now = SyntheticCluster.Now, Generation = 1 }
            .Add(all).Add(Running(all)).Add(TheGang(Math.Max(1, nodes / 2))).With(Tenants(nodes))
            .WithBudget("web", 3).Build();
    }

    private static ImmutableArray<Node> Nodes(int count) =>
        [.. SyntheticCluster.Nodes(count).Select(node => node with { Flavor = new FlavorId("H100") })];

    /// <summary>Half of the cluster for the owner; a tenth, in all, for the borrowers: most of what they run is on burst.</summary>
    private static TenantTree Tenants(int nodes)
    {
        var capacity = (long)nodes * DevicesPerNode * GpuRequest.MilliPerDevice;
        return Scheduler.TestKit.Clusters.Make.Tree(
        [
            Leaf(Owner, capacity / 2, capacity),
            .. Enumerable.Range(0, Borrowers).Select(index => Leaf(Borrower(index), capacity / 10 / Borrowers, capacity)),
        ]);
    }

    private static Tenant Leaf(TenantId id, long guaranteed, long burst) => new()
    {
        Id = id,
        Namespaces = [id.Value],
        Quotas = [new FlavorQuota { Flavor = FlavorId.Any, GuaranteedMilliGpu = guaranteed, BurstMilliGpu = burst }],
    };

    private static TenantId Borrower(int index) => new(string.Create(CultureInfo.InvariantCulture, $"borrower-{index}"));

    private static Workload TheGang(int pods)
    {
        var shape = PodShape.Create(new ResourceVector(16_000, 64L << 30), GpuRequest.Whole(DevicesPerNode));
        return new Workload
        {
            Id = Gang,
            Tenant = Owner,
            Namespace = Owner.Value,
            Name = Gang.Value,
            MinMember = pods,
            IsGang = true,
            SubmittedAt = SyntheticCluster.Now.AddMinutes(-1),
            Pods = [.. Enumerable.Range(0, pods).Select(pod => new Pod
            {
                Id = new PodId(string.Create(CultureInfo.InvariantCulture, $"{Gang}/{pod:0000}")),
                Name = Gang.Value,
                Shape = shape,
            })],
        };
    }

    /// <summary>Device by device, node by node: the next workload begins where the last ended, so that gangs cross nodes.</summary>
    private static List<Workload> Running(ImmutableArray<Node> nodes)
    {
        var random = new SplitMix64(20261104);
        var running = new List<Workload>();
        var (node, device) = (0, 0);
        while (node < nodes.Length)
        {
            var (gpus, wanted) = random.Below(100) switch
            {
                < 35 => (1, 1),
                < 50 => (2, 1),
                < 60 => (4, 1),
                < 70 => (1, random.Between(2, 6)),
                < 85 => (2, random.Between(2, 8)),
                < 95 => (4, random.Between(2, 4)),
                _ => (8, random.Between(2, 4)),
            };
            var pods = ImmutableArray.CreateBuilder<Pod>();
            var shape = PodShape.Create(new ResourceVector(1000L * random.Between(1, 8), 4L << 30), GpuRequest.Whole(gpus));
            var id = string.Create(CultureInfo.InvariantCulture, $"burst-{running.Count:000000}");
            for (var pod = 0; pod < wanted; pod++)
            {
                if (device + gpus > DevicesPerNode)
                {
                    (node, device) = (node + 1, 0);
                }

                if (node == nodes.Length)
                {
                    break;
                }

                pods.Add(new Pod
                {
                    Id = new PodId(string.Create(CultureInfo.InvariantCulture, $"{id}/{pod:000}")),
                    Name = id,
                    Shape = shape,
                    State = PodState.Placed,
                    Placement = new PodPlacement(nodes[node].Name, [.. Enumerable.Range(device, gpus)]),
                });
                device += gpus;
            }

            if (pods.Count > 0)
            {
                running.Add(Running(id, random.Below(Borrowers), pods.ToImmutable(), random));
            }
        }

        return running;
    }

    private static Workload Running(string id, int borrower, ImmutableArray<Pod> pods, SplitMix64 random)
    {
        var age = random.Between(60, 172_800);
        var isElastic = pods.Length > 2 && random.Chance(30);
        return new Workload
        {
            Id = new WorkloadId(id),
            Tenant = Borrower(borrower),
            Namespace = Borrower(borrower).Value,
            Name = id,
            MinMember = isElastic ? pods.Length / 2 : pods.Length,
            IsGang = pods.Length > 1,
            Priority = random.Pick(0, 0, 0, 100, 1000),
            SubmittedAt = SyntheticCluster.Now.AddSeconds(-age - 60),
            StartedAt = SyntheticCluster.Now.AddSeconds(-age),
            CheckpointedAt = random.Chance(40) ? SyntheticCluster.Now.AddSeconds(-random.Below(age)) : null,
            DisruptionBudget = random.Chance(5) ? "web" : null,
            PreemptionGrace = TimeSpan.FromSeconds(random.Pick(0, 30)),
            Pods = pods,
        };
    }
}
