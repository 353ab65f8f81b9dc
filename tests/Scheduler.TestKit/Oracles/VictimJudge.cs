using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.TestKit.Clusters;

namespace Scheduler.TestKit.Oracles;

/// <summary>What is wrong with the planner's victims. Closed; the worst comes last.</summary>
public enum VictimFault
{
    /// <summary>They are the best.</summary>
    None,

    /// <summary>Right up to the work lost, but more workloads stop.</summary>
    MoreDisturbed,

    /// <summary>More work is lost.</summary>
    MoreLost,

    /// <summary>More disruption budgets are violated.</summary>
    MoreBudgets,

    /// <summary>A higher priority class is touched.</summary>
    HigherPriority,

    /// <summary>The plan states another price than its victims have.</summary>
    WrongPrice,

    /// <summary>W6: without one of the victims there is room, too.</summary>
    NotMinimal,

    /// <summary>The victims are not enough.</summary>
    NotEnough,

    /// <summary>W4, W5: somebody goes who may not be taken.</summary>
    NotAllowed,

    /// <summary>There is a set of victims, and the planner takes none.</summary>
    Missed,

    /// <summary>The planner throws.</summary>
    Broken,
}

/// <summary>The planner's victims beside the best ones.</summary>
/// <param name="Fault">What is wrong, the worst of it.</param>
/// <param name="Planned">The price of the planner's.</param>
/// <param name="Best">The price of the best.</param>
/// <param name="Victims">The planner's.</param>
/// <param name="BestVictims">The best.</param>
public sealed record VictimVerdict(
    VictimFault Fault, VictimPrice Planned, VictimPrice Best, IReadOnlySet<PodId> Victims, IReadOnlySet<PodId> BestVictims)
{
    /// <summary>Work lost, planned over best; 1 where another fault makes the two hard to compare, or the planner loses less.</summary>
    public double LostRatio => Fault
        is VictimFault.MoreLost or VictimFault.MoreBudgets or VictimFault.HigherPriority or VictimFault.NotMinimal
        && Best.LostMilliGpuSeconds > 0
            ? Math.Max(1, (double)Planned.LostMilliGpuSeconds / Best.LostMilliGpuSeconds)
            : 1;

    /// <summary>Whether it is not merely less than the best, but against a rule.</summary>
    public bool IsWrong => Fault >= VictimFault.MoreBudgets;

    public override string ToString() =>
        $"{Fault}: planned {Planned} ({string.Join(", ", Victims.Order())}), best {Best} ({string.Join(", ", BestVictims.Order())})";
}

/// <summary>Holds a plan's evictions against the optimum.</summary>
public static class VictimJudge
{
    /// <summary>The verdict, or null if the case asks nothing: there is room without victims, or there are not enough.</summary>
    public static VictimVerdict? Judge(VictimCase value)
    {
        var waiting = value.Waiting;
        if (PackingOracle.Fits(value.Snapshot, waiting, new HashSet<PodId>())
            || VictimOracle.Solve(value.Snapshot, value.Policy, waiting) is not { } best)
        {
            return null;
        }

        Plan plan;
        try
        {
            plan = Planner.Compute(value.Snapshot, value.Policy);
        }
        catch (InvalidOperationException)
        {
            // One broken case must not hide what the others show.
            return new VictimVerdict(VictimFault.Broken, default, best.Price, new HashSet<PodId>(), best.Victims);
        }

        var evictions = plan.Decisions.OfType<Evict>().Where(evict => evict.Beneficiary == value.Beneficiary).ToArray();
        var victims = evictions.SelectMany(evict => evict.Pods).ToHashSet();
        var planned = VictimPrice.Of(value.Snapshot, value.Policy, victims);
        var fault = FaultOf(value, waiting, evictions, victims, planned, best);
        return new VictimVerdict(fault, planned, best.Price, victims, best.Victims);
    }

    /// <summary>Whether every victim is needed: each surplus pod, and the core of each workload that stops.</summary>
    public static bool IsMinimal(ClusterSnapshot snapshot, Workload beneficiary, IReadOnlySet<PodId> victims) =>
        UnitsOf(snapshot, victims).All(unit => !PackingOracle.Fits(
            snapshot, beneficiary, victims.Except(unit.Select(pod => pod.Id)).ToHashSet()));

    /// <summary>How many workloads some pods belong to.</summary>
    public static int WorkloadsOf(ClusterSnapshot snapshot, IReadOnlySet<PodId> pods) =>
        snapshot.Workloads.Count(workload => workload.Pods.Any(pod => pods.Contains(pod.Id)));

    /// <summary>What can be spared by itself. Of an elastic gang that stops, its core: the surplus could still go alone.</summary>
    public static IEnumerable<IReadOnlyList<Pod>> UnitsOf(ClusterSnapshot snapshot, IReadOnlySet<PodId> victims)
    {
        foreach (var workload in snapshot.Workloads)
        {
            var placed = StandingOracle.PlacedPods(workload);
            Pod[] going = [.. placed.Where(pod => victims.Contains(pod.Id))];
            if (placed.Count - going.Length < workload.MinMember && going.Length > 0)
            {
                yield return [.. StandingOracle.CoreOf(workload).Where(pod => victims.Contains(pod.Id))];
            }
            else
            {
                foreach (var pod in going)
                {
                    yield return [pod];
                }
            }
        }
    }

    private static VictimFault FaultOf(
        VictimCase value, Workload waiting, Evict[] evictions, HashSet<PodId> victims, VictimPrice planned, VictimOptimum best)
    {
        if (victims.Count == 0)
        {
            return VictimFault.Missed;
        }

        if (!victims.IsSubsetOf(VictimOracle.MayGo(value.Snapshot, waiting)))
        {
            return VictimFault.NotAllowed;
        }

        if (!PackingOracle.Fits(value.Snapshot, waiting, victims))
        {
            return VictimFault.NotEnough;
        }

        if (!IsMinimal(value.Snapshot, waiting, victims))
        {
            return VictimFault.NotMinimal;
        }

        return planned switch
        {
            _ when evictions.Sum(evict => evict.LostMilliGpuSeconds) != planned.LostMilliGpuSeconds => VictimFault.WrongPrice,
            _ when planned.HighestPriority > best.Price.HighestPriority => VictimFault.HigherPriority,
            _ when planned.BudgetViolations > best.Price.BudgetViolations => VictimFault.MoreBudgets,
            _ when planned.LostMilliGpuSeconds > best.Price.LostMilliGpuSeconds => VictimFault.MoreLost,
            _ when planned.Disturbed > best.Price.Disturbed => VictimFault.MoreDisturbed,
            _ when planned.CompareTo(best.Price) < 0 => throw new InvalidOperationException(
                $"{value.Name}: the planner beats the oracle, so the oracle is wrong: {planned} against {best.Price}"),
            _ => VictimFault.None,
        };
    }
}
