using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions.Victims;

/// <summary>The price of a set of victims, compared from left to right.</summary>
/// <param name="BudgetViolations">Pods beyond what disruption budgets allow.</param>
/// <param name="LostMilliGpuSeconds">Work since the last checkpoint, plus the time to start again.</param>
/// <param name="Disturbed">Workloads that stop.</param>
/// <param name="Rank">Sum of the ranks: the tenant furthest above its entitlement first, then the newest, then by id.</param>
internal readonly record struct VictimCost(int BudgetViolations, long LostMilliGpuSeconds, int Disturbed, Int128 Rank)
    : IComparable<VictimCost>
{
    /// <summary>Nothing.</summary>
    public static readonly VictimCost Zero;

    /// <inheritdoc />
    public int CompareTo(VictimCost other)
    {
        var order = BudgetViolations.CompareTo(other.BudgetViolations);
        order = order != 0 ? order : LostMilliGpuSeconds.CompareTo(other.LostMilliGpuSeconds);
        order = order != 0 ? order : Disturbed.CompareTo(other.Disturbed);
        return order != 0 ? order : Rank.CompareTo(other.Rank);
    }

    /// <summary>Compares what each costs for what it gains, by cross-multiplication; violations count in full.</summary>
    public static int ComparePerGain(in VictimCost a, int gainA, in VictimCost b, int gainB)
    {
        var order = a.BudgetViolations.CompareTo(b.BudgetViolations);
        order = order != 0 ? order : ((Int128)a.LostMilliGpuSeconds * gainB).CompareTo((Int128)b.LostMilliGpuSeconds * gainA);
        order = order != 0 ? order : ((long)a.Disturbed * gainB).CompareTo((long)b.Disturbed * gainA);
        return order != 0 ? order : (a.Rank * gainB).CompareTo(b.Rank * gainA);
    }

    /// <summary>The price of a set. Budgets are counted over the whole set: two pods may use up what is allowed together.</summary>
    public static VictimCost Of(IReadOnlyCollection<VictimUnit> units, Session session)
    {
        var (lost, disturbed, rank) = (0L, 0, (Int128)0);
        var budgets = default(SortedDictionary<string, int>);
        foreach (var unit in units)
        {
            lost += unit.LostMilliGpuSeconds;
            disturbed += unit.Disturbed;
            rank += unit.Rank;
            if (unit is { JustBound: null, Running.Workload.DisruptionBudget: { } budget })
            {
                budgets ??= new SortedDictionary<string, int>(StringComparer.Ordinal);
                budgets[budget] = budgets.GetValueOrDefault(budget) + unit.Pods.Length;
            }
        }

        var violations = 0;
        foreach (var (budget, pods) in budgets ?? [])
        {
            violations += Math.Max(0, pods - session.DisruptionsLeft(budget));
        }

        return new VictimCost(violations, lost, disturbed, rank);
    }
}
