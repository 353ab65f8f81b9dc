using Scheduler.Core.Model;
using Scheduler.Daemon.Kubernetes.Mapping;

namespace Scheduler.Daemon.Cache;

/// <summary>
/// The pods that matter (of pods that ended only the members of gangs that succeeded are kept, by id), indexed by name, by node and by workload. Remembers which workloads and
/// which nodes' books are out of date, so that a snapshot rebuilds those alone. Not safe for concurrent use.
/// </summary>
internal sealed class PodTable
{
    private static readonly IReadOnlyCollection<PodId> None = [];

    private readonly Dictionary<PodId, PodRecord> _byId = [];
    private readonly Dictionary<(string Namespace, string Name), PodId> _byName = [];
    private readonly Dictionary<NodeName, HashSet<PodId>> _byNode = [];
    private readonly Dictionary<WorkloadId, List<PodId>> _byWorkload = [];
    private readonly Dictionary<WorkloadId, Dictionary<PodId, string?>> _succeededOf = [];
    private readonly Dictionary<PodId, WorkloadId> _succeeded = [];
    private readonly Dictionary<(string Namespace, string Claim), HashSet<PodId>> _byClaim = [];

    public HashSet<WorkloadId> DirtyWorkloads { get; } = [];

    public HashSet<NodeName> DirtyNodes { get; } = [];

    public int Count => _byId.Count;

    public IEnumerable<PodId> Ids => _byId.Keys;

    public PodRecord? Find(PodId id) => _byId.GetValueOrDefault(id);

    public PodRecord? Find(string @namespace, string name) => _byName.TryGetValue((@namespace, name), out var id) ? _byId[id] : null;

    /// <summary>Pods that the API shows on a node. Assumed ones are not among them.</summary>
    public IReadOnlyCollection<PodId> On(NodeName node) => _byNode.TryGetValue(node, out var pods) ? pods : None;

    public IReadOnlyList<PodId> Of(WorkloadId workload) => _byWorkload.TryGetValue(workload, out var pods) ? pods : [];

    /// <summary>Members of a gang that ended well and still exist, each by its controller.</summary>
    public IReadOnlyCollection<string?> SucceededOf(WorkloadId workload) =>
        _succeededOf.TryGetValue(workload, out var pods) ? pods.Values : [];

    public IEnumerable<PodId> SucceededIds => _succeeded.Keys;

    /// <summary>Takes the pod's new state; one that ended is dropped. Gives back a pod of the same name that it replaced, if any.</summary>
    public PodId? Upsert(PodRecord record)
    {
        PodId? replaced = null;
        // Names are unique at any moment: another pod of this name is gone, whether or not its deletion was seen.
        if (_byName.TryGetValue((record.Namespace, record.Name), out var namesake) && namesake != record.Id)
        {
            Remove(namesake);
            replaced = namesake;
        }

        Remove(record.Id);
        if (record.Disposition == PodDisposition.Finished)
        {
            if (record is { HasSucceeded: true, IsManaged: true, Group: not null })
                AddSucceeded(record);
            return replaced;
        }

        _byId[record.Id] = record;
        _byName[(record.Namespace, record.Name)] = record.Id;
        AddTo(_byWorkload, record.Workload, record.Id);
        foreach (var claim in record.Claims)
        {
            if (!_byClaim.TryGetValue((record.Namespace, claim), out var users))
                _byClaim[(record.Namespace, claim)] = users = [];
            users.Add(record.Id);
        }

        DirtyWorkloads.Add(record.Workload);
        if (record.Placement is { } placement)
        {
            if (!_byNode.TryGetValue(placement.Node, out var pods))
                _byNode[placement.Node] = pods = [];
            pods.Add(record.Id);
            if (!IsInWorkload(record))
                DirtyNodes.Add(placement.Node);
        }

        return replaced;
    }

