namespace Scheduler.SimulatedCluster.Controllers;

/// <summary>
/// When to look at a key again, at most once for each key: of two wishes the earlier one counts. The look that follows makes the
/// later wish again if it is still wanted.
/// </summary>
internal sealed class RetryQueue<TKey>
    where TKey : notnull
{
    private readonly DueQueue<TKey> _queue = new();
    private readonly Dictionary<TKey, DateTimeOffset> _dueAt = [];

    public int Count => _queue.Count;

    public void Add(DateTimeOffset at, TKey key)
    {
        if (_dueAt.TryGetValue(key, out var pending))
        {
            if (pending <= at)
                return;
            _queue.Remove(key);
        }

        _dueAt[key] = at;
        _queue.Add(at, key);
    }

    public bool TryTake(DateTimeOffset now, out TKey key)
    {
        if (!_queue.TryTake(now, out key))
            return false;
        _dueAt.Remove(key);
        return true;
    }

    /// <summary>How long until the first is due; infinite if there is none.</summary>
    public TimeSpan UntilNext(DateTimeOffset now) => _queue.UntilNext(now);
}
