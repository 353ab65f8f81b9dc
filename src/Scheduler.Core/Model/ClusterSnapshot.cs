using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Scheduler.Core.Quota;
using Scheduler.Core.Scoring;

namespace Scheduler.Core.Model;

/// <summary>
/// A cluster at one moment: immutable, sorted, complete. The only input of the planner besides its policy. Made by
/// <see cref="ClusterSnapshotBuilder"/>.
/// </summary>
public sealed class ClusterSnapshot
{
    private readonly Dictionary<NodeName, int> _nodeIndex;
    private readonly Dictionary<WorkloadId, int> _workloadIndex;

    internal ClusterSnapshot(
        long generation, DateTimeOffset now, ImmutableArray<Node> nodes, ImmutableArray<Workload> workloads, TenantTree tenants,
        ImmutableSortedDictionary<string, int> disruptionsAllowed, ShapeMix mix)
    {
        Mix = mix;
        DisruptionsAllowed = disruptionsAllowed;
        Generation = generation;
        Now = now;
        Nodes = nodes;
        Workloads = workloads;
        Tenants = tenants;
        _nodeIndex = new Dictionary<NodeName, int>(nodes.Length);
        for (var index = 0; index < nodes.Length; index++)
        {
            _nodeIndex[nodes[index].Name] = index;
        }

        _workloadIndex = new Dictionary<WorkloadId, int>(workloads.Length);
        for (var index = 0; index < workloads.Length; index++)
        {
            _workloadIndex[workloads[index].Id] = index;
        }
    }

    /// <summary>Counts changes of the state that it was taken from; a plan names it.</summary>
    public long Generation { get; }

    /// <summary>The moment. The planner knows no other clock.</summary>
    public DateTimeOffset Now { get; }

    /// <summary>Nodes, sorted by name.</summary>
    public ImmutableArray<Node> Nodes { get; }

    /// <summary>Workloads with at least one pod that waits, runs or leaves, sorted by id.</summary>
    public ImmutableArray<Workload> Workloads { get; }

    /// <summary>The quota tree.</summary>
    public TenantTree Tenants { get; }

    /// <summary>Disruption budgets: how many more pods of each may be disrupted now.</summary>
    public ImmutableSortedDictionary<string, int> DisruptionsAllowed { get; }

    /// <summary>What the pods that this cluster gets are like; decides what is fragmentation.</summary>
    public ShapeMix Mix { get; }

    /// <summary>Position of a node in <see cref="Nodes"/>.</summary>
    public bool TryGetNodeIndex(NodeName name, out int index) => _nodeIndex.TryGetValue(name, out index);

    /// <summary>Position of a workload in <see cref="Workloads"/>.</summary>
    public bool TryGetWorkloadIndex(WorkloadId id, out int index) => _workloadIndex.TryGetValue(id, out index);

    /// <summary>Finds a workload.</summary>
    public bool TryGetWorkload(WorkloadId id, [NotNullWhen(true)] out Workload? workload)
    {
        workload = _workloadIndex.TryGetValue(id, out var index) ? Workloads[index] : null;
        return workload is not null;
    }

    /// <summary>Installed milli-GPU by flavor, whatever the health of nodes and devices.</summary>
    public ImmutableSortedDictionary<FlavorId, long> InstalledMilliGpu() => SumByFlavor(node => node.InstalledMilliGpu);

    /// <summary>Milli-GPU by flavor on healthy devices of schedulable nodes.</summary>
    public ImmutableSortedDictionary<FlavorId, long> HealthyMilliGpu() => SumByFlavor(node => node.HealthyMilliGpu);

    private ImmutableSortedDictionary<FlavorId, long> SumByFlavor(Func<Node, long> amount)
    {
        var sums = ImmutableSortedDictionary.CreateBuilder<FlavorId, long>();
        foreach (var node in Nodes)
        {
            if (node.HasGpus)
            {
                sums[node.Flavor] = sums.GetValueOrDefault(node.Flavor) + amount(node);
            }
        }

        return sums.ToImmutable();
    }
}
