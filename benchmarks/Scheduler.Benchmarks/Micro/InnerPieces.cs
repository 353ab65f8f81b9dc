using System.Globalization;
using BenchmarkDotNet.Attributes;
using Scheduler.Benchmarks.Clusters;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.TestKit.Clusters;

namespace Scheduler.Benchmarks.Micro;

/// <summary>One division among tenants, ten of them below each inner tenant.</summary>
public class EntitlementBenchmark
{
    private TenantTree _tree = TenantTree.Empty;
    private EntitlementProblem _problem = new(0) { Capacity = 0 };

    /// <summary>Leaves.</summary>
    [Params(50, 500)]
    public int Tenants { get; set; }

    /// <summary>Makes the problem.</summary>
    [GlobalSetup]
    public void Prepare()
    {
        var random = new SplitMix64(20261124);
        var leaves = Enumerable.Range(0, Tenants).Select(index => Make.Tenant(
            string.Create(CultureInfo.InvariantCulture, $"t{index:000}"), guaranteed: random.Below(20), weight: random.Between(1, 9),
            parent: string.Create(CultureInfo.InvariantCulture, $"p{index / 10:00}"))).ToArray();
        var parents = leaves.GroupBy(leaf => leaf.Parent!.Value.Value).Select(group => Make.Tenant(
            group.Key, group.Sum(leaf => leaf.Quotas[0].GuaranteedMilliGpu) / 1000.0, namespaces: []));
        _tree = Make.Tree([.. parents, .. leaves]);
        _problem = new EntitlementProblem(_tree.Nodes.Length) { Capacity = Tenants * 12_345L };
        foreach (var node in _tree.Nodes)
        {
            _problem.Guaranteed[node.Index] = node.TotalGuaranteedMilliGpu;
            _problem.Limit[node.Index] = 3 * node.TotalGuaranteedMilliGpu;
            _problem.Lending[node.Index] = QuotaLedger.Unlimited;
            _problem.Weight[node.Index] = node.Weight;
            _problem.Demand[node.Index] = node.IsLeaf ? random.Below(40_000) : 0;
        }
    }

    /// <summary>The division.</summary>
    [Benchmark]
    public long[] Divide() => Entitlements.Compute(_tree, _problem);
}

/// <summary>A cycle that places one pod of one GPU, beside running work on half of the devices.</summary>
public class PlacementBenchmark
{
    private ClusterSnapshot _snapshot = new ClusterSnapshotBuilder().Build();

    /// <summary>Nodes of eight GPUs.</summary>
    [Params(100, 1000)]
    public int Nodes { get; set; }

    /// <summary>Makes the cluster.</summary>
    [GlobalSetup]
    public void Prepare()
    {
        var nodes = SyntheticCluster.Nodes(Nodes);
        var running = nodes.Select(node => Make.Waiting($"on-{node.Name}", "tenant-00", Make.Shape(gpus: 4)).RunningOn(node.Name.Value));
        _snapshot = new ClusterSnapshotBuilder { Now = Make.Now }
            .Add(nodes).Add(running).Add(Make.Waiting("one", "tenant-01", Make.Shape(gpus: 1)))
            .With(SyntheticCluster.Tenants(2, Nodes)).Build();
    }

    /// <summary>The cycle.</summary>
    [Benchmark]
    public Plan PlaceOne() => Planner.Compute(_snapshot, SchedulingPolicy.Default);
}

/// <summary>A cycle that finds victims for a gang that needs half of a full cluster.</summary>
public class VictimBenchmark
{
    private ClusterSnapshot _snapshot = new ClusterSnapshotBuilder().Build();

    /// <summary>Nodes of eight GPUs.</summary>
    [Params(20, 100)]
    public int Nodes { get; set; }

    /// <summary>Makes the cluster.</summary>
    [GlobalSetup]
    public void Prepare() => _snapshot = BurstCluster.Make(Nodes);

    /// <summary>The cycle.</summary>
    [Benchmark]
    public Plan FindVictims() => Planner.Compute(_snapshot, SchedulingPolicy.Default);
}
