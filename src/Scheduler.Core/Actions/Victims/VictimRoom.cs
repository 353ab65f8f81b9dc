using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions.Victims;

/// <summary>
/// Tells whether a beneficiary fits while victims come and go. For a gang of equal pods by counting, on the nodes of the
/// victim only. For unequal pods by placing all of them again.
/// </summary>
internal sealed class VictimRoom
{
    private readonly VictimProblem _problem;
    private readonly Scenario _scenario;
    private int _room;

    public VictimRoom(VictimProblem problem, Scenario scenario)
    {
        (_problem, _scenario) = (problem, scenario);
        if (problem.Groups.Count > 1)
        {
            scenario.ForgetPlacements();
            return;
        }

        var (kind, pods) = problem.Groups[0];
        _room = problem.CountRoomElsewhere(scenario, kind, pods);
        foreach (var node in scenario.ChangedNodes)
        {
            _room += RoomOn(node);
        }
    }

    /// <summary>Whether all pods fit once the units of the scenario are gone.</summary>
    public bool IsSolved => _problem.IsWithinQuota(_scenario.Units)
        && (_problem.Groups.Count > 1 ? _problem.Place(_scenario) is not null : _room >= _problem.Groups[0].Pods);

    /// <summary>Lets a unit be gone.</summary>
    public void Take(VictimUnit unit)
    {
        Count(unit, sign: -1);
        _scenario.Take(unit);
        Count(unit, sign: 1);
    }

    /// <summary>Lets a unit stay.</summary>
    public void Return(VictimUnit unit)
    {
        Count(unit, sign: -1);
        _scenario.Return(unit);
        Count(unit, sign: 1);
    }

    /// <summary>Lets every victim stay that is not needed, the most expensive first.</summary>
    public void Spare()
    {
        var inOrder = _scenario.Units
            .OrderByDescending(unit => unit.Priority)
            .ThenByDescending(unit => unit, Comparer<VictimUnit>.Create(NodeVictims.ByCost))
            .ToArray();
        foreach (var unit in inOrder)
        {
            Return(unit);
            if (!IsSolved)
            {
                Take(unit);
            }
        }
    }

    private void Count(VictimUnit unit, int sign)
    {
        if (_problem.Groups.Count > 1)
        {
            return;
        }

        foreach (var node in unit.Nodes)
        {
            _room += sign * RoomOn(node);
        }
    }

    private int RoomOn(NodeState node)
    {
        var (kind, pods) = _problem.Groups[0];
        return _problem.IsAllowed(node, kind) ? Math.Min(pods, PodRoom.Count(_scenario.PlaneOf(node), kind.Request)) : 0;
    }
}
