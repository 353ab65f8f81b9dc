using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Controllers;

/// <summary>
/// The changes of one resource for a consumer inside the process: first everything that exists, then what changes. A consumer
/// that falls behind the log gets the difference to the current state instead, so nothing is ever missed for good.
/// </summary>
internal sealed class ChangeFeed
{
    private const int BatchSize = 512;
    private readonly ObjectService _objects;
    private readonly ResourceBucket _bucket;
    private readonly Dictionary<ObjectKey, StoredObject> _seen = [];
    private readonly Change[] _buffer = new Change[BatchSize];
    private long _cursor = -1;

    public ChangeFeed(ObjectService objects, ResourceType type)
    {
        _objects = objects;
        _bucket = objects.Bucket(type);
    }

    /// <summary>Adds the next changes; none if nothing has happened.</summary>
    public void Read(List<Change> into)
    {
        if (_cursor < 0)
        {
            Resynchronize(into);
            return;
        }

        if (!_bucket.Log.TryRead(ref _cursor, _buffer, out var count))
        {
            Resynchronize(into);
            return;
        }

        for (var i = 0; i < count; i++)
        {
            var change = _buffer[i];
            if (change.Kind == ChangeKind.Deleted)
                _seen.Remove(change.Object.Key);
            else
                _seen[change.Object.Key] = change.Object;
            into.Add(change);
        }

        Array.Clear(_buffer, 0, count);
    }

    /// <summary>Completes when there is something to read.</summary>
    public Task WaitAsync() => _cursor < 0 ? Task.CompletedTask : _bucket.Log.WaitAsync(_cursor);

    private void Resynchronize(List<Change> into)
    {
        var (all, version) = _objects.Store.Snapshot(_bucket, null);
        _cursor = _bucket.Log.CursorAfter(version) ?? -1;
        var gone = _seen.Keys.ToHashSet();
        foreach (var obj in all)
        {
            gone.Remove(obj.Key);
            var before = _seen.GetValueOrDefault(obj.Key);
            if (ReferenceEquals(before, obj))
                continue;
            into.Add(new Change(before is null ? ChangeKind.Added : ChangeKind.Modified, obj, before));
            _seen[obj.Key] = obj;
        }

        foreach (var key in gone)
        {
            into.Add(new Change(ChangeKind.Deleted, _seen[key], _seen[key]));
            _seen.Remove(key);
        }
    }
}
