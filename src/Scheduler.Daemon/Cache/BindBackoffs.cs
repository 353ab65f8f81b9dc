using Scheduler.Core.Model;

namespace Scheduler.Daemon.Cache;

/// <summary>
/// Pods whose binding fails again and again wait longer and longer, each for itself: nobody behind them waits with them.
/// Not safe for concurrent use: ClusterCache holds its lock.
/// </summary>
internal sealed class BindBackoffs(TimeSpan first, TimeSpan cap, TimeProvider time)
{
    private readonly Dictionary<PodId, (int Failures, DateTimeOffset Until)> _byPod = [];
    private readonly PriorityQueue<PodId, (DateTimeOffset Until, long Sequence)> _due = new();
    private long _sequence;

    public int Count => _byPod.Count;

    public void Failed(PodId pod)
    {
        var failures = _byPod.TryGetValue(pod, out var entry) ? entry.Failures + 1 : 1;
        var wait = TimeSpan.FromTicks((long)Math.Min(cap.Ticks, first.Ticks * Math.Pow(2, Math.Min(failures - 1, 30))));
        var until = time.GetUtcNow() + wait;
        _byPod[pod] = (failures, until);
        _due.Enqueue(pod, (until, _sequence++));
    }

    /// <summary>It was bound, or is gone.</summary>
    public void Clear(PodId pod) => _byPod.Remove(pod);

    /// <summary>Until when the pod is held back; null if it is not. The number of failures is remembered until it is bound.</summary>
    public DateTimeOffset? HeldUntil(PodId pod) =>
        _byPod.TryGetValue(pod, out var entry) && entry.Until > time.GetUtcNow() ? entry.Until : null;

    /// <summary>Pods whose wait is over.</summary>
    public List<PodId> TakeDue()
    {
        var due = new List<PodId>();
        var now = time.GetUtcNow();
        while (_due.TryPeek(out var pod, out var priority) && priority.Until <= now)
        {
            _due.Dequeue();
            if (_byPod.TryGetValue(pod, out var entry) && entry.Until == priority.Until)
                due.Add(pod);
        }

        return due;
    }

    /// <summary>When the next wait is over; null if nobody waits.</summary>
    public DateTimeOffset? NextDue => _due.TryPeek(out _, out var priority) ? priority.Until : null;
}
