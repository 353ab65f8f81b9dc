using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Controllers;

/// <summary>
/// Deletes what belongs to deleted owners, releases owners that wait for their dependents, and empties namespaces that are being
/// deleted. An object whose owners never existed goes too; one whose owner is of a kind that is not served stays.
/// </summary>
internal sealed class GarbageCollector(ObjectService objects, ObjectDeletion deletion)
{
    // Unbounded, but each entry stands for an object that was just deleted or given owners, and clients wait for their writes.
    private readonly Channel<Work> _work = Channel.CreateUnbounded<Work>(new UnboundedChannelOptions { SingleReader = true });
    private readonly ConcurrentDictionary<string, (ResourceType Type, ObjectKey Key)> _waitingOwners = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _endingNamespaces = new(StringComparer.Ordinal);

    private abstract record Work
    {
        public sealed record OwnerGone(string Uid) : Work;

        public sealed record HasOwners(ResourceBucket Bucket, ObjectKey Key) : Work;

        public sealed record OwnerWaits(string Uid) : Work;

        public sealed record NamespaceEnds(string Name) : Work;
    }

    private ResourceType Namespaces => objects.Registry.Require("", "namespaces");

    /// <summary>Called inside the store's lock: only queues.</summary>
    public void OnRemoved(ResourceBucket bucket, StoredObject obj)
    {
        if (objects.Store.HasDependents(obj.Uid))
            _work.Writer.TryWrite(new Work.OwnerGone(obj.Uid));
        foreach (var owner in obj.OwnerUids)
        {
            if (_waitingOwners.ContainsKey(owner))
                _work.Writer.TryWrite(new Work.OwnerWaits(owner));
        }

        if (obj.Key.Namespace.Length > 0 && _endingNamespaces.ContainsKey(obj.Key.Namespace))
            _work.Writer.TryWrite(new Work.NamespaceEnds(obj.Key.Namespace));
    }

    /// <summary>Called inside the store's lock: only queues.</summary>
    public void OnOwned(ResourceBucket bucket, StoredObject obj)
    {
        if (obj.OwnerUids.Length > 0)
            _work.Writer.TryWrite(new Work.HasOwners(bucket, obj.Key));
    }

    /// <summary>An object was marked as deleted and may wait for this controller.</summary>
    public void OnWaiting(ResourceType type, StoredObject obj)
    {
        if (type.StorageName == "namespaces")
        {
            _endingNamespaces[obj.Key.Name] = true;
            _work.Writer.TryWrite(new Work.NamespaceEnds(obj.Key.Name));
            return;
        }

        var finalizers = obj.Parse().ArrayAt("metadata", "finalizers");
        if (finalizers?.Any(f => f.StringAt() is ObjectDeletion.ForegroundFinalizer or ObjectDeletion.OrphanFinalizer) != true)
            return;
        _waitingOwners[obj.Uid] = (type, obj.Key);
        _work.Writer.TryWrite(new Work.OwnerWaits(obj.Uid));
    }

    public async Task RunAsync(CancellationToken ct)
    {
        await foreach (var work in _work.Reader.ReadAllAsync(ct))
        {
            switch (work)
            {
                case Work.OwnerGone gone:
                    CollectDependents(gone.Uid);
                    break;
                case Work.HasOwners has:
                    CollectOrphan(has.Bucket, has.Key);
                    break;
                case Work.OwnerWaits waits:
                    ReleaseOwner(waits.Uid);
                    break;
                case Work.NamespaceEnds ends:
                    EmptyNamespace(ends.Name);
                    break;
            }
        }
    }

    private ResourceType? TypeOf(ResourceBucket bucket) => objects.Registry.All.FirstOrDefault(t => t.StorageName == bucket.Name);

    private void CollectDependents(string uid)
    {
        foreach (var (bucket, key) in objects.Store.DependentsOf(uid))
        {
            if (TypeOf(bucket) is not { } type || bucket.Find(key) is not { } dependent)
                continue;
            var hasLivingOwner = dependent.Parse().ObjectsAt("metadata", "ownerReferences").Any(o => o.StringAt("uid") != uid && IsAlive(o, key.Namespace));
            if (hasLivingOwner)
                DropOwner(type, key, uid);
            else
                DeleteQuietly(type, key, new DeleteOptions { Uid = dependent.Uid });
        }
    }

