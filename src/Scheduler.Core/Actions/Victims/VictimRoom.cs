using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions.Victims;

/// <summary>
/// Tells whether a beneficiary still fits when victims are spared. For a gang of equal pods by counting: only nodes of the
/// victims change. For unequal pods by placing all of them again.
/// </summary>
internal sealed class VictimRoom
{
    private readonly VictimProblem _problem;
    private readonly Scenario _scenario;
    private readonly int _elsewhere;

    public VictimRoom(VictimProblem problem, Scenario scenario)
    {
        (_problem, _scenario) = (problem, scenario);
        if (problem.Groups.Count > 1)
        {
            scenario.ForgetPlacements();
            return;
        }

        var (kind, pods) = problem.Groups[0];
        _elsewhere = problem.CountRoomElsewhere(scenario, kind, pods);
    }

    /// <summary>Whether all pods fit once the units of the scenario are gone.</summary>
    public bool IsSolved
    {
        get
        {
            if (!_problem.IsWithinQuota(_scenario.Units))
            {
                return false;
            }

            return _problem.Groups.Count > 1 ? _problem.Place(_scenario) is not null : HasRoom;
        }
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
            _scenario.Return(unit);
            if (!IsSolved)
            {
                _scenario.Take(unit);
            }
        }
    }

    private bool HasRoom
    {
        get
        {
            var (kind, pods) = _problem.Groups[0];
            var room = _elsewhere;
            foreach (var node in _scenario.ChangedNodes)
            {
                if (room >= pods)
                {
                    return true;
                }

                room += _problem.IsAllowed(node, kind) ? PodRoom.Count(_scenario.PlaneOf(node), kind.Request) : 0;
            }

            return room >= pods;
        }
    }
}
