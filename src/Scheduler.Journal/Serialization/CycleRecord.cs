using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.Core.Scoring;

namespace Scheduler.Journal.Serialization;

/// <summary>
/// One cycle on disk: what became of it, and how its snapshot differs from the one in the record before. The first cycle of a segment
/// differs from the empty snapshot, so a segment can be read without any other.
/// </summary>
public sealed record CycleRecord
{
    /// <summary>See <see cref="CycleEntry.Number"/>.</summary>
    public required long Number { get; init; }

    /// <summary>Generation of the snapshot.</summary>
    public required long Generation { get; init; }

    /// <summary>The moment of the snapshot.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>Whether the decisions were carried out.</summary>
    public required bool IsApplied { get; init; }

    /// <summary>Who led, as far as the replica knew.</summary>
    public string? Leader { get; init; }

    /// <summary>How long the cycle took, in microseconds.</summary>
    public required long DurationMicroseconds { get; init; }

    /// <summary>SHA-256 of the plan's canonical text.</summary>
    public required string PlanDigest { get; init; }

    /// <summary>Workloads that the plan left waiting.</summary>
    public required int Waiting { get; init; }

    /// <summary>The plan's decisions that do something, as lines of its canonical text: binds, evictions, withdrawals, nominations.</summary>
    public ImmutableArray<string> Effects { get; init; } = [];

    /// <summary>Those of them that no longer held when they were to be applied.</summary>
    public ImmutableArray<string> Refused { get; init; } = [];

    /// <summary>Nodes that are new or changed.</summary>
    public ImmutableArray<Node> Nodes { get; init; } = [];

    /// <summary>Nodes that are gone.</summary>
    public ImmutableArray<NodeName> RemovedNodes { get; init; } = [];

    /// <summary>Workloads that are new or changed.</summary>
    public ImmutableArray<Workload> Workloads { get; init; } = [];

    /// <summary>Workloads that are gone.</summary>
    public ImmutableArray<WorkloadId> RemovedWorkloads { get; init; } = [];

    /// <summary>The tenants, if they changed.</summary>
    public TenantTree? Tenants { get; init; }

    /// <summary>The disruption budgets, if they changed.</summary>
    public ImmutableSortedDictionary<string, int>? DisruptionsAllowed { get; init; }

    /// <summary>The labels of namespaces, if they changed.</summary>
    public ImmutableSortedDictionary<string, LabelSet>? Namespaces { get; init; }

    /// <summary>What the pods are like, if that changed.</summary>
    public ShapeMix? Mix { get; init; }

    /// <summary>Pods that were not queued, if those changed.</summary>
    public ImmutableArray<JournaledPod>? Unqueued { get; init; }

    /// <summary>The snapshot that follows <paramref name="previous"/>.</summary>
    /// <exception cref="InvalidOperationException">The result is no snapshot: two nodes or pods have one id, for instance.</exception>
    public ClusterSnapshot ApplyTo(ClusterSnapshot previous)
    {
        ArgumentNullException.ThrowIfNull(previous);
        return previous.Next(Generation, Now, new SnapshotChanges
        {
            Nodes = Nodes,
            RemovedNodes = RemovedNodes,
            Workloads = Workloads,
            RemovedWorkloads = RemovedWorkloads,
            Tenants = Tenants,
            DisruptionsAllowed = DisruptionsAllowed,
            Namespaces = Namespaces,
            Mix = Mix,
        });
    }
}
