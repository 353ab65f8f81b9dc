using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions.Victims;

/// <summary>
/// Branch and bound over all sets of a few units. The most expensive is decided about first: it stays, if there is room
/// without it; it goes, if that can still beat what is known.
/// </summary>
internal sealed class ExactVictims
{
    private const int MaxUnits = 48;
    private const int MaxNodes = 64;
    private const int MaxSteps = 20_000;

    private readonly Session _session;
    private readonly VictimProblem _problem;
    private readonly Scenario _scenario;
    private readonly VictimUnit[] _units;
    private readonly List<VictimUnit> _gone = [];
    private VictimUnit[] _best = [];
    private VictimCost _bestCost;
    private VictimRoom _room = null!;
    private int _steps = MaxSteps;

    /// <param name="session">The cluster.</param>
    /// <param name="problem">What is to be achieved.</param>
    /// <param name="scenario">A set that achieves it; the best one, afterwards.</param>
    /// <param name="open">Who may be taken.</param>
    public ExactVictims(Session session, VictimProblem problem, Scenario scenario, List<VictimUnit> open)
    {
        (_session, _problem, _scenario) = (session, problem, scenario);
        _units = [.. open];
        Array.Sort(_units, NodeVictims.ByCost);
    }

    /// <summary>All units that may be taken, if they are few enough to try all sets; else null.</summary>
    public static List<VictimUnit>? TryOpen(Session session, VictimMarket market, VictimProblem problem, int ceiling)
    {
        if (session.Nodes.Length > MaxNodes)
        {
            return null;
        }

        var open = new List<VictimUnit>();
        for (var tenant = 0; tenant < session.Tenants.Length; tenant++)
        {
            foreach (var unit in market.Catalogue.OfTenant(tenant))
            {
                if (unit.Priority <= ceiling && problem.Rule.MayTake(unit))
                {
                    open.Add(unit);
                    if (open.Count > MaxUnits)
                    {
                        return null;
                    }
                }
            }
        }

        return open;
    }

    /// <summary>Puts the best set found into the scenario, which is the known one if nothing beats it.</summary>
    public void Improve()
    {
        _best = [.. _scenario.Units];
        _bestCost = VictimCost.Of(_best, _session);
        Replace(_units);
        _room = new VictimRoom(_problem, _scenario);
        Search(_units.Length - 1, VictimCost.Zero);
        Replace(_best);
    }

    private void Replace(VictimUnit[] units)
    {
        foreach (var unit in _scenario.Units.ToArray())
        {
            _scenario.Return(unit);
        }

        foreach (var unit in units)
        {
            _scenario.Take(unit);
        }
    }

    private void Search(int position, VictimCost gone)
    {
        if (--_steps < 0)
        {
            return;
        }

        if (position < 0)
        {
            var cost = VictimCost.Of(_gone, _session);
            if (cost.CompareTo(_bestCost) < 0 && _gone.TrueForAll(unit => _problem.Rule.IsAffordable(_gone, unit)) && _room.IsSolved)
            {
                (_best, _bestCost) = ([.. _gone], cost);
            }

            return;
        }

        var unit = _units[position];
        _room.Return(unit);
        if (_room.IsSolved)
        {
            Search(position - 1, gone);
        }

        _room.Take(unit);
        var with = new VictimCost(
            0, gone.LostMilliGpuSeconds + unit.LostMilliGpuSeconds, gone.Disturbed + unit.Disturbed, gone.Rank + unit.Rank);
        if (with.CompareTo(_bestCost) < 0)
        {
            _gone.Add(unit);
            Search(position - 1, with);
            _gone.Remove(unit);
        }
    }
}
