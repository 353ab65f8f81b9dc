using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Benchmarks;

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
    public static ImmutableArray<Workload> Waiting(int count, int tenants)
    {
        var random = new SplitMix64(20261102);
        return [.. Enumerable.Range(0, count).Select(index => Waiting(index, (int)(random.Next() % (ulong)tenants), random))];
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

/// <summary>
/// Steele, Lea, Flood: Fast splittable pseudorandom number generators (OOPSLA 2014). Small, and the same everywhere.
/// </summary>
internal sealed class SplitMix64(ulong state)
{
    public ulong Next()
    {
        state += 0x9E3779B97F4A7C15;
        var z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
