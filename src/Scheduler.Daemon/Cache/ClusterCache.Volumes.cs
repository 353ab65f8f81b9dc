using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Kubernetes.Mapping;

namespace Scheduler.Daemon.Cache;

/// <content>Claims, volumes and what else decides where a pod with volumes may run; and the labels of namespaces.</content>
internal sealed partial class ClusterCache
{
    private readonly SortedDictionary<string, LabelSet> _namespaces = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Namespace, string Name), ClaimRecord> _claims = [];
    private readonly Dictionary<string, VolumeRecord> _volumes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, StorageClassRecord> _classes = new(StringComparer.Ordinal);
    private readonly Dictionary<NodeName, ImmutableArray<AttachLimit>> _attachLimits = [];
    private readonly List<ClaimWait> _claimWaits = [];

    /// <summary>Somebody waits until claims are bound on a node.</summary>
    private sealed record ClaimWait(
        string Namespace, ImmutableArray<string> Claims, NodeName Node, TaskCompletionSource<string?> Done, HashSet<string> SeenSelected);

    public IReflectorSink<NamespaceRecord> Namespaces { get; }

    public IReflectorSink<ClaimRecord> Claims { get; }

    public IReflectorSink<VolumeRecord> Volumes { get; }

    public IReflectorSink<StorageClassRecord> StorageClasses { get; }

    public IReflectorSink<AttachLimitsRecord> AttachLimits { get; }

    /// <summary>A claim as the watch shows it, or null.</summary>
    public ClaimRecord? FindClaim(string @namespace, string name)
    {
        lock (_gate)
            return _claims.GetValueOrDefault((@namespace, name));
    }

    /// <summary>
    /// Writes the node on the claims of a request, which may end it with a result of its own, and waits until all of them are bound:
    /// then null; or the reason why they will not be. Claims are looked at from before the write on: a provisioner may have refused
    /// the node before the answer to the write is here.
    /// </summary>
    public async Task<(BindOutcome? Ended, string? Refusal)> UntilClaimsBoundAsync(
        BindRequest request, Func<Task<BindOutcome?>> select, CancellationToken cancellation)
    {
        var wait = new ClaimWait(
            request.Namespace, request.UnboundClaims, request.Node, new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously),
            new HashSet<string>(StringComparer.Ordinal));
        lock (_gate)
        {
            _claimWaits.Add(wait);
            Look(wait);
        }

        try
        {
            return await select().ConfigureAwait(false) is { } ended
                ? (ended, null)
                : (null, await wait.Done.Task.WaitAsync(cancellation).ConfigureAwait(false));
        }
        finally
        {
            lock (_gate)
                _claimWaits.Remove(wait);
        }
    }

    /// <summary>Asked after each change of a claim, under the lock.</summary>
    private void Look(ClaimWait wait)
    {
        var bound = 0;
        foreach (var name in wait.Claims)
        {
            var claim = _claims.GetValueOrDefault((wait.Namespace, name));
            if (claim is null || claim.IsLeaving)
            {
                wait.Done.TrySetResult($"the claim {name} is gone");
                return;
            }

            if (claim.Volume is not null)
                bound++;
            else if (claim.SelectedNode == wait.Node.Value)
                wait.SeenSelected.Add(name);
            else if (wait.SeenSelected.Contains(name))
            {
                // A provisioner that cannot serve a node takes the annotation off, so that another node is chosen.
                wait.Done.TrySetResult($"no volume for the claim {name} could be made for node {wait.Node}; see the Events of the claim");
                return;
            }
        }

        if (bound == wait.Claims.Length)
            wait.Done.TrySetResult(null);
    }

    private PodVolumes VolumesOf(PodRecord pod)
    {
        if (pod.Claims.IsEmpty)
            return PodVolumes.None;
        var terms = ImmutableArray.CreateBuilder<ImmutableArray<NodeSelectorTerm>>();
        var attached = ImmutableArray.CreateBuilder<AttachedVolume>();
        var unbound = ImmutableArray.CreateBuilder<string>();
        var pending = default(string);
        foreach (var name in pod.Claims)
            pending ??= Add(_claims.GetValueOrDefault((pod.Namespace, name)), name, terms, attached, unbound);
        return new PodVolumes { Terms = terms.ToImmutable(), Attached = attached.ToImmutable(), Unbound = unbound.ToImmutable(), Pending = pending };
    }

    private string? Add(
        ClaimRecord? claim, string name, ImmutableArray<ImmutableArray<NodeSelectorTerm>>.Builder terms,
        ImmutableArray<AttachedVolume>.Builder attached, ImmutableArray<string>.Builder unbound)
    {
        if (claim is null)
            return $"the PersistentVolumeClaim {name} does not exist; create it";
        if (claim.IsLeaving)
            return $"the PersistentVolumeClaim {name} is being deleted; create it anew";
        if (claim.Volume is { } bound)
        {
            if (!_volumes.TryGetValue(bound, out var volume))
                return $"the PersistentVolumeClaim {name} is bound to the volume {bound}, which does not exist";
            if (!volume.Terms.IsEmpty)
                terms.Add(volume.Terms);
            if (volume.Attached is { } one)
                attached.Add(one);
            return null;
        }

        if (claim.StorageClass is not { } className)
            return $"the PersistentVolumeClaim {name} is not bound yet and names no storage class; give it a class, or a volume to bind to";
        if (!_classes.TryGetValue(className, out var storageClass))
            return $"the PersistentVolumeClaim {name} is of the storage class {className}, which does not exist";
        if (!storageClass.WaitsForPod)
            return $"the PersistentVolumeClaim {name} is not bound yet; see its Events";
        if (storageClass.Provisioner == VolumeMapping.NoProvisioner)
        {
            return $"the PersistentVolumeClaim {name} is of the storage class {className}, which makes no volumes, and Weir chooses none of those "
                + "that are there; name one in the claim's volumeName";
        }

        if (claim.SelectedNode is { } node)
            terms.Add([new NodeSelectorTerm([], [new SelectorRequirement(SelectorRequirement.NameField, SelectorOperator.In, [node])])]);
        else if (!storageClass.Terms.IsEmpty)
            terms.Add(storageClass.Terms);
        attached.Add(new AttachedVolume(storageClass.Provisioner, $"{claim.Namespace}/{name}"));
        unbound.Add(name);
        return null;
    }

    private string? VolumeRefusal(PodRecord pod, Node node)
    {
        var volumes = VolumesOf(pod);
        return volumes.Pending is { } pending ? $"pod {pod.Namespace}/{pod.Name}: {pending}"
            : volumes.Terms.All(terms => terms.Any(term => term.Matches(node))) ? null
            : $"node {node.Name} is out of reach of the volumes of pod {pod.Namespace}/{pod.Name}";
    }

    private void ClaimChanged(string @namespace, string name)
    {
        _pods.MarkClaimDirty(@namespace, name);
        foreach (var wait in _claimWaits)
        {
            if (wait.Namespace == @namespace && wait.Claims.Contains(name, StringComparer.Ordinal))
                Look(wait);
        }
    }

    /// <summary>A watch of objects that are kept by a key: what equals its last state changes nothing.</summary>
    private abstract class KeyedSink<TKey, TItem>(ClusterCache cache) : IReflectorSink<TItem>
        where TKey : notnull
    {
        protected ClusterCache Cache { get; } = cache;

        public void Replace(IReadOnlyList<TItem> items) => Cache.Write(() =>
        {
            var changed = false;
            var present = items.Select(KeyOf).ToHashSet();
            foreach (var gone in Keys.Where(key => !present.Contains(key)).ToList())
                changed |= Remove(gone);
            foreach (var item in items)
                changed |= Set(item);
            return changed;
        });

        public void Upsert(TItem item) => Cache.Write(() => Set(item));

        public void Delete(TItem item) => Cache.Write(() => Remove(KeyOf(item)));

        protected abstract IEnumerable<TKey> Keys { get; }

        protected abstract TKey KeyOf(TItem item);

        protected abstract bool Set(TItem item);

        protected abstract bool Remove(TKey key);
    }

    private sealed class NamespaceSink(ClusterCache cache) : KeyedSink<string, NamespaceRecord>(cache)
    {
        protected override IEnumerable<string> Keys => Cache._namespaces.Keys;

        protected override string KeyOf(NamespaceRecord item) => item.Name;

        protected override bool Set(NamespaceRecord item)
        {
            if (Cache._namespaces.TryGetValue(item.Name, out var known) && known.Equals(item.Labels))
                return false;
            Cache._namespaces[item.Name] = item.Labels;
            return true;
        }

        protected override bool Remove(string key) => Cache._namespaces.Remove(key);
    }

    private sealed class ClaimSink(ClusterCache cache) : KeyedSink<(string, string), ClaimRecord>(cache)
    {
        protected override IEnumerable<(string, string)> Keys => Cache._claims.Keys;

        protected override (string, string) KeyOf(ClaimRecord item) => (item.Namespace, item.Name);

        protected override bool Set(ClaimRecord item)
        {
            if (Cache._claims.GetValueOrDefault((item.Namespace, item.Name)) == item)
                return false;
            Cache._claims[(item.Namespace, item.Name)] = item;
            Cache.ClaimChanged(item.Namespace, item.Name);
            return true;
        }

        protected override bool Remove((string, string) key)
        {
            if (!Cache._claims.Remove(key))
                return false;
            Cache.ClaimChanged(key.Item1, key.Item2);
            return true;
        }
    }

    private sealed class VolumeSink(ClusterCache cache) : KeyedSink<string, VolumeRecord>(cache)
    {
        protected override IEnumerable<string> Keys => Cache._volumes.Keys;

        protected override string KeyOf(VolumeRecord item) => item.Name;

        protected override bool Set(VolumeRecord item)
        {
            // Terms are compared by what they mean to a shape, which is their text: a volume rarely changes, and is then looked at anew.
            if (Cache._volumes.TryGetValue(item.Name, out var known) && known.Claim == item.Claim && known.Attached == item.Attached
                && known.Terms.IsEmpty && item.Terms.IsEmpty)
            {
                return false;
            }

            Cache._volumes[item.Name] = item;
            MarkDirty(item.Claim);
            return true;
        }

        protected override bool Remove(string key)
        {
            if (!Cache._volumes.Remove(key, out var gone))
                return false;
            MarkDirty(gone.Claim);
            return true;
        }

        private void MarkDirty((string Namespace, string Name)? claim)
        {
            if (claim is { } whose)
                Cache._pods.MarkClaimDirty(whose.Namespace, whose.Name);
        }
    }

    private sealed class StorageClassSink(ClusterCache cache) : KeyedSink<string, StorageClassRecord>(cache)
    {
        protected override IEnumerable<string> Keys => Cache._classes.Keys;

        protected override string KeyOf(StorageClassRecord item) => item.Name;

        protected override bool Set(StorageClassRecord item)
        {
            if (Cache._classes.TryGetValue(item.Name, out var known) && known.Terms.IsEmpty && known == item with { Terms = known.Terms } && item.Terms.IsEmpty)
                return false;
            Cache._classes[item.Name] = item;
            Cache._pods.MarkAllClaimsDirty();
            return true;
        }

        protected override bool Remove(string key)
        {
            Cache._pods.MarkAllClaimsDirty();
            return Cache._classes.Remove(key);
        }
    }

    private sealed class AttachLimitSink(ClusterCache cache) : KeyedSink<NodeName, AttachLimitsRecord>(cache)
    {
        protected override IEnumerable<NodeName> Keys => Cache._attachLimits.Keys;

        protected override NodeName KeyOf(AttachLimitsRecord item) => item.Node;

        protected override bool Set(AttachLimitsRecord item)
        {
            if (Cache._attachLimits.TryGetValue(item.Node, out var known) && known.SequenceEqual(item.Limits))
                return false;
            Cache._attachLimits[item.Node] = item.Limits;
            Cache._pods.DirtyNodes.Add(item.Node);
            return true;
        }

        protected override bool Remove(NodeName key)
        {
            Cache._pods.DirtyNodes.Add(key);
            return Cache._attachLimits.Remove(key);
        }
    }
}
