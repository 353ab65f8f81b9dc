using System.Collections.Immutable;
using NamespaceMap = System.Collections.Immutable.ImmutableSortedDictionary<
    string, System.Collections.Immutable.ImmutableSortedDictionary<string, Scheduler.SimulatedCluster.Storage.StoredObject>>;

namespace Scheduler.SimulatedCluster.Storage;

/// <summary>
/// The objects of one resource, by namespace and name, in an immutable tree: a list is a consistent snapshot for free.
/// Written only by <see cref="VersionedStore"/> inside its lock.
/// </summary>
internal sealed class ResourceBucket(string name, IReadOnlyList<string> selectableFields, int historyLength, long startsAfter)
{
    private static readonly ImmutableSortedDictionary<string, StoredObject> NoObjects =
        ImmutableSortedDictionary.Create<string, StoredObject>(StringComparer.Ordinal);

    private volatile NamespaceMap _objects =
        ImmutableSortedDictionary.Create<string, ImmutableSortedDictionary<string, StoredObject>>(StringComparer.Ordinal);

    private int _count;

    public string Name { get; } = name;

    public IReadOnlyList<string> SelectableFields { get; } = selectableFields;

    public WatchLog Log { get; } = new(historyLength, startsAfter);

    public int Count => Volatile.Read(ref _count);

    public StoredObject? Find(ObjectKey key) =>
        _objects.TryGetValue(key.Namespace, out var objects) ? objects.GetValueOrDefault(key.Name) : null;

    /// <summary>All objects, or those of one namespace, in the order of namespace and name.</summary>
    public IEnumerable<StoredObject> Snapshot(string? inNamespace)
    {
        var objects = _objects;
        if (inNamespace is null)
            return objects.SelectMany(pair => pair.Value.Values);
        return objects.TryGetValue(inNamespace, out var some) ? some.Values : [];
    }

    internal void Put(StoredObject obj)
    {
        var inside = _objects.GetValueOrDefault(obj.Key.Namespace, NoObjects);
        var next = inside.SetItem(obj.Key.Name, obj);
        _count += next.Count - inside.Count;
        _objects = _objects.SetItem(obj.Key.Namespace, next);
    }

    internal void Remove(ObjectKey key)
    {
        if (!_objects.TryGetValue(key.Namespace, out var inside))
            return;
        var next = inside.Remove(key.Name);
        _count += next.Count - inside.Count;
        _objects = next.IsEmpty ? _objects.Remove(key.Namespace) : _objects.SetItem(key.Namespace, next);
    }
}
