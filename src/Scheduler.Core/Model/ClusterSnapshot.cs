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

    internal ClusterSnapshot(
        long generation, DateTimeOffset now, ImmutableArray<Node> nodes, ImmutableArray<Workload> workloads, TenantTree tenants,
        ImmutableSortedDictionary<string, int> disruptionsAllowed, ShapeMix mix, ImmutableSortedDictionary<string, LabelSet> namespaces,
        ImmutableArray<PodTerm> exclusions, Dictionary<NodeName, int>? nodeIndex = null)
    {
        Namespaces = namespaces;
        Exclusions = exclusions;
        Mix = mix;
        DisruptionsAllowed = disruptionsAllowed;
        Generation = generation;
        Now = now;
        Nodes = nodes;
        Workloads = workloads;
        Tenants = tenants;
        _nodeIndex = nodeIndex ?? IndexOf(nodes);
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

    /// <summary>Labels of namespaces; one that is not named has none.</summary>
    public ImmutableSortedDictionary<string, LabelSet> Namespaces { get; }

    /// <summary>Every required anti-affinity that any pod has, sorted by key: it keeps away pods that say nothing themselves.</summary>
    public ImmutableArray<PodTerm> Exclusions { get; }

    /// <summary>Position of a node in <see cref="Nodes"/>.</summary>
    public bool TryGetNodeIndex(NodeName name, out int index) => _nodeIndex.TryGetValue(name, out index);

    /// <summary>Position of a workload in <see cref="Workloads"/>.</summary>
    public bool TryGetWorkloadIndex(WorkloadId id, out int index)
    {
        var low = 0;
        var high = Workloads.Length - 1;
        while (low <= high)
        {
            index = (low + high) / 2;
            var order = Workloads[index].Id.CompareTo(id);
            if (order == 0)
            {
                return true;
            }

            (low, high) = order < 0 ? (index + 1, high) : (low, index - 1);
        }

        index = -1;
        return false;
    }

    /// <summary>Finds a workload.</summary>
    public bool TryGetWorkload(WorkloadId id, [NotNullWhen(true)] out Workload? workload)
    {
        workload = TryGetWorkloadIndex(id, out var index) ? Workloads[index] : null;
        return workload is not null;
    }

    /// <summary>
    /// The snapshot that follows this one. Costs one walk over the arrays, whatever the changes; what did not change is the
    /// same object in both, which is what a <see cref="Planning.CyclePlanner"/> goes by.
    /// </summary>
    /// <exception cref="InvalidOperationException">As in <see cref="ClusterSnapshotBuilder.Build"/>, for what changed.</exception>
    public ClusterSnapshot Next(long generation, DateTimeOffset now, SnapshotChanges changes)
    {
        ArgumentNullException.ThrowIfNull(changes);
        foreach (var workload in changes.Workloads)
        {
            ClusterSnapshotBuilder.Check(workload);
        }

        var nodes = SortedMerge.Apply(Nodes, changes.Nodes, changes.RemovedNodes, node => node.Name);
        var workloads = SortedMerge.Apply(Workloads, changes.Workloads, changes.RemovedWorkloads, workload => workload.Id);
        var mayExclude = !Exclusions.IsEmpty || changes.Nodes.Any(ExclusionTerms.IsOn) || changes.Workloads.Any(ExclusionTerms.IsOf);
        return new ClusterSnapshot(
            generation, now, nodes, workloads, changes.Tenants ?? Tenants, changes.DisruptionsAllowed ?? DisruptionsAllowed,
            changes.Mix ?? Mix, changes.Namespaces ?? Namespaces, mayExclude ? ExclusionTerms.Of(nodes, workloads) : [],
            HasSameNames(nodes) ? _nodeIndex : null);
    }

    private bool HasSameNames(ImmutableArray<Node> nodes)
    {
        if (nodes.Length != Nodes.Length)
        {
            return false;
        }

        for (var index = 0; index < nodes.Length; index++)
        {
            if (!ReferenceEquals(nodes[index], Nodes[index]) && nodes[index].Name != Nodes[index].Name)
            {
                return false;
            }
        }

        return true;
    }

    private static Dictionary<NodeName, int> IndexOf(ImmutableArray<Node> nodes)
    {
        var indices = new Dictionary<NodeName, int>(nodes.Length);
        for (var index = 0; index < nodes.Length; index++)
        {
            indices[nodes[index].Name] = index;
        }

        return indices;
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
