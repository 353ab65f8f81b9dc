using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Kubernetes.Mapping;

namespace Scheduler.Daemon.Cache;

internal sealed record CacheSettings
{
    /// <summary>How long after the API server's yes the watch may take to show it.</summary>
    public TimeSpan ConfirmWithin { get; init; } = TimeSpan.FromSeconds(30);
    public TimeSpan BindBackoffFirst { get; init; } = TimeSpan.FromSeconds(1);
    public TimeSpan BindBackoffCap { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a node is kept for a pod that kube-scheduler does not bind.</summary>
    public TimeSpan CommitFor { get; init; } = TimeSpan.FromMinutes(2);
    public TimeSpan NodeRefusalFirst { get; init; } = TimeSpan.FromSeconds(5);
    public TimeSpan NodeRefusalCap { get; init; } = TimeSpan.FromMinutes(5);
}

/// <summary>A snapshot with what the planner does not see.</summary>
/// <param name="Snapshot">The planner's input.</param>
/// <param name="Blocked">Pods that are not queued because of something in them, or around them, that must be mended.</param>
internal sealed record CacheView(ClusterSnapshot Snapshot, ImmutableArray<BlockedPod> Blocked);

/// <summary>
/// What the API says, plus what was decided and is not confirmed yet (the state machine is drawn at <see cref="Assumptions"/>).
/// Owns the state of pods, nodes, tenants and pod groups. Every change that could change a plan counts up the generation.
/// </summary>
/// <remarks>Safe for concurrent use: watches write, the scheduling loop takes snapshots, binders report.</remarks>
internal sealed partial class ClusterCache
{
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly PodTable _pods = new();
    private readonly Dictionary<NodeName, Node> _nodes = [];
    private readonly Dictionary<NodeName, Node> _nodesWithOthers = [];
    private readonly Dictionary<(string Namespace, string Name), int> _podGroups = [];
    private readonly Dictionary<(string Namespace, string Workload, string PodGroup), int> _workloadGroups = [];
    private readonly Dictionary<WorkloadId, Workload> _workloads = [];
    private readonly Dictionary<WorkloadId, List<BlockedPod>> _blocked = [];
    private readonly TenantState _tenants = new();
    private readonly Assumptions _assumptions;
    private readonly Dictionary<NodeName, HashSet<PodId>> _assumedOn = [];
    private readonly BindBackoffs _backoffs;
    private readonly NodeRefusals _refusals;
    private readonly TimeSpan _commitFor;
    private readonly ShapeStatistics _shapes = new();
    private long _generation;

    public ClusterCache(CacheSettings settings, TimeProvider time)
    {
        _time = time;
        _assumptions = new Assumptions(settings.ConfirmWithin, time);
        _backoffs = new BindBackoffs(settings.BindBackoffFirst, settings.BindBackoffCap, time);
        _refusals = new NodeRefusals(settings.NodeRefusalFirst, settings.NodeRefusalCap, time);
        _commitFor = settings.CommitFor;
        Pods = new PodSink(this);
        Nodes = new NodeSink(this);
        Tenants = new TenantSink(this);
        PodGroups = new PodGroupSink(this);
        Workloads = new WorkloadSink(this);
        Budgets = new BudgetSink(this);
        Namespaces = new NamespaceSink(this);
        Claims = new ClaimSink(this);
        Volumes = new VolumeSink(this);
        StorageClasses = new StorageClassSink(this);
        AttachLimits = new AttachLimitSink(this);
    }

    public IReflectorSink<PodRecord> Pods { get; }

    public IReflectorSink<Node> Nodes { get; }

    public IReflectorSink<TenantRecord> Tenants { get; }

    public IReflectorSink<PodGroupRecord> PodGroups { get; }

    public IReflectorSink<WorkloadRecord> Workloads { get; }

    /// <summary>Raised after a change that could change a plan, outside the lock, on the thread that made it. Handlers only signal.</summary>
    public event Action? Changed;

    /// <summary>Counts changes. Equal generations mean equal content, but for time.</summary>
    public long Generation
    {
        get
        {
            lock (_gate)
                return _generation;
        }
    }

    public int AssumedCount
    {
        get
        {
            lock (_gate)
                return _assumptions.Count;
        }
    }

    public (int Pods, int Nodes) Size
    {
        get
        {
            lock (_gate)
                return (_pods.Count, _nodes.Count);
        }
    }

    public ImmutableArray<TenantVerdict> TenantVerdicts
    {
        get
        {
            lock (_gate)
                return _tenants.Verdicts;
        }
    }

    /// <summary>Every error of the present set of tenants; empty if it is in force.</summary>
    public ImmutableArray<Core.Quota.ConfigurationError> TenantErrors
    {
        get
        {
            lock (_gate)
                return _tenants.Errors;
        }
    }

    /// <summary>When time alone will change something here: a back-off, a commitment or a refusal runs out. Null if nothing will.</summary>
    public DateTimeOffset? NextDue
    {
        get
        {
            lock (_gate)
            {
                return Earliest(_backoffs.NextDue, Earliest(_refusals.NextDue, NextCommitmentDue));
            }
        }
    }

