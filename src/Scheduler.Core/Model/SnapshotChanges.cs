using System.Collections.Immutable;
using Scheduler.Core.Quota;
using Scheduler.Core.Scoring;

namespace Scheduler.Core.Model;

/// <summary>What is other than in the snapshot before. What is not named here stays, down to the object.</summary>
public sealed record SnapshotChanges
{
    /// <summary>Nodes that are new, or that changed.</summary>
    public IReadOnlyCollection<Node> Nodes { get; init; } = [];

    /// <summary>Nodes that are gone. Naming one that was never there does nothing.</summary>
    public IReadOnlyCollection<NodeName> RemovedNodes { get; init; } = [];

    /// <summary>Workloads that are new, or that changed.</summary>
    public IReadOnlyCollection<Workload> Workloads { get; init; } = [];

    /// <summary>Workloads that are gone; one that is named as changed too stays. Naming one that was never there does nothing.</summary>
    public IReadOnlyCollection<WorkloadId> RemovedWorkloads { get; init; } = [];

    /// <summary>The quota tree, if it changed.</summary>
    public TenantTree? Tenants { get; init; }

    /// <summary>The disruption budgets, if any changed.</summary>
    public ImmutableSortedDictionary<string, int>? DisruptionsAllowed { get; init; }

    /// <summary>The labels of namespaces, if any changed.</summary>
    public ImmutableSortedDictionary<string, LabelSet>? Namespaces { get; init; }

    /// <summary>The mix of shapes, if it changed.</summary>
    public ShapeMix? Mix { get; init; }
}
