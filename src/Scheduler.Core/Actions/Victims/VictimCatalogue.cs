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

    /// <summary>What this cycle has bound comes before all that runs, the latest first.</summary>
    private const long JustBoundRanks = 1L << 24;

    private static readonly IReadOnlyList<VictimUnit> None = [];

    private readonly Session _session;
    private readonly List<VictimUnit>?[] _byNode;
    private readonly HashSet<VictimUnit>?[] _byTenant;
    private readonly Dictionary<RunningWorkload, (int Position, List<VictimUnit> Units)> _byWorkload = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Applicant, VictimUnit> _justBound = new(ReferenceEqualityComparer.Instance);
    private readonly SortedSet<int> _priorities = [];
    private int _standingsSeen;
    private int _boundSeen;

    public VictimCatalogue(Session session)
    {
        _session = session;
        _byNode = new List<VictimUnit>?[session.Nodes.Length];
        _byTenant = new HashSet<VictimUnit>?[session.Tenants.Length];
        var candidates = session.Tenants.SelectMany(tenant => tenant.Running)
            .Where(running => running.Workload.IsManaged && running.Workload.IsPreemptible)
            .ToList();
        candidates.Sort(Compare);
        for (var position = 0; position < candidates.Count; position++)
        {
            Add(candidates[position], position);
        }

        _priorities.UnionWith(candidates.Select(running => running.Workload.Priority));
    }

    /// <summary>The priorities of all units, ascending.</summary>
    public IReadOnlyCollection<int> Priorities => _priorities;

    /// <summary>Units with a pod on a node.</summary>
    public IReadOnlyList<VictimUnit> On(int node) => _byNode[node] ?? None;

    /// <summary>Units of a tenant, in no meaningful order.</summary>
    public IReadOnlyCollection<VictimUnit> OfTenant(int tenant) => (IReadOnlyCollection<VictimUnit>?)_byTenant[tenant] ?? None;

    /// <summary>Takes in what the cycle has done since the last call.</summary>
    public void CatchUp()
    {
        for (; _boundSeen < _session.Roster.Bound.Count; _boundSeen++)
        {
            var applicant = _session.Roster.Bound[_boundSeen];
            Forget(applicant);
            if (applicant.Bound.Count > 0 && applicant.Workload.IsPreemptible)
            {
                AddJustBound(applicant, _boundSeen);
            }
        }

        // Where units changed sides of a guarantee, other prices hold.
        for (; _standingsSeen < _session.MovedStandings.Count; _standingsSeen++)
        {
            var workload = _session.MovedStandings[_standingsSeen].Workload.Id;
            foreach (var occupant in _session.Roster.FindRunning(workload)?.Pods ?? [])
            {
                _session.NoteChange(occupant.Node);
            }

            foreach (var placement in _session.Roster.FindApplicant(workload)?.Bound ?? [])
            {
                _session.NoteChange(placement.Node);
            }
        }
    }

    /// <summary>Drops the unit of a workload that was bound in this cycle and waits again.</summary>
    public void Forget(Applicant applicant)
    {
        if (_justBound.Remove(applicant, out var unit))
        {
            Remove(unit);
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
            Remove(unit);
        }

        Add(running, old.Position);
    }

    private void AddJustBound(Applicant applicant, int order)
    {
        var running = RunningWorkload.OfBound(applicant);
        var unit = new VictimUnit(running, [.. running.Pods], applicant.Running is null, 0, JustBoundRanks - 1 - order) { JustBound = applicant };
        _justBound.Add(applicant, unit);
        _priorities.Add(unit.Priority);
        Add(unit);
    }

    private void Add(VictimUnit unit)
    {
        (_byTenant[unit.Running.Tenant!.Index] ??= new HashSet<VictimUnit>(ReferenceEqualityComparer.Instance)).Add(unit);
        foreach (var node in unit.Nodes)
        {
            (_byNode[node.Index] ??= []).Add(unit);
        }
    }

    private void Remove(VictimUnit unit)
    {
        _byTenant[unit.Running.Tenant!.Index]!.Remove(unit);
        foreach (var node in unit.Nodes)
        {
            _byNode[node.Index]!.Remove(unit);
        }
    }

    private void Add(RunningWorkload running, int position)
    {
        Occupant[] staying = [.. running.Pods.Where(pod => !pod.IsGoing)];
        if (staying.Length == 0)
        {
            return;
        }

        var rank = JustBoundRanks + ((long)position << RankBits);
        var units = new List<VictimUnit>();
        foreach (var pod in running.Surplus.Where(pod => !pod.IsGoing))
        {
            units.Add(new VictimUnit(running, [pod], isWhole: false, LostOf(running.Workload, [pod]), rank++));
        }

        units.Add(new VictimUnit(running, staying, isWhole: true, LostOf(running.Workload, staying), rank));
        _byWorkload.Add(running, (position, units));
        foreach (var unit in units)
        {
            Add(unit);
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