    public PodRecord? FindPod(PodId id)
    {
        lock (_gate)
            return _pods.Find(id);
    }

    /// <summary>Whether a binding of the pod was decided that the watch does not show yet.</summary>
    public bool IsAssumed(PodId id)
    {
        lock (_gate)
            return _assumptions.PlacementOf(id) is not null;
    }

    public PodRecord? FindPod(string @namespace, string name)
    {
        lock (_gate)
            return _pods.Find(@namespace, name);
    }

    /// <summary>
    /// The cluster as it stands now. Only what changed since the last one is put together anew; what is equal to its last state, or
    /// became so again, is the same object as then.
    /// </summary>
    public CacheView View()
    {
        lock (_gate)
        {
            RunOut();
            RefreshWorkloads();
            RefreshNodes();
            var builder = new ClusterSnapshotBuilder { Generation = _generation, Now = _time.GetUtcNow() }
                .Add(_nodesWithOthers.Values)
                .Add(_workloads.Values)
                .With(_tenants.Tree)
                .With(_shapes.Mix(_nodes.Values));
            foreach (var (name, labels) in _namespaces)
                builder.WithNamespace(name, labels);
            foreach (var budget in _budgets.Values.SelectMany(budgets => budgets.Values))
                builder.WithBudget(budget.Key, budget.DisruptionsAllowed);
            return new CacheView(builder.Build(), [.. _blocked.Values.SelectMany(pods => pods).OrderBy(pod => pod.Pod.Id)]);
        }
    }

    /// <summary>
    /// Counts a decision as done, whole or not at all, after checking it against what is known now, not when it was planned.
    /// </summary>
    /// <returns>Null and the requests to send; or why it is refused, and nothing changed.</returns>
    public string? TryAssume(Bind decision, out ImmutableArray<BindRequest> requests)
    {
        requests = [];
        var builder = ImmutableArray.CreateBuilder<BindRequest>(decision.Pods.Length);
        lock (_gate)
        {
            var rooms = new Dictionary<NodeName, NodeRoom>();
            foreach (var binding in decision.Pods)
            {
                if (Check(decision.Workload, binding, rooms, out var record) is { } refusal)
                    return refusal;
                builder.Add(new BindRequest(binding.Pod, record!.Namespace, record.Name, binding.Node, binding.Devices, decision.Workload)
                {
                    UnboundClaims = VolumesOf(record).Unbound,
                });
            }

            foreach (var binding in decision.Pods)
                Assume(binding);
            _generation++;
        }

        requests = builder.MoveToImmutable();
        return null;
    }

    /// <summary>
    /// The API server took the binding, or may have: the assumption stays until the watch shows it, or <see cref="Loop.BindingCheck"/>
    /// finds out that it did not.
    /// </summary>
    public void FinishBinding(PodId pod)
    {
        lock (_gate)
        {
            _assumptions.Finish(pod);
            ForgetCommitment(pod, CommitmentEnd.Bound);
            _backoffs.Clear(pod);
        }
    }

    /// <summary>The binding failed: its room is free again.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="backOff">Whether the pod has to wait before it is planned again.</param>
    public void Forget(PodId pod, bool backOff)
    {
        lock (_gate)
        {
            if (backOff && _pods.Find(pod) is not null)
                _backoffs.Failed(pod);
            ForgetCommitment(pod, CommitmentEnd.Failed);
            Unassume(pod, _assumptions.PlacementOf(pod));
            _assumptions.Forget(pod);
            Touch(pod);
        }

        Changed?.Invoke();
    }

    /// <summary>Bindings that the watch did not show in time.</summary>
    public ImmutableArray<BindRequest> TakeOverdue()
    {
        lock (_gate)
        {
            return
            [
                .. _assumptions.TakeOverdue()
                    .Select(overdue => (overdue.Placement, Record: _pods.Find(overdue.Pod)))
                    .Where(overdue => overdue.Record is not null)
                    .Select(overdue => new BindRequest(
                        overdue.Record!.Id, overdue.Record.Namespace, overdue.Record.Name, overdue.Placement.Node,
                        overdue.Placement.Devices, overdue.Record.Workload)),
            ];
        }
    }

    /// <summary>A decision about these pods could not be applied: they wait a while, and nobody behind them does.</summary>
    public void BackOff(IEnumerable<PodId> pods)
    {
        lock (_gate)
        {
            foreach (var pod in pods)
            {
                if (_pods.Find(pod) is null || _assumptions.PlacementOf(pod) is not null)
                    continue;
                _backoffs.Failed(pod);
                Touch(pod);
            }
        }
    }

