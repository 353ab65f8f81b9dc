using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions.Victims;

/// <summary>
/// Branch and bound over all sets of a few units: finds the best one. Units are tried by price, and a branch is left as
/// soon as it cannot beat what is known, or cannot succeed with all that is left.
/// </summary>
internal sealed class ExactVictims(Session session, VictimProblem problem, IReadOnlyList<VictimUnit> units)
{
    private const int MaxUnits = 14;
    private const int MaxNodes = 64;

    private readonly VictimUnit[] _units = [.. units.OrderByDescending(unit => unit.Cost).ThenByDescending(unit => unit.Rank)];
    private VictimUnit[] _best = [];
    private (int Priority, VictimCost Cost, int Units) _bestPrice;

    /// <summary>Whether trying all sets is cheap enough.</summary>
    public static bool IsSmallEnough(int units, int nodes) => units <= MaxUnits && nodes <= MaxNodes;

    /// <summary>The best set, which is <paramref name="known"/> itself if nothing beats it.</summary>
    public VictimSet Improve(VictimSet known)
    {
        _best = [.. known.Units];
        _bestPrice = PriceOf(known);
        Search(0, new VictimSet(session, _units));
        return new VictimSet(session, _best);
    }

    /// <summary>
    /// Decides about the unit at a position, given those that are still in: first without it, the most expensive first,
    /// then with it.
    /// </summary>
    private void Search(int position, VictimSet set)
    {
        if (!problem.IsSolvedBy(set) && !IsFairShareExcess(set, position))
        {
            return;
        }

        if (position == _units.Length)
        {
            Consider(set);
            return;
        }

        var without = new VictimSet(session, set.Units.Where(unit => unit != _units[position]));
        Search(position + 1, without);

        // What has been decided to stay in costs at least this much.
        var kept = new VictimSet(session, _units.Take(position + 1).Where(set.Contains));
        if (PriceOf(kept).CompareTo(_bestPrice) < 0)
        {
            Search(position + 1, set);
        }
    }

    private void Consider(VictimSet set)
    {
        var price = PriceOf(set);
        if (problem.IsSolvedBy(set) && price.CompareTo(_bestPrice) < 0)
        {
            _bestPrice = price;
            _best = [.. set.Units];
        }
    }

    /// <summary>Under fair share more is not always better: too much taken of one tenant may still be put right further down.</summary>
    private bool IsFairShareExcess(VictimSet set, int position) =>
        position < _units.Length && set.Units.Any(unit => !problem.IsAffordable(new VictimSet(session, set.Units.Where(other => other != unit)), unit));

    private static (int Priority, VictimCost Cost, int Units) PriceOf(VictimSet set) => (set.HighestPriority, set.Cost(), set.Units.Count);
}
