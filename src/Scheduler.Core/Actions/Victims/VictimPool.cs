using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions.Victims;

/// <summary>
/// All units that a rule lets take, in the order in which equals are taken: the tenant furthest above its entitlement
/// first, then the newest, then by id.
/// </summary>
internal sealed class VictimPool
{
    private readonly Dictionary<int, List<VictimUnit>> _byNode = [];
    private readonly Dictionary<WorkloadId, List<VictimUnit>> _byWorkload = [];

    public VictimPool(Session session, VictimRule rule)
    {
        var candidates = new List<(RunningWorkload Running, List<(NodeState, Occupant)> Whole, List<(NodeState, Occupant)> Surplus)>();
        foreach (var running in session.Running.All)
        {
            var staying = running.Pods.Where(pod => !IsGoing(pod)).ToList();
            var mayStop = staying.Count > 0 && staying.TrueForAll(pod => rule.MayTake(running, pod.Occupant.Pod));
            var surplus = running.Surplus.Where(pod => !IsGoing(pod) && rule.MayTake(running, pod.Occupant.Pod)).ToList();
            if (mayStop || surplus.Count > 0)
            {
                candidates.Add((running, mayStop ? staying : [], surplus));
            }
        }

        candidates.Sort((a, b) => Compare(session, a.Running, b.Running));
        var units = new List<VictimUnit>();
        foreach (var (running, whole, surplus) in candidates)
        {
            foreach (var pod in surplus)
            {
                units.Add(new VictimUnit(running, [pod], IsWhole: false, CostOf(session, running.Workload, [pod], 0), units.Count));
            }

            if (whole.Count > 0)
            {
                units.Add(new VictimUnit(running, whole, IsWhole: true, CostOf(session, running.Workload, whole, 1), units.Count));
            }
        }

        bool IsGoing((NodeState Node, Occupant Occupant) pod) =>
            session.IsGoing(pod.Occupant.Pod);

        Units = units;
        foreach (var unit in units)
        {
            Index(unit);
        }
    }

    /// <summary>All units, by rank.</summary>
    public IReadOnlyList<VictimUnit> Units { get; }

    /// <summary>Units with a pod on a node, by rank.</summary>
    public IReadOnlyList<VictimUnit> On(int node) => _byNode.TryGetValue(node, out var units) ? units : [];

    /// <summary>Units of the same workload, the whole one last.</summary>
    public IReadOnlyList<VictimUnit> Of(WorkloadId workload) => _byWorkload[workload];

    private static VictimCost CostOf(Session session, Workload workload, List<(NodeState, Occupant Occupant)> pods, int disturbed)
    {
        var lost = 0L;
        foreach (var (_, occupant) in pods)
        {
            lost += LostWork.MilliGpuSeconds(workload, occupant.Pod, session.Snapshot.Now, session.Policy.RestartCost);
        }

        return new VictimCost(0, lost, disturbed);
    }

    private static int Compare(Session session, RunningWorkload a, RunningWorkload b)
    {
        var order = session.Excess(b.Tenant!.Index).CompareTo(session.Excess(a.Tenant!.Index));
        order = order != 0 ? order : (b.Workload.StartedAt ?? b.Workload.SubmittedAt).CompareTo(a.Workload.StartedAt ?? a.Workload.SubmittedAt);
        return order != 0 ? order : a.Workload.Id.CompareTo(b.Workload.Id);
    }

    private void Index(VictimUnit unit)
    {
        if (!_byWorkload.TryGetValue(unit.Running.Workload.Id, out var ofWorkload))
        {
            _byWorkload.Add(unit.Running.Workload.Id, ofWorkload = []);
        }

        ofWorkload.Add(unit);
        foreach (var node in unit.Pods.Select(pod => pod.Node.Index).Distinct())
        {
            if (!_byNode.TryGetValue(node, out var onNode))
            {
                _byNode.Add(node, onNode = []);
            }

            onNode.Add(unit);
        }
    }
}
