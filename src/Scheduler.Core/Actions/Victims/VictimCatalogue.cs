using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions.Victims;

/// <summary>
/// Everything that could be preempted at all, made once in a cycle that asks for it: units by node, ranked in the order in
/// which equals are taken (the tenant furthest above its entitlement first, then the newest, then by id). Whether a unit
/// may be taken for somebody is for <see cref="VictimRule"/> to say.
/// </summary>
internal sealed class VictimCatalogue
{
    /// <summary>Units of one workload have ranks that differ in these low bits.</summary>
    private const int RankBits = 16;

    private static readonly IReadOnlyList<VictimUnit> None = [];

    private readonly Session _session;
    private readonly List<VictimUnit>?[] _byNode;
    private readonly List<VictimUnit>?[] _byTenant;
    private readonly Dictionary<RunningWorkload, (int Position, List<VictimUnit> Units)> _byWorkload = new(ReferenceEqualityComparer.Instance);
    private int _standingsSeen;

    public VictimCatalogue(Session session)
    {
        _session = session;
        _byNode = new List<VictimUnit>?[session.Nodes.Length];
        _byTenant = new List<VictimUnit>?[session.Tenants.Length];
        var candidates = session.Tenants.SelectMany(tenant => tenant.Running)
            .Where(running => running.Workload.IsManaged && running.Workload.IsPreemptible)
            .ToList();
        candidates.Sort(Compare);
        for (var position = 0; position < candidates.Count; position++)
        {
            Add(candidates[position], position);
        }

        Priorities = [.. candidates.Select(running => running.Workload.Priority).Distinct().Order()];
    }

    /// <summary>The priorities of all units, ascending.</summary>
    public IReadOnlyList<int> Priorities { get; }

    /// <summary>Units with a pod on a node.</summary>
    public IReadOnlyList<VictimUnit> On(int node) => _byNode[node] ?? None;

    /// <summary>Units of a tenant.</summary>
    public IReadOnlyList<VictimUnit> OfTenant(int tenant) => _byTenant[tenant] ?? None;

    /// <summary>Workloads that a rule lets be taken, in whole or in part.</summary>
    public int CountTakeable(VictimRule rule)
    {
        var count = 0;
        foreach (var (_, units) in _byWorkload.Values)
        {
            count += units.Exists(rule.MayTake) ? 1 : 0;
        }

        return count;
    }

    /// <summary>Tells the session of nodes on which units changed sides of a guarantee since the last call.</summary>
    public void NoteStandings()
    {
        for (; _standingsSeen < _session.MovedStandings.Count; _standingsSeen++)
        {
            if (_session.Roster.FindRunning(_session.MovedStandings[_standingsSeen].Workload.Id) is { } running)
            {
                foreach (var occupant in running.Pods)
                {
                    _session.NoteChange(occupant.Node);
                }
            }
        }
    }

    /// <summary>Makes the units of a workload anew, after some of its pods were told to leave.</summary>
    public void Renew(RunningWorkload running)
    {
        if (!_byWorkload.Remove(running, out var old))
        {
            return;
        }

        foreach (var unit in old.Units)
        {
            _byTenant[running.Tenant!.Index]!.Remove(unit);
            foreach (var node in unit.Nodes)
            {
                _byNode[node.Index]!.Remove(unit);
            }
        }

        Add(running, old.Position);
    }

    private void Add(RunningWorkload running, int position)
    {
        Occupant[] staying = [.. running.Pods.Where(pod => !pod.IsGoing)];
        if (staying.Length == 0)
        {
            return;
        }

        var rank = (long)position << RankBits;
        var units = new List<VictimUnit>();
        foreach (var pod in running.Surplus.Where(pod => !pod.IsGoing))
        {
            units.Add(new VictimUnit(running, [pod], isWhole: false, LostOf(running.Workload, [pod]), rank++));
        }

        units.Add(new VictimUnit(running, staying, isWhole: true, LostOf(running.Workload, staying), rank));
        _byWorkload.Add(running, (position, units));
        foreach (var unit in units)
        {
            (_byTenant[running.Tenant!.Index] ??= []).Add(unit);
            foreach (var node in unit.Nodes)
            {
                (_byNode[node.Index] ??= []).Add(unit);
            }
        }
    }

    private long LostOf(Workload workload, Occupant[] pods)
    {
        var lost = 0L;
        foreach (var occupant in pods)
        {
            lost += LostWork.MilliGpuSeconds(workload, occupant.Pod, _session.Snapshot.Now, _session.Policy.RestartCost);
        }

        return lost;
    }

    private int Compare(RunningWorkload a, RunningWorkload b)
    {
        var order = _session.Excess(b.Tenant!.Index).CompareTo(_session.Excess(a.Tenant!.Index));
        order = order != 0 ? order : (b.Workload.StartedAt ?? b.Workload.SubmittedAt).CompareTo(a.Workload.StartedAt ?? a.Workload.SubmittedAt);
        return order != 0 ? order : a.Workload.Id.CompareTo(b.Workload.Id);
    }
}
