using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions.Victims;

/// <summary>
/// Units chosen so far, and pods of the beneficiary that were given a node. Nodes are looked at as if the victims were
/// gone; the session itself is not changed.
/// </summary>
internal sealed class VictimSet
{
    private readonly Session _session;
    private readonly SortedDictionary<int, VictimUnit> _units = [];
    private readonly HashSet<PodId> _pods = [];
    private readonly Dictionary<int, List<VictimUnit>> _byNode = [];
    private readonly Dictionary<int, List<PlacementRequest>> _placed = [];
    private readonly Dictionary<int, NodePlane> _planes = [];

    public VictimSet(Session session, IEnumerable<VictimUnit> units)
    {
        _session = session;
        foreach (var unit in units)
        {
            Add(unit);
        }
    }

    /// <summary>The units, by rank. A surplus pod beside its whole workload is left out.</summary>
    public IReadOnlyList<VictimUnit> Units => [.. _units.Values];

    /// <summary>Nodes with a pod of a chosen unit.</summary>
    public IEnumerable<int> Nodes => _byNode.Keys;

    /// <summary>Nodes with a pod of a chosen unit, or of the beneficiary.</summary>
    public IEnumerable<int> TouchedNodes => _byNode.Keys.Union(_placed.Keys).Order();

    public bool Contains(VictimUnit unit) => _units.ContainsKey(unit.Rank) || (!unit.IsWhole && _pods.Contains(unit.Pods[0].Occupant.Pod.Id));

    public void Add(VictimUnit unit)
    {
        if (Contains(unit))
        {
            return;
        }

        if (unit.IsWhole)
        {
            // The whole includes what was taken of it one by one.
            foreach (var part in _units.Values.Where(other => other.Running == unit.Running).ToArray())
            {
                Remove(part);
            }
        }

        _units.Add(unit.Rank, unit);
        foreach (var (node, occupant) in unit.Pods)
        {
            _pods.Add(occupant.Pod.Id);
            if (!_byNode.TryGetValue(node.Index, out var onNode))
            {
                _byNode.Add(node.Index, onNode = []);
            }

            if (!onNode.Contains(unit))
            {
                onNode.Add(unit);
            }

            _planes.Remove(node.Index);
        }
    }

    public void Remove(VictimUnit unit)
    {
        _units.Remove(unit.Rank);
        foreach (var (node, occupant) in unit.Pods)
        {
            _pods.Remove(occupant.Pod.Id);
            if (_byNode.TryGetValue(node.Index, out var onNode) && onNode.Remove(unit) && onNode.Count == 0)
            {
                _byNode.Remove(node.Index);
            }

            _planes.Remove(node.Index);
        }
    }

    /// <summary>Gives a pod of the beneficiary room on a node.</summary>
    public void Place(int node, PlacementRequest request)
    {
        if (!_placed.TryGetValue(node, out var placed))
        {
            _placed.Add(node, placed = []);
        }

        placed.Add(request);
        _planes.Remove(node);
    }

    /// <summary>Forgets which pods of the beneficiary were given a node.</summary>
    public void ClearPlaced()
    {
        foreach (var node in _placed.Keys)
        {
            _planes.Remove(node);
        }

        _placed.Clear();
    }

    /// <summary>What will be free on a node once the victims are gone and the placed pods are there.</summary>
    public NodePlane PlaneOf(NodeState node)
    {
        if (_planes.TryGetValue(node.Index, out var known))
        {
            return known;
        }

        var hasVictims = _byNode.TryGetValue(node.Index, out var units);
        var hasPlaced = _placed.TryGetValue(node.Index, out var placed);
        if (!hasVictims && !hasPlaced)
        {
            return node.Later;
        }

        var plane = node.Later.Clone();
        foreach (var unit in units ?? [])
        {
            foreach (var (at, occupant) in unit.Pods)
            {
                if (at == node)
                {
                    plane.Occupy(occupant.Pod.Shape, occupant.Devices, Session.OwnerFor(unit.Running.Tenant), sign: -1);
                }
            }
        }

        foreach (var request in placed ?? [])
        {
            var devices = DeviceAllocator.Choose(plane, request);
            if (!devices.IsDefault)
            {
                plane.Occupy(request.Shape, devices, request.DeviceOwner, sign: 1);
            }
        }

        _planes[node.Index] = plane;
        return plane;
    }

    /// <summary>The whole price, budgets included.</summary>
    public VictimCost Cost()
    {
        var cost = VictimCost.Zero;
        var disrupted = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var unit in _units.Values)
        {
            cost += unit.Cost;
            if (unit.Running.Workload.DisruptionBudget is { } budget)
            {
                disrupted[budget] = disrupted.GetValueOrDefault(budget) + unit.Pods.Count;
            }
        }

        var violations = 0;
        foreach (var (budget, pods) in disrupted)
        {
            violations += Math.Max(0, pods - _session.Snapshot.DisruptionsAllowed.GetValueOrDefault(budget));
        }

        return cost with { BudgetViolations = violations };
    }

    /// <summary>Highest priority among the units; the lowest possible if there are none.</summary>
    public int HighestPriority => _units.Count == 0 ? int.MinValue : _units.Values.Max(unit => unit.Priority);

    /// <summary>Milli-GPU that the units of a tenant hold.</summary>
    public long Freed(int tenant)
    {
        var milli = 0L;
        foreach (var unit in _units.Values)
        {
            if (unit.Running.Tenant!.Index == tenant)
            {
                milli += MilliOf(unit);
            }
        }

        return milli;
    }

    /// <summary>Milli-GPU that a unit holds.</summary>
    public static long MilliOf(VictimUnit unit)
    {
        var milli = 0L;
        foreach (var (_, occupant) in unit.Pods)
        {
            milli += occupant.Pod.Shape.Gpu.MilliGpu;
        }

        return milli;
    }
}
