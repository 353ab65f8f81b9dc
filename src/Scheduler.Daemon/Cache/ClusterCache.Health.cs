using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Daemon.Kubernetes.Mapping;

namespace Scheduler.Daemon.Cache;

/// <summary>What a kubelet made of a pod that was bound to its node.</summary>
/// <param name="Node">The node.</param>
/// <param name="Rejection">Why it turned the pod away, in one word; null if it started it.</param>
internal sealed record PodOutcome(NodeName Node, string? Rejection);

/// <content>
/// The health of nodes and devices, which others judge: what the API declares less what is in quarantine is what is planned with.
/// </content>
internal sealed partial class ClusterCache
{
    private readonly Dictionary<NodeName, Node> _declared = [];
    private readonly Dictionary<NodeName, NodeQuarantine> _quarantines = [];
    private readonly Dictionary<NodeName, ImmutableHashSet<(string Namespace, string Pod)>> _idle = [];
    private readonly List<PodOutcome> _outcomes = [];

    /// <summary>
    /// Raised when a kubelet has started a pod or turned it away, outside the lock and before <see cref="Changed"/>, on the thread of
    /// the watch, so that what follows from it holds before more pods are read.
    /// </summary>
    public event Action<PodOutcome>? PodSettled;

    /// <summary>From now on this of the node gets no new work. It may be said before the node is known.</summary>
    public void SetQuarantine(NodeName node, NodeQuarantine quarantine) => Write(() =>
    {
        if (quarantine.IsNone)
            _quarantines.Remove(node);
        else
            _quarantines[node] = quarantine;
        return _declared.TryGetValue(node, out var declared) && SetPlanned(declared);
    });

    /// <summary>From now on these pods of a node, and no others, are seen to do nothing with their GPUs.</summary>
    public void SetIdle(NodeName node, ImmutableHashSet<(string Namespace, string Pod)> pods) => Write(() =>
    {
        var before = _idle.GetValueOrDefault(node, []);
        if (pods.IsEmpty)
            _idle.Remove(node);
        else
            _idle[node] = pods;
        var changed = before.SymmetricExcept(pods).Select(pod => _pods.Find(pod.Namespace, pod.Pod)).OfType<PodRecord>().ToList();
        foreach (var pod in changed)
            _pods.MarkDirty(pod.Id);
        return changed.Count > 0;
    });

    /// <summary>What idle pods hold, by tenant.</summary>
    public IReadOnlyDictionary<string, long> IdleMilliGpuByTenant()
    {
        lock (_gate)
        {
            return _idle.Values.SelectMany(pods => pods).Select(pod => _pods.Find(pod.Namespace, pod.Pod)).OfType<PodRecord>().Where(IsIdle)
                .GroupBy(pod => _tenants.Tree.OwnerOf(pod.Namespace)?.Value ?? "", StringComparer.Ordinal)
                .ToDictionary(group => group.Key, group => group.Sum(pod => pod.Shape.Gpu.MilliGpu), StringComparer.Ordinal);
        }
    }

    /// <summary>The tenant that owns a namespace; empty if none does.</summary>
    public string TenantOf(string @namespace)
    {
        lock (_gate)
            return _tenants.Tree.OwnerOf(@namespace)?.Value ?? "";
    }

    /// <summary>Running pods of this scheduler on quarantined devices of a node, by id.</summary>
    public ImmutableArray<PodRecord> PodsOnQuarantinedDevices()
    {
        lock (_gate)
        {
            return
            [
                .. _quarantines.SelectMany(entry => _pods.On(entry.Key).Select(id => _pods.Find(id)!)
                        .Where(pod => pod is { IsManaged: true, Disposition: PodDisposition.Placed }
                            && pod.Placement!.Devices.Any(entry.Value.Devices.Contains)))
                    .OrderBy(pod => pod.Id),
            ];
        }
    }

    /// <summary>Pods that hold GPUs of a node, with their devices as far as they are known.</summary>
    public ImmutableArray<PodRecord> GpuPodsOn(NodeName node)
    {
        lock (_gate)
        {
            return [.. _pods.On(node).Select(id => _pods.Find(id)!).Where(pod => pod.Shape.Gpu.IsAny).OrderBy(pod => pod.Id)];
        }
    }

    /// <summary>A node as the API declares it; null if there is none.</summary>
    public Node? FindDeclared(NodeName name)
    {
        lock (_gate)
            return _declared.GetValueOrDefault(name);
    }

    private bool IsIdle(PodRecord pod) =>
        pod.Placement is { } placement && _idle.TryGetValue(placement.Node, out var idle) && idle.Contains((pod.Namespace, pod.Name));

    private bool SetPlanned(Node declared)
    {
        var node = _quarantines.TryGetValue(declared.Name, out var quarantine) ? quarantine.ApplyTo(declared) : declared;
        // A kubelet's heartbeat changes nothing that is planned with.
        if (_nodes.TryGetValue(node.Name, out var known) && ModelComparison.AreEqual(known, node))
            return false;
        _nodes[node.Name] = node;
        _pods.DirtyNodes.Add(node.Name);
        return true;
    }

    /// <summary>Notes what a kubelet made of the pod, once. What had happened before the first list is not news.</summary>
    private void ObserveOutcome(PodRecord? known, PodRecord record)
    {
        if (known is null || record.Placement is not { } placement)
            return;
        if (record.Rejection is not null || (record.HasRun && !known.HasRun))
            _outcomes.Add(new PodOutcome(placement.Node, record.Rejection));
    }

    private PodOutcome[] TakeOutcomes()
    {
        PodOutcome[] outcomes = [.. _outcomes];
        _outcomes.Clear();
        return outcomes;
    }
}
