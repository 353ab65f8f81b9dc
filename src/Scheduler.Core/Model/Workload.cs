using System.Collections.Immutable;

namespace Scheduler.Core.Model;

/// <summary>Where a pod is in its life, as far as planning goes.</summary>
public enum PodState
{
    /// <summary>Waits for a node.</summary>
    Pending,

    /// <summary>Has a node (bound, or assumed) and holds its room there.</summary>
    Placed,

    /// <summary>Is being deleted: still holds its room, which counts as coming free.</summary>
    Leaving,
}

/// <summary>Where a pod is, and with which devices.</summary>
/// <param name="Node">The node.</param>
/// <param name="Devices">
/// Indices of the GPUs, ascending; empty for MIG instances, for no GPU, and where the host does not know yet.
/// </param>
public sealed record PodPlacement(NodeName Node, ImmutableArray<int> Devices);

/// <summary>One pod of a workload.</summary>
public sealed record Pod
{
    /// <summary>UID.</summary>
    public required PodId Id { get; init; }

    /// <summary>Name in its namespace, for people.</summary>
    public required string Name { get; init; }

    /// <summary>What it asks for.</summary>
    public required PodShape Shape { get; init; }

    /// <summary>Its labels, for the rules of other pods.</summary>
    public LabelSet Labels { get; init; } = LabelSet.Empty;

    /// <summary>Pending, placed or leaving.</summary>
    public PodState State { get; init; }

    /// <summary>Null exactly while <see cref="State"/> is <see cref="PodState.Pending"/>.</summary>
    public PodPlacement? Placement { get; init; }

    /// <summary>Room that is kept for this pod while it waits for victims to leave; null if none is.</summary>
    public PodPlacement? Nomination { get; init; }

    /// <summary>A notice that this placed pod was given; null if none was, or it was withdrawn.</summary>
    public PreemptionNotice? Notice { get; init; }

    /// <summary>Whether its GPUs are seen to do nothing, by telemetry: preempting it loses no work.</summary>
    public bool IsIdle { get; init; }
}

/// <summary>A pod was told to leave.</summary>
/// <param name="Beneficiary">For whom.</param>
/// <param name="Deadline">When it is evicted at the latest.</param>
public sealed record PreemptionNotice(WorkloadId Beneficiary, DateTimeOffset Deadline)
{
    /// <summary>
    /// The beneficiary of a notice that is given for the health of a device, and for nobody's room. Only who gave it takes it back.
    /// No workload has this id, since theirs begin with a namespace and a slash.
    /// </summary>
    public static readonly WorkloadId GpuHealth = new("gpu-health");
}

/// <summary>A wish to have the pods of a gang close to each other.</summary>
/// <param name="Level">Label of nodes whose value names the domain, such as <c>topology.kubernetes.io/zone</c>.</param>
/// <param name="IsRequired">True: in one domain or not at all. False: in one domain if there is room, else anywhere.</param>
public sealed record TopologyRequest(string Level, bool IsRequired);

/// <summary>Why a host keeps a workload from being planned now.</summary>
public enum Hold
{
    /// <summary>Nothing holds it.</summary>
    None,

    /// <summary>Its binding failed again and again: it waits out a back-off alone.</summary>
    Backoff,

    /// <summary>A volume is not ready.</summary>
    VolumePending,
}

/// <summary>What is admitted as one: a single pod, or a gang.</summary>
public sealed record Workload
{
    /// <summary>Identity; also the last tie-breaker of every order.</summary>
    public required WorkloadId Id { get; init; }

    /// <summary>The tenant that owns the namespace; null where no tenant does.</summary>
    public required TenantId? Tenant { get; init; }

    /// <summary>The Kubernetes namespace.</summary>
    public required string Namespace { get; init; }

    /// <summary>Name for people: of the pod or of the gang.</summary>
    public required string Name { get; init; }

    /// <summary>Its pods, sorted by id; never empty.</summary>
    public required ImmutableArray<Pod> Pods { get; init; }

    /// <summary>Pods without which it does not run; 1 for a single pod.</summary>
    public int MinMember { get; init; } = 1;

    /// <summary>Whether it was declared as a gang, even with one pod.</summary>
    public bool IsGang { get; init; }

    /// <summary>Kubernetes priority; higher goes first.</summary>
    public int Priority { get; init; }

    /// <summary>When the first pod was created.</summary>
    public required DateTimeOffset SubmittedAt { get; init; }

    /// <summary>When the first pod started; null while none has.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>How long it runs, declared or learned; null if unknown, which counts as endless.</summary>
    public TimeSpan? ExpectedDuration { get; init; }

    /// <summary>GPU-time that it was served in earlier runs, in milli-GPU-seconds; 0 if the host does not count it.</summary>
    public long AttainedMilliGpuSeconds { get; init; }

    /// <summary>Protected from reclaim for this long after its start.</summary>
    public TimeSpan MinRuntime { get; init; }

    /// <summary>Time between notice and eviction.</summary>
    public TimeSpan PreemptionGrace { get; init; }

    /// <summary>When it last wrote a checkpoint, as far as it told.</summary>
    public DateTimeOffset? CheckpointedAt { get; init; }

    /// <summary>The disruption budget that covers its pods, as a key of the snapshot's budgets; null if none does.</summary>
    public string? DisruptionBudget { get; init; }

    /// <summary>Where its pods must, or should, be together; null leaves that to the policy.</summary>
    public TopologyRequest? Topology { get; init; }

    /// <summary>Whether it may be preempted at all: something would recreate its pods, or it opted in.</summary>
    public bool IsPreemptible { get; init; } = true;

    /// <summary>Whether others may be sent away for it; false for <c>preemptionPolicy: Never</c>.</summary>
    public bool MayPreempt { get; init; } = true;

    /// <summary>False for GPU pods of other schedulers: they hold room and quota, but are not ours to plan or to preempt.</summary>
    public bool IsManaged { get; init; } = true;

    /// <summary>Why the host keeps it from being planned.</summary>
    public Hold Hold { get; init; }

    /// <summary>What of the reason for the hold people should know, as part of a sentence; null if nothing.</summary>
    public string? HoldDetail { get; init; }

    /// <summary>End of a back-off, for people; null otherwise.</summary>
    public DateTimeOffset? HoldUntil { get; init; }

    /// <summary>Whether any pod waits for a node and the planner is to decide about it.</summary>
    public bool IsPending
    {
        get
        {
            if (!IsManaged)
            {
                return false;
            }

            foreach (var pod in Pods)
            {
                if (pod.State == PodState.Pending)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Pods in a state.</summary>
    public int CountPods(PodState state)
    {
        var count = 0;
        foreach (var pod in Pods)
        {
            count += pod.State == state ? 1 : 0;
        }

        return count;
    }
}
