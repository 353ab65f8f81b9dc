namespace Scheduler.SimulatedCluster.Controllers;

/// <summary>Things to do at a time, first in first out among equal times.</summary>
internal sealed class DueQueue<T>
{
    private readonly PriorityQueue<T, (long Ticks, long Sequence)> _queue = new();
    private long _sequence;

    public int Count => _queue.Count;

    public void Add(DateTimeOffset at, T item) => _queue.Enqueue(item, (at.UtcTicks, _sequence++));

    /// <summary>Takes the item out before its time. Looks through the whole queue.</summary>
    public void Remove(T item) => _queue.Remove(item, out _, out _);

    public bool TryTake(DateTimeOffset now, out T item)
    {
        if (_queue.TryPeek(out item!, out var due) && due.Ticks <= now.UtcTicks)
        {
            _queue.Dequeue();
            return true;
        }

        item = default!;
        return false;
    }

    /// <summary>How long until the first is due; infinite if there is none.</summary>
    public TimeSpan UntilNext(DateTimeOffset now)
    {
        if (!_queue.TryPeek(out _, out var due))
            return Timeout.InfiniteTimeSpan;
        // Timers have milliseconds: rounding up makes sure that it is due when the timer fires.
        var ticks = Math.Max(0, due.Ticks - now.UtcTicks);
        return TimeSpan.FromMilliseconds(Math.Min(Math.Ceiling(ticks / (double)TimeSpan.TicksPerMillisecond), int.MaxValue));
    }
}