    public bool Remove(PodId id)
    {
        RemoveSucceeded(id);
        if (!_byId.Remove(id, out var record))
            return false;
        _byName.Remove((record.Namespace, record.Name));
        var members = _byWorkload[record.Workload];
        members.Remove(id);
        if (members.Count == 0)
            _byWorkload.Remove(record.Workload);
        DirtyWorkloads.Add(record.Workload);
        foreach (var claim in record.Claims)
        {
            var users = _byClaim[(record.Namespace, claim)];
            users.Remove(id);
            if (users.Count == 0)
                _byClaim.Remove((record.Namespace, claim));
        }

        if (record.Placement is { } placement && _byNode.TryGetValue(placement.Node, out var pods))
        {
            pods.Remove(id);
            if (pods.Count == 0)
                _byNode.Remove(placement.Node);
            if (!IsInWorkload(record))
                DirtyNodes.Add(placement.Node);
        }

        return true;
    }

    public void MarkDirty(PodId id)
    {
        if (_byId.TryGetValue(id, out var record))
            DirtyWorkloads.Add(record.Workload);
    }

    /// <summary>Something about a claim changed: that of its pods, and of the nodes that count them as others'.</summary>
    public void MarkClaimDirty(string @namespace, string claim)
    {
        if (!_byClaim.TryGetValue((@namespace, claim), out var users))
            return;
        foreach (var id in users)
        {
            var record = _byId[id];
            DirtyWorkloads.Add(record.Workload);
            if (record.Placement is { } placement && !IsInWorkload(record))
                DirtyNodes.Add(placement.Node);
        }
    }

    /// <summary>The same for all claims.</summary>
    public void MarkAllClaimsDirty()
    {
        foreach (var (@namespace, claim) in _byClaim.Keys)
            MarkClaimDirty(@namespace, claim);
    }

    public void MarkAllDirty() => DirtyWorkloads.UnionWith(_byWorkload.Keys);

    public void MarkNamespaceDirty(string @namespace)
    {
        foreach (var id in _byWorkload.Keys)
        {
            if (id.Value.StartsWith(@namespace + "/", StringComparison.Ordinal))
                DirtyWorkloads.Add(id);
        }
    }

    /// <summary>Pods of other schedulers count as workloads only where they hold GPUs; the rest is usage of their node.</summary>
    public static bool IsInWorkload(PodRecord record) => record.IsManaged || (record.HoldsRoom && record.Shape.Gpu.IsAny);

    /// <summary>The node with the books of the pods on it that are in no workload.</summary>
    /// <param name="node">The node.</param>
    /// <param name="rulesOf">What a pod says about those beside it.</param>
    public Node WithOthers(Node node, Func<PodRecord, PodRules?> rulesOf)
    {
        var used = ResourceVector.Zero;
        var count = 0;
        List<ScalarResource> scalars = [];
        List<OtherPod> others = [];
        foreach (var id in On(node.Name))
        {
            var record = _byId[id];
            if (IsInWorkload(record))
                continue;
            used += record.Shape.Requests;
            scalars.AddRange(record.Shape.Scalars);
            others.Add(new OtherPod(record.Id, record.Namespace, record.Labels, rulesOf(record), record.Disposition == PodDisposition.Leaving));
            count++;
        }

        others.Sort(static (a, b) => a.Id.CompareTo(b.Id));

        return node with { UsedByOthers = used, PodsOfOthers = count, ScalarsUsedByOthers = ScalarResource.Normalise(scalars), Others = [.. others] };
    }

    private void AddSucceeded(PodRecord record)
    {
        _succeeded[record.Id] = record.Workload;
        if (!_succeededOf.TryGetValue(record.Workload, out var pods))
            _succeededOf[record.Workload] = pods = [];
        pods[record.Id] = record.Controller;
        DirtyWorkloads.Add(record.Workload);
    }

    private void RemoveSucceeded(PodId id)
    {
        if (!_succeeded.Remove(id, out var workload))
            return;
        var pods = _succeededOf[workload];
        pods.Remove(id);
        if (pods.Count == 0)
            _succeededOf.Remove(workload);
        DirtyWorkloads.Add(workload);
    }

    private static void AddTo(Dictionary<WorkloadId, List<PodId>> index, WorkloadId workload, PodId pod)
    {
        if (!index.TryGetValue(workload, out var pods))
            index[workload] = pods = new List<PodId>(1);
        pods.Add(pod);
    }
}
