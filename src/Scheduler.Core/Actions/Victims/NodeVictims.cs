using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions.Victims;

/// <summary>Victims on one node that make room for one more pod there.</summary>
/// <param name="Units">Who goes.</param>
/// <param name="Cost">The price.</param>
internal sealed record NodeOption(VictimUnit[] Units, VictimCost Cost);

/// <summary>
/// Finds the cheapest victims on one node: cheapest first, with the superfluous spared. Where that is not the optimum at
/// sight, branch and bound looks for a better set, within a number of steps.
/// </summary>
internal sealed class NodeVictims(Session session)
{
    private readonly List<VictimUnit> _chosen = [];
    private NodeState _node = null!;
    private NodePlane _plane = null!;
    private PlacementRequest _request = null!;
    private VictimUnit[] _units = [];
    private VictimUnit[] _best = [];
    private VictimCost _bestCost;
    private int _target;
    private int _steps;

    /// <summary>The best option found, or null if all units together do not make room.</summary>
    /// <param name="node">The node.</param>
    /// <param name="view">What will be free on it.</param>
    /// <param name="request">What room is needed for.</param>
    /// <param name="open">Who may be taken.</param>
    /// <param name="maxSteps">How long to look for a better set.</param>
    public NodeOption? Find(NodeState node, NodePlane view, PlacementRequest request, List<VictimUnit> open, int maxSteps)
    {
        if (open.Count == 0)
        {
            return null;
        }

        (_node, _request, _steps) = (node, request, maxSteps);
        _plane = view.Clone();
        _target = PodRoom.Count(view, request) + 1;
        _units = [.. open];
        Array.Sort(_units, ByCost);
        TakeAll();
        var isPossible = HasRoom;
        ReturnAll();
        if (!isPossible)
        {
            return null;
        }

        TakeInOrder(_units);
        Remember();
        if (!IsOptimalAtSight(view))
        {
            TakeInOrder([.. _units.OrderBy(unit => unit, Comparer<VictimUnit>.Create(ByCostPerDevice))]);
            Remember();
            BranchAndBound();
        }

        var option = new NodeOption(_best, _bestCost);
        _best = [];
        return option;
    }

    private bool HasRoom => PodRoom.Count(_plane, _request) >= _target;

    /// <summary>The order in which units are taken when nothing else decides.</summary>
    public static int ByCost(VictimUnit a, VictimUnit b)
    {
        var order = a.LostMilliGpuSeconds.CompareTo(b.LostMilliGpuSeconds);
        order = order != 0 ? order : a.Disturbed.CompareTo(b.Disturbed);
        return order != 0 ? order : a.Rank.CompareTo(b.Rank);
    }

    /// <summary>Devices of a node that a unit has pods on: the most that its leaving can idle there.</summary>
    public static int DevicesOn(NodeState node, VictimUnit unit)
    {
        var devices = 0;
        foreach (var occupant in unit.Pods)
        {
            devices += occupant.Node == node ? occupant.Devices.Length : 0;
        }

        return devices;
    }

    private int ByCostPerDevice(VictimUnit a, VictimUnit b)
    {
        var (devicesA, devicesB) = (Math.Max(1, DevicesOn(_node, a)), Math.Max(1, DevicesOn(_node, b)));
        var order = ((Int128)a.LostMilliGpuSeconds * devicesB).CompareTo((Int128)b.LostMilliGpuSeconds * devicesA);
        return order != 0 ? order : ByCost(a, b);
    }

    private void TakeInOrder(VictimUnit[] order)
    {
        _chosen.Clear();
        foreach (var unit in order)
        {
            if (HasRoom)
            {
                break;
            }

            if (!Scenario.IsGone(unit))
            {
                Take(unit);
                _chosen.Add(unit);
            }
        }

        // The last ones taken may have made earlier ones superfluous: the most expensive first.
        for (var index = _units.Length - 1; index >= 0; index--)
        {
            if (_chosen.Contains(_units[index]))
            {
                Return(_units[index]);
                if (HasRoom)
                {
                    _chosen.Remove(_units[index]);
                }
                else
                {
                    Take(_units[index]);
                }
            }
        }
    }

    /// <summary>Keeps what was chosen if it is better than what is known, and lets everybody stay again.</summary>
    private void Remember()
    {
        var cost = VictimCost.Of(_chosen, session);
        if (_best.Length == 0 || cost.CompareTo(_bestCost) < 0)
        {
            (_best, _bestCost) = ([.. _chosen], cost);
        }

        foreach (var unit in _chosen)
        {
            Return(unit);
        }

        _chosen.Clear();
    }

    /// <summary>The cheapest units, and no fewer could do: nothing beats that.</summary>
    private bool IsOptimalAtSight(NodePlane view)
    {
        var fewest = 1;
        if (_request.Shape.Gpu.Kind == GpuRequestKind.Whole)
        {
            var most = _units.Max(unit => DevicesOn(_node, unit));
            var missing = (_target * _request.Shape.Gpu.Count) - view.IdleDevices;
            fewest = most > 0 ? Math.Max(1, (missing + most - 1) / most) : 1;
        }

        if (_best.Length != fewest || Array.Exists(_units, unit => unit.Running.Workload.DisruptionBudget is not null))
        {
            return false;
        }

        for (var index = 0; index < fewest; index++)
        {
            if (!_best.Contains(_units[index]))
            {
                return false;
            }
        }

        return true;
    }

    private void BranchAndBound()
    {
        TakeAll();
        Search(_units.Length - 1, new VictimCost(0, 0, 0, 0));
        ReturnAll();
    }

    /// <summary>
    /// Decides about one unit after the other, the most expensive first: stays, if there is room without it; goes, if that
    /// can still beat what is known.
    /// </summary>
    private void Search(int position, VictimCost gone)
    {
        if (--_steps < 0)
        {
            return;
        }

        if (position < 0)
        {
            var cost = VictimCost.Of(_chosen, session);
            if (cost.CompareTo(_bestCost) < 0)
            {
                (_best, _bestCost) = ([.. _chosen], cost);
            }

            return;
        }

        var unit = _units[position];
        Return(unit);
        if (HasRoom)
        {
            Search(position - 1, gone);
        }

        Take(unit);
        var with = new VictimCost(
            0, gone.LostMilliGpuSeconds + unit.LostMilliGpuSeconds, gone.Disturbed + unit.Disturbed, gone.Rank + unit.Rank);
        if (with.CompareTo(_bestCost) < 0)
        {
            _chosen.Add(unit);
            Search(position - 1, with);
            _chosen.Remove(unit);
        }
    }

    private void TakeAll()
    {
        foreach (var unit in _units)
        {
            Take(unit);
        }
    }

    private void ReturnAll()
    {
        foreach (var unit in _units)
        {
            Return(unit);
        }
    }

    private void Take(VictimUnit unit)
    {
        foreach (var occupant in unit.Pods)
        {
            if (occupant.Node == _node)
            {
                Scenario.Take(_plane, occupant);
            }
        }
    }

    private void Return(VictimUnit unit)
    {
        foreach (var occupant in unit.Pods)
        {
            if (occupant.Node == _node)
            {
                Scenario.Return(_plane, occupant);
            }
        }
    }
}
