using System.Collections.Immutable;
using Scheduler.Core.Quota;
using Scheduler.Core.Scoring;

namespace Scheduler.Core.Model;

/// <summary>
/// Collects nodes, workloads and tenants in any order and makes a sorted snapshot of them. Checks what the planner
/// relies on, so that a fault of a host is found where it happens.
/// </summary>
public sealed class ClusterSnapshotBuilder
{
    private readonly List<Node> _nodes = [];
    private readonly List<Workload> _workloads = [];
    private readonly SortedDictionary<string, int> _disruptionsAllowed = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, LabelSet> _namespaces = new(StringComparer.Ordinal);
    private TenantTree _tenants = TenantTree.Empty;
    private ShapeMix? _mix;

    /// <summary>See <see cref="ClusterSnapshot.Generation"/>.</summary>
    public long Generation { get; set; }

    /// <summary>See <see cref="ClusterSnapshot.Now"/>.</summary>
    public DateTimeOffset Now { get; set; }

    /// <summary>Adds nodes.</summary>
    public ClusterSnapshotBuilder Add(params IEnumerable<Node> nodes)
    {
        _nodes.AddRange(nodes);
        return this;
    }

    /// <summary>Adds workloads.</summary>
    public ClusterSnapshotBuilder Add(params IEnumerable<Workload> workloads)
    {
        _workloads.AddRange(workloads);
        return this;
    }

    /// <summary>Sets the quota tree.</summary>
    public ClusterSnapshotBuilder With(TenantTree tenants)
    {
        _tenants = tenants;
        return this;
    }

    /// <summary>Sets what the pods that the cluster gets are like; unset, nothing is known of them yet.</summary>
    public ClusterSnapshotBuilder With(ShapeMix mix)
    {
        _mix = mix;
        return this;
    }

    /// <summary>Sets how many more pods of a disruption budget may be disrupted now.</summary>
    public ClusterSnapshotBuilder WithBudget(string name, int disruptionsAllowed)
    {
        _disruptionsAllowed[name] = disruptionsAllowed;
        return this;
    }

    /// <summary>Sets the labels of a namespace.</summary>
    public ClusterSnapshotBuilder WithNamespace(string name, LabelSet labels)
    {
        _namespaces[name] = labels;
        return this;
    }

    /// <summary>Makes the snapshot.</summary>
    /// <exception cref="InvalidOperationException">
    /// Two nodes, workloads or pods have the same id, a workload has no pods, or a pod's placement does not go with its state.
    /// </exception>
    public ClusterSnapshot Build()
    {
        ImmutableArray<Node> nodes = [.. _nodes.OrderBy(node => node.Name)];
        ImmutableArray<Workload> workloads = [.. _workloads.OrderBy(workload => workload.Id)];
        for (var index = 1; index < nodes.Length; index++)
        {
            Require(nodes[index - 1].Name != nodes[index].Name, $"node {nodes[index].Name} is there twice");
        }

        var pods = new HashSet<PodId>();
        for (var index = 0; index < workloads.Length; index++)
        {
            var workload = workloads[index];
            Require(index == 0 || workloads[index - 1].Id != workload.Id, $"workload {workload.Id} is there twice");
            Check(workload);
            foreach (var pod in workload.Pods)
            {
                Require(pods.Add(pod.Id), $"pod {pod.Id} is there twice");
            }
        }

        return new ClusterSnapshot(Generation, Now, nodes, workloads, _tenants,
            _disruptionsAllowed.ToImmutableSortedDictionary(StringComparer.Ordinal), _mix ?? ShapeMix.Assume(nodes),
            _namespaces.ToImmutableSortedDictionary(StringComparer.Ordinal), ExclusionTerms.Of(nodes, workloads));
    }

    /// <summary>Checks what a workload must be by itself.</summary>
    internal static void Check(Workload workload)
    {
        Require(!workload.Pods.IsDefaultOrEmpty, $"workload {workload.Id} has no pods");
        Require(workload.MinMember >= 1, $"workload {workload.Id} has minMember {workload.MinMember}");
        var previous = default(Pod);
        foreach (var pod in workload.Pods)
        {
            Require(previous is null || previous.Id.CompareTo(pod.Id) < 0, $"the pods of workload {workload.Id} are not sorted");
            Require(pod.State == PodState.Pending == (pod.Placement is null),
                $"pod {pod.Id} is {pod.State}, which does not go with its placement");
            previous = pod;
        }
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new InvalidOperationException(message);
        }
    }
}
