using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>A pod that holds room on a node, with the devices that the session counts it on.</summary>
internal readonly record struct Occupant(RunningWorkload Owner, Pod Pod, ImmutableArray<int> Devices);

/// <summary>A workload of which at least one pod holds room.</summary>
internal sealed class RunningWorkload(Workload workload, TenantNode? tenant)
{
    /// <summary>The workload as in the snapshot.</summary>
    public Workload Workload { get; } = workload;

    /// <summary>Its tenant, or null.</summary>
    public TenantNode? Tenant { get; } = tenant;

    /// <summary>How the core is counted; null for what is of no tenant, or without GPUs.</summary>
    public StandingBook.Entry? CoreEntry { get; set; }

    /// <summary>Its pods on nodes that exist, in order: node, pod, devices.</summary>
    public List<(NodeState Node, Occupant Occupant)> Pods { get; } = [];

    /// <summary>The minMember pods that keep it running. Filled by <see cref="Split"/>.</summary>
    public IReadOnlyList<(NodeState Node, Occupant Occupant)> Core { get; private set; } = [];

    /// <summary>Pods beyond minMember: an elastic gang can lose them and go on. Those that are leaving come first.</summary>
    public IReadOnlyList<(NodeState Node, Occupant Occupant)> Surplus { get; private set; } = [];

    /// <summary>Whether any of its pods holds GPUs.</summary>
    public bool HasGpu => Pods.Exists(pod => pod.Occupant.Pod.Shape.Gpu.IsAny);

    /// <summary>How surplus pods are counted.</summary>
    public Dictionary<PodId, StandingBook.Entry> SurplusEntries { get; } = [];

    /// <summary>Whether a pod can be reclaimed by other tenants.</summary>
    public bool IsOnBurst(PodId pod) =>
        CoreEntry is { IsGuaranteed: false } || (SurplusEntries.TryGetValue(pod, out var entry) && !entry.IsGuaranteed);

    /// <summary>Tells core and surplus apart.</summary>
    public void Split(Session session)
    {
        var inOrder = Pods.OrderBy(pod => session.IsGoing(pod.Occupant.Pod)).ThenBy(pod => pod.Occupant.Pod.Id).ToArray();
        var core = Math.Min(Workload.MinMember, inOrder.Length);
        Core = inOrder[..core];
        Surplus = inOrder[core..];
    }
}

/// <summary>All workloads that hold room, and who is on which node.</summary>
internal sealed class RunningWorkloads
{
    private readonly Dictionary<WorkloadId, RunningWorkload> _byId = [];
    private readonly List<RunningWorkload> _all = [];
    private Dictionary<int, List<Occupant>>? _byNode;

    /// <summary>By id of the workload.</summary>
    public IReadOnlyList<RunningWorkload> All => _all;

    /// <summary>Finds one.</summary>
    public RunningWorkload? Find(WorkloadId id) => _byId.GetValueOrDefault(id);

    /// <summary>Pods on a node; worked out when it is first asked, since most cycles preempt nothing.</summary>
    public IReadOnlyList<Occupant> On(int node)
    {
        if (_byNode is null)
        {
            _byNode = [];
            foreach (var running in _all)
            {
                foreach (var (at, occupant) in running.Pods)
                {
                    if (!_byNode.TryGetValue(at.Index, out var occupants))
                    {
                        _byNode.Add(at.Index, occupants = []);
                    }

                    occupants.Add(occupant);
                }
            }
        }

        return _byNode.TryGetValue(node, out var found) ? found : [];
    }

    internal void Add(RunningWorkload running)
    {
        _all.Add(running);
        _byId.Add(running.Workload.Id, running);
    }
}
