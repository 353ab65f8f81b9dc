using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Daemon.Loop;

/// <summary>A workload that waits, as the last cycle left it.</summary>
/// <param name="Workload">The workload.</param>
/// <param name="Reason">Why it waits.</param>
/// <param name="Message">The reason in words, with the numbers behind it and what would help.</param>
/// <param name="Place">Its place in the queue.</param>
/// <param name="Explanation">What the planner saw.</param>
public sealed record QueueEntry(Workload Workload, WaitReason Reason, string Message, QueuePlace Place, Explanation Explanation);

/// <summary>A pod that is not queued because something about it, or around it, must be mended first.</summary>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
/// <param name="Reason">A machine-readable word, such as <c>InvalidPod</c>.</param>
/// <param name="Message">What is wrong and how to mend it.</param>
public sealed record UnqueuedPod(string Namespace, string Name, string Reason, string Message);

/// <summary>What became of one Tenant object.</summary>
/// <param name="Name">The tenant.</param>
/// <param name="IsAccepted">Whether this version of it is in force.</param>
/// <param name="Message">Its errors, if it has any.</param>
public sealed record TenantAcceptance(string Name, bool IsAccepted, string Message);

/// <summary>
/// One finished cycle: what it saw and what it decided. Immutable; readers hold it as long as they like, and the scheduling loop
/// never waits for them.
/// </summary>
public sealed class PublishedCycle
{
    private readonly Lazy<ImmutableArray<QueueEntry>> _queue;
    private readonly Lazy<ImmutableDictionary<WorkloadId, QueueEntry>> _byWorkload;

    internal PublishedCycle(
        long number, ClusterSnapshot snapshot, Plan plan, bool isApplied, string? leader, TimeSpan duration,
        ImmutableArray<UnqueuedPod> unqueued, ImmutableArray<Decision> refused, ImmutableArray<TenantAcceptance> tenants)
    {
        Number = number;
        Snapshot = snapshot;
        Plan = plan;
        IsApplied = isApplied;
        Leader = leader;
        Duration = duration;
        Unqueued = unqueued;
        Refused = refused;
        Tenants = tenants;
        // Sorted when somebody asks, not in the loop.
        _queue = new(MakeQueue);
        _byWorkload = new(() => Queue.ToImmutableDictionary(entry => entry.Workload.Id));
    }

    /// <summary>Counts cycles from 1.</summary>
    public long Number { get; }

    /// <summary>What the cycle saw. Its <see cref="ClusterSnapshot.Now"/> is the time of the cycle.</summary>
    public ClusterSnapshot Snapshot { get; }

    /// <summary>What it decided.</summary>
    public Plan Plan { get; }

    /// <summary>Whether the decisions were carried out. False on a replica that stands by: there they are a forecast.</summary>
    public bool IsApplied { get; }

    /// <summary>Who leads, as far as this replica knows.</summary>
    public string? Leader { get; }

    /// <summary>How long the cycle took.</summary>
    public TimeSpan Duration { get; }

    /// <summary>Pods that must be mended before they are queued, by id.</summary>
    public ImmutableArray<UnqueuedPod> Unqueued { get; }

    /// <summary>Decisions that no longer held when they were to be applied.</summary>
    public ImmutableArray<Decision> Refused { get; }

    /// <summary>What became of the Tenant objects, by name.</summary>
    public ImmutableArray<TenantAcceptance> Tenants { get; }

    /// <summary>Everything that waits, in the order of the planner's cycle.</summary>
    public ImmutableArray<QueueEntry> Queue => _queue.Value;

    /// <summary>The entry of a waiting workload; null if it does not wait.</summary>
    public QueueEntry? FindWaiting(WorkloadId workload) => _byWorkload.Value.GetValueOrDefault(workload);

    private ImmutableArray<QueueEntry> MakeQueue()
    {
        var entries = ImmutableArray.CreateBuilder<QueueEntry>();
        foreach (var decision in Plan.Decisions)
        {
            if (decision is Wait wait && Snapshot.TryGetWorkload(wait.Workload, out var workload))
                entries.Add(new QueueEntry(workload, wait.Reason, wait.Message, wait.Place, wait.Explanation));
        }

        entries.Sort(static (a, b) => a.Place.Overall.CompareTo(b.Place.Overall));
        return entries.ToImmutable();
    }
}

/// <summary>
/// The read side: the last cycle, and a way to wait for the next. Safe for concurrent use.
/// </summary>
public sealed class ReadModel
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private PublishedCycle? _current;
    private ImmutableArray<RecentDecision> _recent = [];

    /// <summary>The last finished cycle; null before the first.</summary>
    public PublishedCycle? Current => Volatile.Read(ref _current);

    /// <summary>The last things that were done, newest first.</summary>
    public ImmutableArray<RecentDecision> Recent
    {
        get
        {
            lock (_gate)
            {
                return _recent;
            }
        }
    }

    /// <summary>
    /// Waits until a cycle after number <paramref name="seen"/> was published, and gives back the newest; cycles in between may be
    /// passed over.
    /// </summary>
    /// <param name="seen">The last number that the caller has seen; 0 for none.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task<PublishedCycle> WaitForNextAsync(long seen, CancellationToken cancellation)
    {
        while (true)
        {
            Task next;
            lock (_gate)
            {
                if (_current is { } current && current.Number > seen)
                    return current;
                next = _next.Task;
            }

            await next.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    internal void Publish(PublishedCycle cycle)
    {
        TaskCompletionSource published;
        lock (_gate)
        {
            _recent = RecentDecisions.Add(_recent, cycle);
            Volatile.Write(ref _current, cycle);
            published = _next;
            _next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        published.SetResult();
    }
}
