using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;

namespace Scheduler.Simulation.Clusters;

/// <summary>A cluster at one moment and what it did before, as a daemon exported it. Everything that a simulation can go on from.</summary>
public sealed record ClusterState
{
    /// <summary>Its name, for people.</summary>
    public required string Name { get; init; }

    /// <summary>The moment.</summary>
    public required DateTimeOffset TakenAt { get; init; }

    /// <summary>From when on <see cref="History"/> has every workload that ended; null if nothing was kept.</summary>
    public DateTimeOffset? HistorySince { get; init; }

    /// <summary>Nodes, sorted by name.</summary>
    public required ImmutableArray<Node> Nodes { get; init; }

    /// <summary>The quota tree.</summary>
    public required TenantTree Tenants { get; init; }

    /// <summary>The policy of the planner.</summary>
    public required SchedulingPolicy Policy { get; init; }

    /// <summary>What waits and what runs, sorted by id.</summary>
    public required ImmutableArray<Workload> Workloads { get; init; }

    /// <summary>How long workloads run in all, where somebody wrote it into the file.</summary>
    public ImmutableDictionary<WorkloadId, TimeSpan> Durations { get; init; } = ImmutableDictionary<WorkloadId, TimeSpan>.Empty;

    /// <summary>What has ended, by end, then by id.</summary>
    public ImmutableArray<EndedWorkload> History { get; init; } = [];
}

/// <summary>A workload that has ended, or was withdrawn before it started.</summary>
public sealed record EndedWorkload
{
    /// <summary>Identity.</summary>
    public required WorkloadId Id { get; init; }

    /// <summary>The Kubernetes namespace, which says whose it was.</summary>
    public required string Namespace { get; init; }

    /// <summary>Name for people.</summary>
    public required string Name { get; init; }

    /// <summary>Whether it was declared as a gang.</summary>
    public bool IsGang { get; init; }

    /// <summary>What its pods asked for, and how many asked for it.</summary>
    public required ImmutableArray<PodCount> Pods { get; init; }

    /// <summary>Pods without which it did not run.</summary>
    public int MinMember { get; init; } = 1;

    /// <summary>Kubernetes priority.</summary>
    public int Priority { get; init; }

    /// <summary>Whether it could be preempted.</summary>
    public bool IsPreemptible { get; init; } = true;

    /// <summary>How long its owner declared it to run; null if not at all.</summary>
    public TimeSpan? ExpectedDuration { get; init; }

    /// <summary>Protected from reclaim for this long after its start.</summary>
    public TimeSpan MinRuntime { get; init; }

    /// <summary>Time between notice and eviction.</summary>
    public TimeSpan PreemptionGrace { get; init; }

    /// <summary>Where its pods had to, or should, be together.</summary>
    public TopologyRequest? Topology { get; init; }

    /// <summary>When it was submitted.</summary>
    public required DateTimeOffset SubmittedAt { get; init; }

    /// <summary>When it started; null if it never did.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it was seen to be gone.</summary>
    public required DateTimeOffset EndedAt { get; init; }

    /// <summary>Whether it had been told to leave: its work goes on as another workload, if something recreated it.</summary>
    public bool WasPreempted { get; init; }
}

/// <summary>Equal pods of a workload.</summary>
/// <param name="Shape">What each asked for.</param>
/// <param name="Count">How many.</param>
public readonly record struct PodCount(PodShape Shape, int Count);
