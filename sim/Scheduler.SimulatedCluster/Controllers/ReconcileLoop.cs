using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Controllers;

/// <summary>
/// A controller for objects that own others: a change of the object or of something it owns makes it due, and each due object is
/// reconciled once per round. A refused write makes it due again after a pause.
/// </summary>
internal abstract class ReconcileLoop
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);
    private readonly ChangeFeed _ownerFeed;
    private readonly ChangeFeed _ownedFeed;
    private readonly Dictionary<string, ObjectKey> _owners = new(StringComparer.Ordinal);
    private readonly RetryQueue<ObjectKey> _retries = new();

    protected ReconcileLoop(ObjectService objects, ResourceType ownerType, ResourceType ownedType)
    {
        Objects = objects;
        OwnerType = ownerType;
        OwnedType = ownedType;
        _ownerFeed = new ChangeFeed(objects, ownerType);
        _ownedFeed = new ChangeFeed(objects, ownedType);
    }

    protected ObjectService Objects { get; }

    protected ResourceType OwnerType { get; }

    protected ResourceType OwnedType { get; }

    protected DateTimeOffset Now => Objects.Clock.GetUtcNow();

    protected abstract void Reconcile(StoredObject owner);

    protected virtual void OnOwned(Change change)
    {
    }

    protected virtual void OnOwnerGone(StoredObject owner)
    {
    }

    /// <summary>Looks again after a pause, or earlier if that was asked for.</summary>
    protected void ReconcileAfter(TimeSpan pause, ObjectKey key) => _retries.Add(Now + pause, key);

    public async Task RunAsync(CancellationToken ct)
    {
        var changes = new List<Change>();
        var due = new HashSet<ObjectKey>();
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            changes.Clear();
            due.Clear();
            _ownerFeed.Read(changes);
            changes.ForEach(change => Note(change, due));
            changes.Clear();
            _ownedFeed.Read(changes);
            changes.ForEach(change => NoteOwned(change, due));
            while (_retries.TryTake(Now, out var key))
                due.Add(key);
            foreach (var key in due.OrderBy(k => k.Namespace, StringComparer.Ordinal).ThenBy(k => k.Name, StringComparer.Ordinal))
                TryReconcile(key);
            if (due.Count == 0 && changes.Count == 0)
                await Waiting.ForAnyAsync(Objects.Clock, _retries.UntilNext(Now), ct, _ownerFeed.WaitAsync(), _ownedFeed.WaitAsync());
        }
    }

    private void Note(Change change, HashSet<ObjectKey> due)
    {
        if (change.Kind == ChangeKind.Deleted)
        {
            _owners.Remove(change.Object.Uid);
            OnOwnerGone(change.Object);
            return;
        }

        _owners[change.Object.Uid] = change.Object.Key;
        due.Add(change.Object.Key);
    }

    private void NoteOwned(Change change, HashSet<ObjectKey> due)
    {
        var isOurs = false;
        foreach (var uid in change.Object.OwnerUids)
        {
            if (!_owners.TryGetValue(uid, out var key))
                continue;
            due.Add(key);
            isOurs = true;
        }

        if (isOurs)
            OnOwned(change);
    }

    private void TryReconcile(ObjectKey key)
    {
        if (Objects.Find(OwnerType, key) is not { IsDeleting: false } owner)
            return;
        try
        {
            Reconcile(owner);
        }
        catch (ApiException e) when (e.Code is 403 or 404 or 409 or 422)
        {
            // Refused, or overtaken by another writer: look again in a moment.
            OnRefused(owner, e);
            ReconcileAfter(RetryPause, key);
        }
    }

    protected virtual void OnRefused(StoredObject owner, ApiException refusal)
    {
    }

    /// <summary>The owned objects that exist now, in the order of their names.</summary>
    protected List<StoredObject> OwnedBy(StoredObject owner)
    {
        var bucket = Objects.Bucket(OwnedType);
        return [.. Objects.Store.DependentsOf(owner.Uid)
            .Where(d => ReferenceEquals(d.Bucket, bucket))
            .Select(d => bucket.Find(d.Key))
            .OfType<StoredObject>()
            .OrderBy(o => o.Key.Name, StringComparer.Ordinal)];
    }
}
