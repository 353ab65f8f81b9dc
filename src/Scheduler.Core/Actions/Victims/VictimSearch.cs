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
/// 1. Victims up to the lowest priority first, then up to the next, until there is room. 2. Each pod is given the node
/// where room for one more is cheapest, with the best victims of that node by dynamic programming
/// (<see cref="NodeVictims"/>). 3. Victims that turn out superfluous are spared, the most expensive first. 4. Where there
/// are few units, branch and bound finds the best set (<see cref="ExactVictims"/>).
/// </remarks>
internal sealed class VictimSearch(
    Session session, VictimOptionsCache cache, Applicant applicant, VictimRule rule, VictimProblem problem)
{
    /// <summary>The best set found, or null if nothing that may be taken is enough.</summary>
    public VictimPlan? Find()
    {
        foreach (var priority in cache.Catalogue.Priorities)
        {
            if (rule.Scope == VictimScope.Priority && priority >= applicant.Workload.Priority)
            {
                break;
            }

            if (Greedy(priority) is { } chosen)
            {
                Spare(chosen);
                return Finish(chosen, priority);
            }
        }

        return null;
    }

    private VictimPlan Finish(VictimSet chosen, int priority)
    {
        if (ExactVictims.IsSmallEnough(cache.Catalogue.Units.Count, session.Nodes.Length))
        {
            var units = cache.Catalogue.Units.Where(unit => unit.Priority <= priority && rule.MayTake(unit)).ToArray();
            if (ExactVictims.IsSmallEnough(units.Length, session.Nodes.Length))
            {
                chosen = new ExactVictims(session, problem, units).Improve(chosen);
            }
        }

        return new VictimPlan(chosen.Units, problem.Place(chosen));
    }

    /// <summary>One pod after the other to the node where it is cheapest; null if that leads nowhere.</summary>
    private VictimSet? Greedy(int priority)
    {
        var chosen = new VictimSet(session, []);
        foreach (var (request, pods) in problem.Groups)
        {
            var step = new GreedyStep(session, cache, rule, problem, request, chosen, priority);
            for (var pod = 0; pod < pods.Count; pod++)
            {
                if (!step.TakeCheapest())
                {
                    return null;
                }
            }
        }

        return MeetQuota(chosen, priority) ? chosen : null;
    }

    /// <summary>Room is there, but the tenant may be over its limit until more of its own work is gone.</summary>
    private bool MeetQuota(VictimSet chosen, int priority)
    {
        if (problem.IsWithinQuota(chosen))
        {
            return true;
        }

        foreach (var unit in cache.Catalogue.Units)
        {
            if (unit.Priority <= priority && rule.IsSpecial(unit) && rule.MayTake(unit) && !chosen.Contains(unit))
            {
                chosen.Add(unit);
                if (problem.IsWithinQuota(chosen))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Lets every victim go that is not needed, the most expensive first.</summary>
    private void Spare(VictimSet chosen)
    {
        var inOrder = chosen.Units
            .OrderByDescending(unit => unit.Priority).ThenByDescending(unit => unit.Cost).ThenByDescending(unit => unit.Rank)
            .ToArray();
        var room = problem.RoomFor(chosen);
        foreach (var unit in inOrder)
        {
            room.TrySpare(unit);
        }
    }
}
