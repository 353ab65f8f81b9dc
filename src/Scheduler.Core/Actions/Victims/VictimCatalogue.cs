using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Actions.Victims;

/// <summary>
/// Everything that could be preempted at all, made once in a cycle that asks for it: units by node, in the order in which
/// equals are taken (the tenant furthest above its entitlement first, then the newest, then by id). Whether a unit may be
/// taken for somebody is for <see cref="VictimRule"/> to say.
/// </summary>
internal sealed class VictimCatalogue
{
    private readonly Session _session;
    private readonly Dictionary<int, List<VictimUnit>> _byNode = [];
    private readonly Dictionary<WorkloadId, List<VictimUnit>> _byWorkload = [];
    private readonly Dictionary<TenantId, HashSet<VictimUnit>> _byTenant = [];
    private readonly List<VictimUnit> _units = [];

    public VictimCatalogue(Session session)
    {
        _session = session;
        var candidates = session.Running.All
            .Where(running => running.Tenant is not null && running.Workload.IsManaged && running.Workload.IsPreemptible)
            .ToList();
        candidates.Sort(Compare);
        foreach (var running in candidates)
        {
            Add(running);
        }

        Priorities = [.. candidates.Select(running => running.Workload.Priority).Distinct().Order()];
    }

    /// <summary>All units, by rank.</summary>
    public IReadOnlyList<VictimUnit> Units => _units;

    /// <summary>The priorities of all units, ascending.</summary>
    public IReadOnlyList<int> Priorities { get; }

    /// <summary>Units with a pod on a node, by rank.</summary>
    public IReadOnlyList<VictimUnit> On(int node) => _byNode.TryGetValue(node, out var units) ? units : [];

    /// <summary>Units of a tenant, in no meaningful order.</summary>
    public IReadOnlyCollection<VictimUnit> OfTenant(TenantNode tenant) => _byTenant.TryGetValue(tenant.Id, out var units) ? units : [];

    /// <summary>Makes the units of a workload anew, after some of its pods were told to leave.</summary>
    public void Renew(RunningWorkload running)
    {
        if (!_byWorkload.Remove(running.Workload.Id, out var old))
        {
            return;
        }

        foreach (var unit in old)
        {
            _units.Remove(unit);
            _byTenant[running.Tenant!.Id].Remove(unit);
            foreach (var node in NodesOf(unit))
            {
                _byNode[node].Remove(unit);
            }
        }

        Add(running, old[0].Rank);
    }

    /// <summary>Nodes with a pod of a unit.</summary>
    public static IEnumerable<int> NodesOf(VictimUnit unit) => unit.Pods.Select(pod => pod.Node.Index).Distinct();

    private void Add(RunningWorkload running, int? rank = null)
    {
        var staying = running.Pods.Where(pod => !_session.IsGoing(pod.Occupant.Pod)).ToList();
        if (staying.Count == 0)
        {
            return;
        }

        // Ranks leave room for every pod of the workload, so that units can be renewed without moving others.
        var next = rank ?? (_units.Count == 0 ? 0 : _units[^1].Rank + 1);
        var surplus = running.Surplus.Where(pod => !_session.IsGoing(pod.Occupant.Pod)).ToList();
        foreach (var pod in surplus)
        {
            Add(new VictimUnit(running, [pod], IsWhole: false, CostOf(running.Workload, [pod], 0), next++));
        }

        Add(new VictimUnit(running, staying, IsWhole: true, CostOf(running.Workload, staying, 1), next));
    }

    private void Add(VictimUnit unit)
    {
        var position = _units.Count;
        while (position > 0 && _units[position - 1].Rank > unit.Rank)
        {
            position--;
        }

        _units.Insert(position, unit);
        if (!_byWorkload.TryGetValue(unit.Running.Workload.Id, out var ofWorkload))
        {
            _byWorkload.Add(unit.Running.Workload.Id, ofWorkload = []);
        }

        ofWorkload.Add(unit);
        if (!_byTenant.TryGetValue(unit.Running.Tenant!.Id, out var ofTenant))
        {
            _byTenant.Add(unit.Running.Tenant.Id, ofTenant = new HashSet<VictimUnit>(ReferenceEqualityComparer.Instance));
        }

        ofTenant.Add(unit);
        foreach (var node in NodesOf(unit))
        {
            if (!_byNode.TryGetValue(node, out var onNode))
            {
                _byNode.Add(node, onNode = []);
            }

            onNode.Add(unit);
        }
    }

    private VictimCost CostOf(Workload workload, List<(NodeState, Occupant Occupant)> pods, int disturbed)
    {
        var lost = 0L;
        foreach (var (_, occupant) in pods)
        {
            lost += LostWork.MilliGpuSeconds(workload, occupant.Pod, _session.Snapshot.Now, _session.Policy.RestartCost);
        }

        return new VictimCost(0, lost, disturbed);
    }

    private int Compare(RunningWorkload a, RunningWorkload b)
    {
        var order = _session.Excess(b.Tenant!.Index).CompareTo(_session.Excess(a.Tenant!.Index));
        order = order != 0 ? order : (b.Workload.StartedAt ?? b.Workload.SubmittedAt).CompareTo(a.Workload.StartedAt ?? a.Workload.SubmittedAt);
        return order != 0 ? order : a.Workload.Id.CompareTo(b.Workload.Id);
    }
}
