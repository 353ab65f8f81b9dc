using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.TestKit.Clusters;

namespace Scheduler.Benchmarks.Clusters;

/// <summary>Clusters and queues of any size for measurements, the same for the same arguments.</summary>
internal static class SyntheticCluster
{
    public static readonly DateTimeOffset Now = new(2026, 11, 2, 9, 0, 0, TimeSpan.Zero);

    private static readonly string[] Models = ["H100", "A100", "L40S", "A10"];

    /// <summary>Nodes of eight GPUs, four models in blocks.</summary>
    public static ImmutableArray<Node> Nodes(int count) =>
    [
        .. Enumerable.Range(0, count).Select(index => new Node
        {
            Name = new NodeName(string.Create(CultureInfo.InvariantCulture, $"node-{index:00000}")),
            Allocatable = new ResourceVector(128_000, 1L << 40),
            MaxPods = 110,
            Devices = [.. Enumerable.Range(0, 8).Select(device => new GpuDevice(device))],
            Flavor = new FlavorId(Models[index * Models.Length / count]),
            Labels = Node.NoLabels.Add("nvidia.com/gpu.product", Models[index * Models.Length / count]),
        }),
    ];

    /// <summary>Equal tenants whose guarantees fill 80 % of the cluster.</summary>
    public static TenantTree Tenants(int count, int nodes)
    {
        var guaranteed = nodes * 8L * GpuRequest.MilliPerDevice * 8 / 10 / count;
        var tenants = Enumerable.Range(0, count).Select(index => new Tenant
        {
            Id = TenantName(index),
            Namespaces = [TenantName(index).Value],
            Quotas = [new FlavorQuota { Flavor = FlavorId.Any, GuaranteedMilliGpu = guaranteed }],
        });
        return TenantTree.TryCreate(tenants, out var tree, out var errors)
            ? tree
            : throw new InvalidOperationException(string.Join("; ", errors));
    }

    public static TenantId TenantName(int index) => new(string.Create(CultureInfo.InvariantCulture, $"tenant-{index:00}"));

    /// <summary>Waiting workloads in a realistic mix: mostly one GPU, fractions, whole nodes, gangs, some without GPUs.</summary>
    /// <param name="count">How many.</param>
    /// <param name="tenants">They belong to the first so many tenants.</param>
    /// <param name="first">The number of the first: later ones are others.</param>
    public static ImmutableArray<Workload> Waiting(int count, int tenants, int first = 0)
    {
        var random = new SplitMix64(20261102 + (ulong)first);
        return [.. Enumerable.Range(first, count).Select(index => Waiting(index, random.Below(tenants), random))];
    }

    /// <summary>What a first plan starts of some workloads, as if it had run for a while: ages up to a day, some checkpoints.</summary>
    public static ImmutableArray<Workload> Started(IEnumerable<Workload> waiting, Plan plan)
    {
        var random = new SplitMix64(20261103);
        var placements = plan.Decisions.OfType<Bind>().SelectMany(bind => bind.Pods).ToDictionary(pod => pod.Pod);
        return [.. waiting.Select(workload => workload.Pods.Any(pod => placements.ContainsKey(pod.Id)) ? Started(workload, placements, random) : workload)];
    }

    private static Workload Started(Workload workload, Dictionary<PodId, PodBinding> placements, SplitMix64 random)
    {
        var age = random.Between(60, 86_400);
        return workload with
        {
            SubmittedAt = Now.AddSeconds(-age - 60),
            StartedAt = Now.AddSeconds(-age),
            CheckpointedAt = random.Chance(40) ? Now.AddSeconds(-random.Below(age)) : null,
            PreemptionGrace = TimeSpan.FromSeconds(random.Pick(0, 30)),
            Pods = [.. workload.Pods.Select(pod => placements.TryGetValue(pod.Id, out var at)
                ? pod with { State = PodState.Placed, Placement = new PodPlacement(at.Node, at.Devices) }
                : pod)],
        };
    }

    private static Workload Waiting(int index, int tenant, SplitMix64 random)
    {
        var kind = random.Next() % 100;
        var (gpu, pods) = kind switch
        {
            < 10 => (GpuRequest.None, 1),
            < 50 => (GpuRequest.Whole(1), 1),
            < 70 => (GpuRequest.Fraction(100 * (1 + (int)(random.Next() % 9))), 1),
            < 80 => (GpuRequest.Whole(2), 1),
            < 88 => (GpuRequest.Whole(4), 1),
            < 94 => (GpuRequest.Whole(8), 1),
            _ => (GpuRequest.Whole(8), 2 + (int)(random.Next() % 7)),
        };
        var milliCpu = 1000L * (1 + (long)(random.Next() % 8));
        var shape = PodShape.Create(new ResourceVector(milliCpu, 4L << 30), gpu);
        var id = string.Create(CultureInfo.InvariantCulture, $"w-{index:000000}");
        return new Workload
        {
            Id = new WorkloadId(id),
            Tenant = TenantName(tenant),
            Namespace = TenantName(tenant).Value,
            Name = id,
            Priority = (int)(random.Next() % 3) * 1000,
            SubmittedAt = Now.AddSeconds(-(long)(random.Next() % 86_400)),
            MinMember = pods,
            IsGang = pods > 1,
            ExpectedDuration = TimeSpan.FromMinutes(10 + (long)(random.Next() % 600)),
            Pods = [.. Enumerable.Range(0, pods).Select(pod => new Pod
            {
                Id = new PodId(string.Create(CultureInfo.InvariantCulture, $"{id}/{pod:000}")),
                Name = id,
                Shape = shape,
            })],
        };
    }
}
