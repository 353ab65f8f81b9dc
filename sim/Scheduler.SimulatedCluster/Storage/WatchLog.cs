namespace Scheduler.SimulatedCluster.Storage;

internal enum ChangeKind
{
    Added,
    Modified,
    Deleted,
}

/// <summary>One change. <see cref="Previous"/> lets a watch with a selector see an object enter or leave its selection.</summary>
internal readonly record struct Change(ChangeKind Kind, StoredObject Object, StoredObject? Previous);

/// <summary>
/// The latest changes of one resource in a ring. Every watcher reads it at its own pace with a cursor, so a writer never waits
/// for a watcher, and memory stays bounded: a watcher that falls behind the ring learns that it is expired.
/// </summary>
internal sealed class WatchLog(int capacity, long startsAfter)
{
    private readonly Lock _sync = new();
    private readonly Change[] _ring = new Change[capacity];
    private long _end; // the sequence number of the next change
    private long _trimmedThrough = startsAfter; // the highest resourceVersion that the ring does not have
    private TaskCompletionSource? _waiting;

    public void Append(Change change)
    {
        TaskCompletionSource? wake;
        lock (_sync)
        {
            ref var slot = ref _ring[_end % capacity];
            if (_end >= capacity)
                _trimmedThrough = Math.Max(_trimmedThrough, slot.Object.ResourceVersion);
            slot = change;
            _end++;
            wake = _waiting;
            _waiting = null;
        }

        wake?.SetResult();
    }

    /// <summary>A cursor behind everything that happened until now.</summary>
    public long End
    {
        get
        {
            lock (_sync)
                return _end;
        }
    }

    /// <summary>A cursor before the first change after a resourceVersion, or null if the ring no longer reaches back that far.</summary>
    public long? CursorAfter(long resourceVersion)
    {
        lock (_sync)
        {
            return resourceVersion < _trimmedThrough ? null : FirstAfter(resourceVersion);
        }
    }

    /// <summary>Every change after a resourceVersion, or null if the ring no longer reaches back that far.</summary>
    public IReadOnlyList<Change>? ChangesAfter(long resourceVersion)
    {
        lock (_sync)
        {
            if (resourceVersion < _trimmedThrough)
                return null;
            var changes = new List<Change>();
            for (var at = FirstAfter(resourceVersion); at < _end; at++)
                changes.Add(_ring[at % capacity]);
            return changes;
        }
    }

    /// <summary>Lets no new watch begin before a version. Watchers that are at work read on.</summary>
    public void ForgetThrough(long resourceVersion)
    {
        lock (_sync)
            _trimmedThrough = Math.Max(_trimmedThrough, resourceVersion);
    }

    /// <summary>Copies the changes at the cursor and moves it. False if the watcher was too slow and has missed some.</summary>
    public bool TryRead(ref long cursor, Span<Change> buffer, out int count)
    {
        lock (_sync)
        {
            count = 0;
            if (cursor < _end - capacity)
                return false;
            while (count < buffer.Length && cursor < _end)
                buffer[count++] = _ring[cursor++ % capacity];
            return true;
        }
    }

    /// <summary>Completes when there is something at the cursor.</summary>
    public Task WaitAsync(long cursor)
    {
        lock (_sync)
        {
            if (cursor < _end)
                return Task.CompletedTask;
            _waiting ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _waiting.Task;
        }
    }

    private long FirstAfter(long resourceVersion)
    {
        long low = Math.Max(0, _end - capacity), high = _end;
        while (low < high)
        {
            var middle = low + (high - low) / 2;
            if (_ring[middle % capacity].Object.ResourceVersion <= resourceVersion)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }
}
