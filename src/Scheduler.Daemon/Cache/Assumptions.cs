using Scheduler.Core.Model;

namespace Scheduler.Daemon.Cache;

/// <summary>
/// Placements that were decided but are not yet seen in the API: counted as taken, so that the next cycle, which may come
/// before the watch event, does not give the room away twice.
/// </summary>
/// <remarks>
/// <code>
///                 Assume                   Finish (the API server said yes)
///    (pending) ───────────► Assumed ──────────────────────────────────────► Finished
///        ▲                    │ │                                            │    │
///        │   Forget: it failed│ │ Confirm: the watch shows the pod on a node │    │ Expire: not confirmed in time;
///        ├────────────────────┘ └──────────────► (confirmed: the pod itself ◄┘    │ the watch was wrong or slow, so the
///        │                                         holds the room from now on)    │ pod is planned again, and a second
///        └────────────────────────────────────────────────────────────────────────┘ Binding would be answered 409
/// </code>
/// Only finished assumptions expire: while the write is under way its outcome is still to come, and the binder bounds that.
/// A pod that is deleted takes its assumption with it. Not safe for concurrent use: ClusterCache holds its lock.
/// </remarks>
internal sealed class Assumptions(TimeSpan confirmWithin, TimeProvider time)
{
    private readonly Dictionary<PodId, Assumption> _byPod = [];

    // Finished assumptions in the order in which they run out: all wait equally long, so the queue is sorted by itself.
    private readonly Queue<(PodId Pod, Assumption Assumption)> _finished = new();

    public int Count => _byPod.Count;

    public PodPlacement? PlacementOf(PodId pod) => _byPod.TryGetValue(pod, out var assumption) ? assumption.Placement : null;

    /// <summary>When it was assumed, for what counts as its start until the API says.</summary>
    public DateTimeOffset? AssumedAt(PodId pod) => _byPod.TryGetValue(pod, out var assumption) ? assumption.At : null;

    public void Assume(PodId pod, PodPlacement placement) => _byPod.Add(pod, new Assumption(placement, time.GetUtcNow()));

    /// <summary>The write took effect. Nothing happens if the watch was faster and confirmed it already.</summary>
    public void Finish(PodId pod)
    {
        if (!_byPod.TryGetValue(pod, out var assumption) || assumption.ExpiresAt is not null)
            return;
        assumption.ExpiresAt = time.GetUtcNow() + confirmWithin;
        _finished.Enqueue((pod, assumption));
    }

    /// <summary>Takes a decision back. False if there is none: confirmed, or gone with its pod.</summary>
    public bool Forget(PodId pod) => _byPod.Remove(pod);

    /// <summary>The API shows the pod on a node, or gone: its own state counts from now on.</summary>
    public bool Confirm(PodId pod) => _byPod.Remove(pod);

    /// <summary>Takes back what was not confirmed in time, and says which.</summary>
    /// <param name="forgotten">Called with each pod and where it had been assumed.</param>
    public List<PodId> Expire(Action<PodId, PodPlacement> forgotten)
    {
        var expired = new List<PodId>();
        var now = time.GetUtcNow();
        while (_finished.TryPeek(out var next) && (next.Assumption.ExpiresAt <= now || !IsCurrent(next)))
        {
            _finished.Dequeue();
            if (!IsCurrent(next))
                continue;
            _byPod.Remove(next.Pod);
            forgotten(next.Pod, next.Assumption.Placement);
            expired.Add(next.Pod);
        }

        return expired;
    }

    /// <summary>When the next one runs out; null if none does.</summary>
    public DateTimeOffset? NextExpiry => _finished.TryPeek(out var next) ? next.Assumption.ExpiresAt : null;

    private bool IsCurrent((PodId Pod, Assumption Assumption) entry) =>
        _byPod.TryGetValue(entry.Pod, out var current) && ReferenceEquals(current, entry.Assumption);

    private sealed class Assumption(PodPlacement placement, DateTimeOffset at)
    {
        public PodPlacement Placement { get; } = placement;
        public DateTimeOffset At { get; } = at;
        public DateTimeOffset? ExpiresAt { get; set; }
    }
}
