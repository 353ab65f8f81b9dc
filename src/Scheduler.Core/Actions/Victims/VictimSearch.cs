using Scheduler.Core.Feasibility;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions.Victims;

/// <summary>Whom to preempt for a workload, and where it goes once they are gone.</summary>
internal sealed record VictimPlan(IReadOnlyList<VictimUnit> Victims, IReadOnlyList<(Pod Pod, NodeState Node)> Placements);

/// <summary>
/// Finds a minimal set of victims for a workload: with any one of them spared, it would not fit. Among the minimal sets it
/// looks for the cheapest: by the highest priority touched, then by <see cref="VictimCost"/>, then by rank.
/// </summary>
/// <remarks>
/// 1. The lowest priority is found up to which everything must be open to be taken (binary search: more victims never
///    fit less). 2. Pods are given the node where room for one more is cheapest, with the best victims of that node by
///    dynamic programming (<see cref="NodeVictims"/>). 3. Victims that turn out superfluous are spared, the most
///    expensive first. 4. Where there are few units, branch and bound finds the best set (<see cref="ExactVictims"/>).
/// </remarks>
internal sealed class VictimSearch
{
    private readonly Session _session;
    private readonly VictimProblem _problem;
    private readonly VictimPool _pool;

    public VictimSearch(Session session, Applicant applicant, VictimRule rule, bool[] allowedFlavors)
    {
        _session = session;
        _pool = new VictimPool(session, rule);
        _problem = new VictimProblem(session, applicant, rule, allowedFlavors);
    }

    /// <summary>The best set found, or null if nothing that may be taken is enough.</summary>
    public VictimPlan? Find()
    {
        if (_pool.Units.Count == 0 || LowestPriority() is not { } priority)
        {
            return null;
        }

        var units = _pool.Units.Where(unit => unit.Priority <= priority).ToArray();
        var chosen = Greedy(priority) ?? new VictimSet(_session, units);
        Spare(chosen);
        if (ExactVictims.IsSmallEnough(units.Length, _session.Nodes.Length))
        {
            chosen = new ExactVictims(_session, _problem, units).Improve(chosen);
        }

        return new VictimPlan(chosen.Units, _problem.Place(chosen));
    }

    /// <summary>The lowest priority such that all units up to it are enough, or null if all are not.</summary>
    private int? LowestPriority()
    {
        var priorities = _pool.Units.Select(unit => unit.Priority).Distinct().Order().ToArray();
        if (!IsEnough(priorities[^1]))
        {
            return null;
        }

        var low = 0;
        var high = priorities.Length - 1;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (IsEnough(priorities[middle]))
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return priorities[low];
    }

    private bool IsEnough(int priority) =>
        _problem.IsSolvedBy(new VictimSet(_session, _problem.Affordable(_pool.Units.Where(unit => unit.Priority <= priority))));

    /// <summary>One pod after the other to the node where it is cheapest; null if that leads nowhere.</summary>
    private VictimSet? Greedy(int priority)
    {
        var chosen = new VictimSet(_session, []);
        foreach (var group in _problem.Groups)
        {
            var options = new NodeOptions(_session, _pool, _problem, group.Request, chosen, priority);
            for (var pod = 0; pod < group.Pods.Count; pod++)
            {
                if (!options.TakeCheapest())
                {
                    return null;
                }
            }
        }

        foreach (var unit in _pool.Units)
        {
            if (_problem.IsSolvedBy(chosen))
            {
                return chosen;
            }

            // Room is there, but the tenant is over its limit until more of its own work is gone.
            if (unit.Priority <= priority && !chosen.Contains(unit) && _problem.IsAffordable(chosen, unit))
            {
                chosen.Add(unit);
            }
        }

        return _problem.IsSolvedBy(chosen) ? chosen : null;
    }

    /// <summary>Lets every victim go that is not needed, the most expensive first.</summary>
    private void Spare(VictimSet chosen)
    {
        foreach (var unit in chosen.Units.OrderByDescending(unit => unit.Priority).ThenByDescending(unit => unit.Cost).ThenByDescending(unit => unit.Rank).ToArray())
        {
            chosen.Remove(unit);
            if (!_problem.IsSolvedBy(chosen))
            {
                chosen.Add(unit);
            }
        }
    }
}

/// <summary>
/// For one request: the cheapest way to make room for one more pod on each node, kept in a heap while victims are added.
/// </summary>
internal sealed class NodeOptions
{
    private readonly Session _session;
    private readonly VictimPool _pool;
    private readonly VictimProblem _problem;
    private readonly PlacementRequest _request;
    private readonly VictimSet _chosen;
    private readonly int _priority;
    private readonly PriorityQueue<int, (VictimCost Cost, int Node)> _queue = new(Comparer<(VictimCost Cost, int Node)>.Create(
        (a, b) => a.Cost.CompareTo(b.Cost) is not 0 and var order ? order : a.Node.CompareTo(b.Node)));
    private readonly Dictionary<int, NodeVictims.Option> _options = [];

    public NodeOptions(
        Session session, VictimPool pool, VictimProblem problem, PlacementRequest request, VictimSet chosen, int priority)
    {
        (_session, _pool, _problem, _request, _chosen, _priority) = (session, pool, problem, request, chosen, priority);
        foreach (var node in session.Nodes)
        {
            Evaluate(node);
        }
    }

    /// <summary>Makes room for one more pod where that is cheapest, and takes it. False if no node can have it.</summary>
    public bool TakeCheapest()
    {
        while (_queue.TryDequeue(out var index, out var priority))
        {
            // Entries that were overtaken by a later evaluation are dropped as they come up.
            if (!_options.TryGetValue(index, out var option) || option.Cost.CompareTo(priority.Cost) != 0)
            {
                continue;
            }

            if (!option.Units.All(unit => _chosen.Contains(unit) || _problem.IsAffordable(_chosen, unit)))
            {
                _options.Remove(index);
                continue;
            }

            foreach (var unit in option.Units.Where(unit => !_chosen.Contains(unit)))
            {
                _chosen.Add(unit);
            }

            _chosen.Place(index, _request);
            foreach (var touched in option.Units.SelectMany(unit => unit.Pods).Select(pod => pod.Node.Index).Append(index).Distinct().ToArray())
            {
                Evaluate(_session.Nodes[touched]);
            }

            return true;
        }

        return false;
    }

    private void Evaluate(NodeState node)
    {
        _options.Remove(node.Index);
        if (!_problem.IsAllowed(node, _request))
        {
            return;
        }

        var plane = _chosen.PlaneOf(node);
        var option = NodeFilters.PassesDynamic(plane, _request)
            ? NodeVictims.Option.Free
            : NodeVictims.Find(plane, _request, Open(node));
        if (option is not null)
        {
            _options[node.Index] = option;
            _queue.Enqueue(node.Index, (option.Cost, node.Index));
        }
    }

    private List<VictimUnit> Open(NodeState node)
    {
        var open = new List<VictimUnit>();
        foreach (var unit in _pool.On(node.Index))
        {
            if (unit.Priority <= _priority && !_chosen.Contains(unit))
            {
                open.Add(unit);
            }
        }

        return open;
    }
}
