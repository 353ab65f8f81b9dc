using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Daemon.Kubernetes.Mapping;

/// <summary>What a pod is to the scheduler.</summary>
internal enum PodDisposition
{
    /// <summary>Waits for a node and may be planned.</summary>
    Pending,

    /// <summary>Has a scheduling gate: not queued until the gate is gone.</summary>
    Gated,

    /// <summary>Waits for a node, but says something that cannot be read. See <see cref="PodRecord.Errors"/>.</summary>
    Invalid,

    /// <summary>Has a node and holds its room there.</summary>
    Placed,

    /// <summary>Has a node and is being deleted: holds its room until it is gone.</summary>
    Leaving,

    /// <summary>Ended, or deleted before it had a node: holds nothing.</summary>
    Finished,
}

/// <summary>One value of a pod that cannot be read.</summary>
/// <param name="Field">The annotation or field.</param>
/// <param name="Value">What it says.</param>
/// <param name="Remedy">What it should say.</param>
internal sealed record PodError(string Field, string Value, string Remedy)
{
    public override string ToString() => $"{Field}: '{Value}' {Remedy}";
}

/// <summary>
/// A pod, projected to what the scheduler needs; immutable. 50,000 of these are held in memory, not the API objects.
/// </summary>
internal sealed record PodRecord
{
    public required PodId Id { get; init; }
    public required string Namespace { get; init; }
    public required string Name { get; init; }
    public required PodDisposition Disposition { get; init; }

    /// <summary>Whether this scheduler plans the pod: it names this scheduler, or kube-scheduler asks about it.</summary>
    public required bool IsManaged { get; init; }

    /// <summary>Whether kube-scheduler binds it by way of the extender, to the node that is decided here.</summary>
    public bool IsThroughExtender { get; init; }

    public required PodShape Shape { get; init; }

    /// <summary>Where it is; null unless <see cref="PodDisposition.Placed"/> or <see cref="PodDisposition.Leaving"/>.</summary>
    public PodPlacement? Placement { get; init; }

    public int Priority { get; init; }

    /// <summary>Name of its gang, null for a single pod.</summary>
    public string? Group { get; init; }

    /// <summary>Of a pod group of a Workload object: <c>WORKLOAD:GROUP</c>, which says how many must start together; null otherwise. No name has a colon.</summary>
    public string? WorkloadGroup { get; init; }

    /// <summary>minMember as the pod itself says; a PodGroup object goes before it.</summary>
    public int? MinMember { get; init; }

    public bool IsPreemptible { get; init; }
    public TimeSpan? ExpectedDuration { get; init; }
    public TimeSpan MinRuntime { get; init; }
    public TimeSpan PreemptionGrace { get; init; }
    public DateTimeOffset? CheckpointedAt { get; init; }
    public TopologyRequest? Topology { get; init; }

    /// <summary>False for preemptionPolicy: Never.</summary>
    public bool MayPreempt { get; init; } = true;

    /// <summary>Names of the PersistentVolumeClaims that it mounts, sorted.</summary>
    public ImmutableArray<string> Claims { get; init; } = [];

    /// <summary>Its labels, for disruption budgets and the rules of other pods.</summary>
    public LabelSet Labels { get; init; } = LabelSet.Empty;

    /// <summary>Whether its containers have run on its node.</summary>
    public bool HasRun { get; init; }

    /// <summary>Why its kubelet turned it away, in one word; null if it did not.</summary>
    public string? Rejection { get; init; }

    /// <summary>UID of the controller that owns it; null for a pod that nothing would recreate.</summary>
    public string? Controller { get; init; }

    /// <summary>Whether it ended well; only with <see cref="PodDisposition.Finished"/>.</summary>
    public bool HasSucceeded { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it is to be evicted, as its annotation says; null without one. Only <see cref="EvictBy"/> may be acted on.</summary>
    public DateTimeOffset? PreemptBy { get; init; }

    /// <summary>For whom, from the same notice.</summary>
    public string? PreemptedFor { get; init; }

    /// <summary>The annotation of room that is kept for it, as it stands there, so that it is written on change only.</summary>
    public string? Reservation { get; init; }

    /// <summary>The room that <see cref="Reservation"/> names, if it goes with what the pod asks for. See ClusterCache on when it counts.</summary>
    public PodPlacement? ReservedRoom { get; init; }

    /// <summary>Reason and message of the condition PodScheduled=False that the pod carries, so that it is written on change only.</summary>
    public (string Reason, string Message)? UnscheduledBecause { get; init; }

    /// <summary>Everything about it that cannot be read.</summary>
    public ImmutableArray<PodError> Errors { get; init; } = [];

    /// <summary>The workload that it belongs to. Names are unique in a namespace at any moment, so this is unique too.</summary>
    public WorkloadId Workload => Group is null || !IsManaged
        ? new WorkloadId($"{Namespace}/pod/{Name}")
        : new WorkloadId($"{Namespace}/podgroup/{Group}");

    /// <summary>Whether the evictor may touch it at all: a pod of this scheduler that may be preempted.</summary>
    public bool MayBeEvicted => IsManaged && IsPreemptible;

    /// <summary>
    /// <see cref="PreemptBy"/> where it is a notice: anybody who may write a pod or a template can write the annotation. It counts on
    /// a running pod that may be evicted, and not if it is earlier than the pod's start, for then it came with the template.
    /// </summary>
    public DateTimeOffset? EvictBy => MayBeEvicted && HoldsRoom && !(PreemptBy < StartedAt) ? PreemptBy : null;

    /// <summary>Whether it takes room on a node.</summary>
    public bool HoldsRoom => Disposition is PodDisposition.Placed or PodDisposition.Leaving;
}