    private void CollectOrphan(ResourceBucket bucket, ObjectKey key)
    {
        if (TypeOf(bucket) is not { } type || bucket.Find(key) is not { IsDeleting: false } dependent)
            return;
        var owners = dependent.Parse().ObjectsAt("metadata", "ownerReferences").ToList();
        if (owners.Count > 0 && !owners.Any(o => IsAlive(o, key.Namespace)))
            DeleteQuietly(type, key, new DeleteOptions { Uid = dependent.Uid });
    }

    /// <summary>Whether the owner exists. One of an unknown kind cannot be looked for, which is no proof that it is gone.</summary>
    private bool IsAlive(JsonObject owner, string inNamespace)
    {
        var type = objects.Registry.FindKind(owner.StringAt("apiVersion") ?? "", owner.StringAt("kind") ?? "");
        if (type is null)
            return true;
        var key = new ObjectKey(type.IsNamespaced ? inNamespace : "", owner.StringAt("name") ?? "");
        return objects.Find(type, key)?.Uid == owner.StringAt("uid");
    }

    private void ReleaseOwner(string uid)
    {
        if (!_waitingOwners.TryGetValue(uid, out var owner))
            return;
        if (objects.Find(owner.Type, owner.Key) is not { } stored || stored.Uid != uid)
        {
            _waitingOwners.TryRemove(uid, out _);
            return;
        }

        var isOrphaning = stored.Parse().ArrayAt("metadata", "finalizers")?.Any(f => f.StringAt() == ObjectDeletion.OrphanFinalizer) == true;
        foreach (var (bucket, key) in objects.Store.DependentsOf(uid))
        {
            if (TypeOf(bucket) is not { } type)
                continue;
            if (isOrphaning)
                DropOwner(type, key, uid);
            else if (bucket.Find(key) is { IsDeleting: false })
                DeleteQuietly(type, key, new DeleteOptions { Propagation = "Foreground" });
        }

        if (objects.Store.HasDependents(uid))
            return; // their removal brings us back here
        _waitingOwners.TryRemove(uid, out _);
        UpdateQuietly(owner.Type, owner.Key, obj => WithoutFinalizers(obj, ObjectDeletion.ForegroundFinalizer, ObjectDeletion.OrphanFinalizer));
    }

    private static JsonObject WithoutFinalizers(JsonObject obj, params string[] names)
    {
        if (obj.ArrayAt("metadata", "finalizers") is not { } finalizers)
            return obj;
        foreach (var found in finalizers.Where(f => names.Contains(f.StringAt())).ToList())
            finalizers.Remove(found);
        if (finalizers.Count == 0)
            obj.Child("metadata").Remove("finalizers");
        return obj;
    }

    private void DropOwner(ResourceType type, ObjectKey key, string uid) => UpdateQuietly(type, key, obj =>
    {
        var owners = obj.Child("metadata").ChildArray("ownerReferences");
        foreach (var gone in owners.Where(o => o.StringAt("uid") == uid).ToList())
            owners.Remove(gone);
        if (owners.Count == 0)
            obj.Child("metadata").Remove("ownerReferences");
        return obj;
    });

    private void EmptyNamespace(string name)
    {
        var isEmpty = true;
        foreach (var bucket in objects.Store.Buckets)
        {
            if (TypeOf(bucket) is not { IsNamespaced: true } type)
                continue;
            foreach (var obj in bucket.Snapshot(name))
            {
                if (!obj.IsDeleting)
                    DeleteQuietly(type, obj.Key, new DeleteOptions { Propagation = "Background" });
                isEmpty &= bucket.Find(obj.Key) is null;
            }
        }

        if (!isEmpty)
            return; // the removal of what is left brings us back here
        _endingNamespaces.TryRemove(name, out _);
        UpdateQuietly(Namespaces, new ObjectKey("", name), obj =>
        {
            obj.Child("spec").Remove("finalizers");
            return obj;
        });
    }

    private void DeleteQuietly(ResourceType type, ObjectKey key, DeleteOptions options)
    {
        try
        {
            deletion.Delete(type, key, options);
        }
        catch (ApiException e) when (e.Code is 404 or 409)
        {
            // Gone already, or replaced by a new object of the same name: either way nothing is left to collect.
        }
    }

    private void UpdateQuietly(ResourceType type, ObjectKey key, Func<JsonObject, JsonObject> change)
    {
        try
        {
            objects.Update(type, key, change, UpdateScope.Internal, WriteOptions.Default);
        }
        catch (ApiException e) when (e.Code == 404)
        {
            // Gone already.
        }
    }
}
