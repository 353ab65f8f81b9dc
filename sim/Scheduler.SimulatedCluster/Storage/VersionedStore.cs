using System.Collections.Concurrent;

namespace Scheduler.SimulatedCluster.Storage;

/// <summary>
/// All objects under one rising resourceVersion. A commit names the version that it was computed from; if another commit was
/// faster it is refused, and the caller decides whether to compute again or to report a conflict.
/// </summary>
internal sealed class VersionedStore(int historyLength)
{
    /// <summary>
    /// Versions begin above this, so that a watch from a version of long ago (clients like to try 1) is too old here as on a
    /// server with a past.
    /// </summary>
    public const long FirstVersion = 1000;

    private const string Uncached = "events";

    private readonly Lock _sync = new();
    private readonly ConcurrentDictionary<string, ResourceBucket> _buckets = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<(ResourceBucket, ObjectKey)>> _dependents = new(StringComparer.Ordinal);
    private long _version = FirstVersion;
    private long _compactedThrough = FirstVersion;

    /// <summary>Called inside the lock after an object is gone; must only queue.</summary>
    public Action<ResourceBucket, StoredObject>? Removed { get; set; }

    /// <summary>Called inside the lock after an object was stored with owners that it did not have before; must only queue.</summary>
    public Action<ResourceBucket, StoredObject>? Owned { get; set; }

    public long CurrentVersion => Interlocked.Read(ref _version);

    /// <summary>The oldest version whose state can still be read, see <see cref="Compact"/>.</summary>
    public long CompactedThrough => Interlocked.Read(ref _compactedThrough);

    public IEnumerable<ResourceBucket> Buckets => _buckets.Values;

    public ResourceBucket? FindBucket(string name) => _buckets.GetValueOrDefault(name);

    public ResourceBucket Bucket(string name, IReadOnlyList<string> selectableFields) =>
        _buckets.GetOrAdd(
            name, static (n, args) => new ResourceBucket(n, args.selectableFields, args.historyLength, n == Uncached ? args.CompactedThrough : FirstVersion),
            (selectableFields, historyLength, CompactedThrough));

    /// <summary>Stores a new version if the object is still <paramref name="expected"/> (null: does not exist).</summary>
    /// <returns>What is stored now, or null if somebody was faster.</returns>
    public StoredObject? TryPut(ResourceBucket bucket, StoredObject? expected, PreparedObject next)
    {
        lock (_sync)
        {
            if (!ReferenceEquals(bucket.Find(next.Key), expected))
                return null;
            var stored = next.AtVersion(++_version);
            bucket.Put(stored);
            var hasNewOwners = expected is null ? stored.OwnerUids.Length > 0 : !expected.OwnerUids.AsSpan().SequenceEqual(stored.OwnerUids);
            if (hasNewOwners)
                Reindex(bucket, expected, stored);
            bucket.Log.Append(new Change(expected is null ? ChangeKind.Added : ChangeKind.Modified, stored, expected));
            if (hasNewOwners)
                Owned?.Invoke(bucket, stored);
            return stored;
        }
    }

    /// <summary>Removes the object if it is still <paramref name="expected"/>; watchers see <paramref name="last"/>.</summary>
    public StoredObject? TryRemove(ResourceBucket bucket, StoredObject expected, PreparedObject last)
    {
        lock (_sync)
        {
            if (!ReferenceEquals(bucket.Find(expected.Key), expected))
                return null;
            var stored = last.AtVersion(++_version);
            bucket.Remove(expected.Key);
            Reindex(bucket, expected, null);
            bucket.Log.Append(new Change(ChangeKind.Deleted, stored, expected));
            Removed?.Invoke(bucket, stored);
            return stored;
        }
    }

    /// <summary>A snapshot of a resource and the version at which it was true.</summary>
    public (IEnumerable<StoredObject> Objects, long Version) Snapshot(ResourceBucket bucket, string? inNamespace)
    {
        lock (_sync)
            return (bucket.Snapshot(inNamespace), _version);
    }

    /// <summary>
    /// The state at a version of the past, found by undoing what was logged since. Null if the history does not reach back so far.
    /// </summary>
    public IReadOnlyList<StoredObject>? SnapshotAt(ResourceBucket bucket, string? inNamespace, long version)
    {
        lock (_sync)
        {
            if (version < _compactedThrough || bucket.Log.ChangesAfter(version) is not { } changes)
                return null;
            var objects = new SortedDictionary<ObjectKey, StoredObject>(ObjectKey.Order);
            foreach (var now in bucket.Snapshot(inNamespace))
                objects[now.Key] = now;
            foreach (var change in Enumerable.Reverse(changes).Where(c => inNamespace is null || c.Object.Key.Namespace == inNamespace))
            {
                if (change.Previous is null)
                    objects.Remove(change.Object.Key);
                else
                    objects[change.Object.Key] = change.Previous;
            }

            return [.. objects.Values];
        }
    }

    /// <summary>
    /// Forgets the past before this moment, as the compaction of an etcd does: lists at older versions and their later pages are
    /// gone. Watches of events too, because kube-apiserver keeps a cache of recent changes for every resource but those.
    /// </summary>
    public void Compact()
    {
        lock (_sync)
        {
            _compactedThrough = _version;
            FindBucket(Uncached)?.Log.ForgetThrough(_version);
        }
    }

    /// <summary>The version until which a watcher at this cursor has seen everything, or null if it is behind.</summary>
    public long? VersionAt(ResourceBucket bucket, long cursor)
    {
        lock (_sync)
            return bucket.Log.End == cursor ? _version : null;
    }

    /// <summary>The objects that name this uid as an owner.</summary>
    public IReadOnlyList<(ResourceBucket Bucket, ObjectKey Key)> DependentsOf(string uid)
    {
        lock (_sync)
            return _dependents.TryGetValue(uid, out var set) ? [.. set] : [];
    }

    public bool HasDependents(string uid)
    {
        lock (_sync)
            return _dependents.ContainsKey(uid);
    }

    private void Reindex(ResourceBucket bucket, StoredObject? before, StoredObject? after)
    {
        foreach (var uid in before?.OwnerUids ?? [])
        {
            if (_dependents.TryGetValue(uid, out var set) && set.Remove((bucket, before!.Key)) && set.Count == 0)
                _dependents.Remove(uid);
        }

        foreach (var uid in after?.OwnerUids ?? [])
        {
            if (!_dependents.TryGetValue(uid, out var set))
                _dependents[uid] = set = [];
            set.Add((bucket, after!.Key));
        }
    }
}
