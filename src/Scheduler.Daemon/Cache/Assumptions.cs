using Scheduler.Core.Model;

namespace Scheduler.Daemon.Cache;

/// <summary>
/// Placements that were decided but are not yet seen in the API: counted as taken, so that the next cycle, which may come
/// before the watch event, does not give the room away twice.
/// </summary>
/// <remarks>
/// <code>
///                 Assume                   Finish (the API server said yes, or its answer was lost)
///    (pending) ───────────► Assumed ──────────────────────────────────────────► Finished ◄──┐ overdue: the API server is asked;
///        ▲                    │ │                                                │    │  └──┘ bound there, or no answer: it stays
///        │   Forget: it failed│ │ Confirm: the watch shows the pod on a node,    │    │
///        ├────────────────────┘ └──────────────► or gone ◄───────────────────────┘    │ the API server says: not bound
///        └─────────────────────────────────────────────────────────────────────────────┘
/// </code>
/// Room is never given back because time went by: a watch can be silent for minutes while every binding took effect, and what
/// was given back would be given away twice. Only a failed write, the watch, or an answer of the API server ends an assumption.
/// A pod that is deleted takes its assumption with it. Not safe for concurrent use: ClusterCache holds its lock.
/// </remarks>
internal sealed class Assumptions(TimeSpan confirmWithin, TimeProvider time)
{
    private readonly Dictionary<PodId, Assumption> _byPod = [];

    // Finished assumptions in the order in which they fall due: all wait equally long, so the queue is sorted by itself.
    private readonly Queue<(PodId Pod, Assumption Assumption)> _finished = new();

    public int Count => _byPod.Count;

    public PodPlacement? PlacementOf(PodId pod) => _byPod.TryGetValue(pod, out var assumption) ? assumption.Placement : null;

    /// <summary>When it was assumed, for what counts as its start until the API says.</summary>
    public DateTimeOffset? AssumedAt(PodId pod) => _byPod.TryGetValue(pod, out var assumption) ? assumption.At : null;

    public void Assume(PodId pod, PodPlacement placement) => _byPod.Add(pod, new Assumption(placement, time.GetUtcNow()));

    /// <summary>The write took effect, or may have. Nothing happens if the watch was faster and confirmed it already.</summary>
    public void Finish(PodId pod)
    {
        if (!_byPod.TryGetValue(pod, out var assumption) || assumption.DueAt is not null)
            return;
        assumption.DueAt = time.GetUtcNow() + confirmWithin;
        _finished.Enqueue((pod, assumption));
    }

    /// <summary>Takes a decision back. False if there is none: confirmed, or gone with its pod.</summary>
    public bool Forget(PodId pod) => _byPod.Remove(pod);

    /// <summary>The API shows the pod on a node, or gone: its own state counts from now on.</summary>
    public bool Confirm(PodId pod) => _byPod.Remove(pod);

    /// <summary>
    /// Pods whose binding was not confirmed in time: the API server has to be asked about them. Each is named again after the
    /// same time, as long as nothing ends its assumption.
    /// </summary>
    public List<(PodId Pod, PodPlacement Placement)> TakeOverdue()
    {
        var overdue = new List<(PodId, PodPlacement)>();
        var now = time.GetUtcNow();
        while (_finished.TryPeek(out var next) && (next.Assumption.DueAt <= now || !IsCurrent(next)))
        {
            _finished.Dequeue();
            if (!IsCurrent(next))
                continue;
            next.Assumption.DueAt = now + confirmWithin;
            _finished.Enqueue(next);
            overdue.Add((next.Pod, next.Assumption.Placement));
        }

        return overdue;
    }

    private bool IsCurrent((PodId Pod, Assumption Assumption) entry) =>
        _byPod.TryGetValue(entry.Pod, out var current) && ReferenceEquals(current, entry.Assumption);

    private sealed class Assumption(PodPlacement placement, DateTimeOffset at)
    {
        public PodPlacement Placement { get; } = placement;
        public DateTimeOffset At { get; } = at;
        public DateTimeOffset? DueAt { get; set; }
    }
}
