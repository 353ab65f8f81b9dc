using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>On which side of its tenant's guarantee a running workload is.</summary>
public enum Standing
{
    /// <summary>Inside the guarantee: no other tenant can take it.</summary>
    Guaranteed,

    /// <summary>On borrowed capacity: can be reclaimed.</summary>
    Burst,
}

/// <summary>
/// What the planner wants done about one workload: <see cref="Bind"/>, <see cref="Evict"/>, <see cref="Withdraw"/>,
/// <see cref="Reserve"/> or <see cref="Wait"/>. Closed: no other assembly can add to it. Every pending workload gets exactly one
/// <see cref="Bind"/> or <see cref="Wait"/>.
/// </summary>
public abstract record Decision
{
    private protected Decision(WorkloadId workload) => Workload = workload;

    /// <summary>The workload decided about.</summary>
    public WorkloadId Workload { get; }
}

/// <summary>Where one pod goes.</summary>
/// <param name="Pod">The pod.</param>
/// <param name="Node">Its node.</param>
/// <param name="Devices">Indices of its GPUs, ascending; empty for MIG instances and for no GPU.</param>
public sealed record PodBinding(PodId Pod, NodeName Node, ImmutableArray<int> Devices);

/// <summary>Start these pods. Applied whole or not at all.</summary>
public sealed record Bind : Decision
{
    internal Bind(WorkloadId workload)
        : base(workload)
    {
    }

    /// <summary>The pods, sorted by id; for a gang at least as many as it still needs.</summary>
    public required ImmutableArray<PodBinding> Pods { get; init; }

    /// <summary>Whether the workload was admitted inside its tenant's guarantee or on burst.</summary>
    public required Standing Standing { get; init; }

    /// <summary>Pods of a gang beyond its minimum that still wait, for want of room.</summary>
    public required int PodsLeftWaiting { get; init; }
}

/// <summary>Take capacity back. Ordered before the binds that it pays for.</summary>
public sealed record Evict : Decision
{
    internal Evict(WorkloadId workload)
        : base(workload)
    {
    }

    /// <summary>The pods that must go, sorted by id.</summary>
    public required ImmutableArray<PodId> Pods { get; init; }

    /// <summary>For whom.</summary>
    public required WorkloadId Beneficiary { get; init; }

    /// <summary>For what.</summary>
    public required EvictionCause Cause { get; init; }

    /// <summary>Work thrown away, the time to start again included, in milli-GPU-seconds.</summary>
    public required long LostMilliGpuSeconds { get; init; }

    /// <summary>When they go at the latest.</summary>
    public required DateTimeOffset Deadline { get; init; }
}

/// <summary>Take a notice back: the need for which it was given is gone.</summary>
public sealed record Withdraw : Decision
{
    internal Withdraw(WorkloadId workload)
        : base(workload)
    {
    }

    /// <summary>The pods that may stay, sorted by id.</summary>
    public required ImmutableArray<PodId> Pods { get; init; }
}

/// <summary>For what running work is preempted.</summary>
public enum EvictionCause
{
    /// <summary>Another tenant claims its guarantee, or the own one lower priority inside it.</summary>
    Guarantee,

    /// <summary>Higher priority inside the tenant.</summary>
    Priority,

    /// <summary>A tenant below its entitlement, from one above it.</summary>
    FairShare,
}

/// <summary>Keep capacity for a workload that cannot start yet.</summary>
public sealed record Reserve : Decision
{
    internal Reserve(WorkloadId workload)
        : base(workload)
    {
    }

    /// <summary>Why the room is not there yet, and so what a host has to remember.</summary>
    public required ReservationKind Kind { get; init; }

    /// <summary>Where its pods will go, sorted by id.</summary>
    public required ImmutableArray<PodBinding> Pods { get; init; }

    /// <summary>From when on, at the latest as far as is known now.</summary>
    public required DateTimeOffset From { get; init; }
}

/// <summary>What a reservation waits for.</summary>
public enum ReservationKind
{
    /// <summary>
    /// Pods that were told to leave, or leave by themselves. A host keeps the places on the pods, as their
    /// <see cref="Pod.Nomination"/>, until they are bound or a later plan does not name them again.
    /// </summary>
    Nomination,

    /// <summary>Pods that will end. It is worked out anew in each cycle; a host has nothing to remember.</summary>
    Timed,
}

/// <summary>Leave the workload in its queue, for a reason.</summary>
public sealed record Wait : Decision
{
    internal Wait(WorkloadId workload)
        : base(workload)
    {
    }

    /// <summary>Why it waits.</summary>
    public required WaitReason Reason { get; init; }

    /// <summary>The reason in words, with the numbers behind it and what would help.</summary>
    public required string Message { get; init; }

    /// <summary>Where it stands.</summary>
    public required QueuePlace Place { get; init; }

    /// <summary>What the planner saw.</summary>
    public required Explanation Explanation { get; init; }
}

/// <summary>A place in the queue. Places count from 1; the overall order is the one of the planner's cycle.</summary>
/// <param name="InTenant">Place among the waiting workloads of its tenant.</param>
/// <param name="TenantLength">Waiting workloads of its tenant.</param>
/// <param name="Overall">Place among all waiting workloads.</param>
/// <param name="OverallLength">All waiting workloads.</param>
public readonly record struct QueuePlace(int InTenant, int TenantLength, int Overall, int OverallLength);