    private string? Check(WorkloadId workload, PodBinding binding, Dictionary<NodeName, NodeRoom> rooms, out PodRecord? record)
    {
        record = _pods.Find(binding.Pod);
        if (record is null)
            return $"pod {binding.Pod} is gone";
        if (record.Disposition != PodDisposition.Pending || record.Workload != workload || !record.IsManaged)
            return $"pod {record.Namespace}/{record.Name} is no longer one to place";
        if (_assumptions.PlacementOf(binding.Pod) is not null)
            return $"pod {record.Namespace}/{record.Name} is placed already";
        if (_tenants.Tree.OwnerOf(record.Namespace) is not { } tenant || !_tenants.Tree.TryGet(tenant, out var node) || node.IsSuspended)
            return $"namespace {record.Namespace} has no tenant that may start work";
        if (!rooms.TryGetValue(binding.Node, out var room))
        {
            if (!_nodes.TryGetValue(binding.Node, out var target))
                return $"node {binding.Node} is gone";
            rooms[binding.Node] = room = RoomOn(target);
        }

        if (VolumeRefusal(record, _nodes[binding.Node]) is { } outOfReach)
            return outOfReach;
        var placement = new PodPlacement(binding.Node, binding.Devices);
        if (room.Refusal(record.Shape, placement) is { } refusal)
            return refusal;
        room.Take(record.Shape, placement);
        return null;
    }

    private NodeRoom RoomOn(Node node)
    {
        var room = new NodeRoom(node);
        foreach (var id in _pods.On(node.Name))
        {
            var record = _pods.Find(id)!;
            room.Take(record.Shape, record.Placement!);
        }

        if (_assumedOn.TryGetValue(node.Name, out var assumed))
        {
            foreach (var id in assumed)
                room.Take(_pods.Find(id)!.Shape, _assumptions.PlacementOf(id)!);
        }

        return room;
    }

    private void Assume(PodBinding binding)
    {
        _assumptions.Assume(binding.Pod, new PodPlacement(binding.Node, binding.Devices));
        if (!_assumedOn.TryGetValue(binding.Node, out var pods))
            _assumedOn[binding.Node] = pods = [];
        pods.Add(binding.Pod);
        _nominations.Remove(binding.Pod);
        _pods.MarkDirty(binding.Pod);
    }

    private void Unassume(PodId pod, PodPlacement? placement)
    {
        if (placement is null || !_assumedOn.TryGetValue(placement.Node, out var pods))
            return;
        pods.Remove(pod);
        if (pods.Count == 0)
            _assumedOn.Remove(placement.Node);
    }

    private void Touch(PodId pod)
    {
        _pods.MarkDirty(pod);
        _generation++;
    }

    private void RunOut()
    {
        foreach (var pod in _backoffs.TakeDue())
            Touch(pod);
        RunOutCommitments();
    }

    private static DateTimeOffset? Earliest(DateTimeOffset? a, DateTimeOffset? b) => a is null || b < a ? b : a;

    private void RefreshWorkloads()
    {
        foreach (var id in _pods.DirtyWorkloads)
        {
            _blocked.Remove(id);
            var records = _pods.Of(id).Select(pod => _pods.Find(pod)!).Where(IsPlanned).ToList();
            var blocked = new List<BlockedPod>();
            if (records.Count > 0 && WorkloadAssembly.Assemble(id, records, Surrounding(id, records[0]), blocked) is { } workload)
                _workloads[id] = ModelComparison.Reuse(_workloads.GetValueOrDefault(id), workload);
            else
                _workloads.Remove(id);
            if (blocked.Count > 0)
                _blocked[id] = blocked;
        }

        _pods.DirtyWorkloads.Clear();
    }

    private WorkloadAssembly.Surroundings Surrounding(WorkloadId id, PodRecord first) => new(
        _tenants.Tree.OwnerOf(first.Namespace),
        GroupSize(first),
        _pods.SucceededOf(id), _assumptions.PlacementOf, _assumptions.AssumedAt, _backoffs.HeldUntil,
        _notices.GetValueOrDefault, _nominations.GetValueOrDefault, BudgetOf,
        VolumesOf, _refusals.Of, IsIdle);

    private int? GroupSize(PodRecord pod)
    {
        if (pod.WorkloadGroup is { } group)
        {
            var colon = group.IndexOf(':', StringComparison.Ordinal);
            return _workloadGroups.TryGetValue((pod.Namespace, group[..colon], group[(colon + 1)..]), out var minCount) ? minCount : null;
        }

        return pod.Group is not null && _podGroups.TryGetValue((pod.Namespace, pod.Group), out var minMember) ? minMember : null;
    }

    private static bool IsPlanned(PodRecord record) => PodTable.IsInWorkload(record) && record.Disposition != PodDisposition.Gated;

    private void RefreshNodes()
    {
        foreach (var name in _pods.DirtyNodes)
        {
            if (!_nodes.TryGetValue(name, out var node))
            {
                _nodesWithOthers.Remove(name);
                continue;
            }

            var now = _pods.WithOthers(node, record => PodRules.WithVolumes(record.Shape.Rules, VolumesOf(record).Attached)) with
            {
                AttachLimits = _attachLimits.GetValueOrDefault(name, []),
            };
            if (!_nodesWithOthers.TryGetValue(name, out var before) || !ModelComparison.AreEqual(before, now))
                _nodesWithOthers[name] = now;
        }

        _pods.DirtyNodes.Clear();
    }
}
