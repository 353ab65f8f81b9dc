using Scheduler.Core.Planning;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Actions.Victims;

/// <summary>The smallest thing that can be preempted: one surplus pod of an elastic gang, or a whole workload.</summary>
internal sealed class VictimUnit
{
    public VictimUnit(RunningWorkload running, Occupant[] pods, bool isWhole, long lostMilliGpuSeconds, long rank)
    {
        Running = running;
        Pods = pods;
        IsWhole = isWhole;
        LostMilliGpuSeconds = lostMilliGpuSeconds;
        Rank = rank;
        MilliGpu = pods.Sum(pod => pod.Pod.Shape.Gpu.MilliGpu);
        Nodes = [.. pods.Select(pod => pod.Node).Distinct()];
    }

    /// <summary>The workload.</summary>
    public RunningWorkload Running { get; }

    /// <summary>The pods that go: one, or all that are not going already.</summary>
    public Occupant[] Pods { get; }

    /// <summary>Nodes with one of the pods.</summary>
    public NodeState[] Nodes { get; }

    /// <summary>Whether the workload stops.</summary>
    public bool IsWhole { get; }

    /// <summary>The workload, if it was this cycle that bound it: it does not run yet, and loses nothing.</summary>
    public Applicant? JustBound { get; init; }

    /// <summary>1 if a workload stops, else 0.</summary>
    public int Disturbed => IsWhole && JustBound is null ? 1 : 0;

    /// <summary>Work thrown away.</summary>
    public long LostMilliGpuSeconds { get; }

    /// <summary>Position in the order in which victims of equal cost are taken.</summary>
    public long Rank { get; }

    /// <summary>What it holds.</summary>
    public long MilliGpu { get; }

    /// <summary>What the units of a tenant hold together. A surplus pod beside the whole of its workload counts once.</summary>
    public static long MilliGpuOf(IReadOnlyCollection<VictimUnit> units, TenantNode tenant)
    {
        var milliGpu = 0L;
        foreach (var unit in units)
        {
            if (unit.Running.Tenant == tenant && (unit.IsWhole || !HasWholeOf(units, unit.Running)))
            {
                milliGpu += unit.MilliGpu;
            }
        }

        return milliGpu;
    }

    private static bool HasWholeOf(IReadOnlyCollection<VictimUnit> units, RunningWorkload running)
    {
        foreach (var unit in units)
        {
            if (unit.IsWhole && unit.Running == running)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Priority of the workload.</summary>
    public int Priority => Running.Workload.Priority;
}

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
