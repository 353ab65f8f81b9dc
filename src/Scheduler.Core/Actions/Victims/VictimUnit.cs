using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions.Victims;

/// <summary>
/// The smallest thing that can be preempted: one surplus pod of an elastic gang, or a whole workload.
/// </summary>
/// <param name="Running">The workload.</param>
/// <param name="Pods">The pods that go: one, or all that are not going already.</param>
/// <param name="IsWhole">Whether the workload stops.</param>
/// <param name="Cost">What it costs, budgets aside.</param>
/// <param name="Rank">Position in the order in which victims of equal cost are taken.</param>
internal sealed record VictimUnit(
    RunningWorkload Running,
    IReadOnlyList<(NodeState Node, Occupant Occupant)> Pods,
    bool IsWhole,
    VictimCost Cost,
    int Rank)
{
    /// <summary>Priority of the workload.</summary>
    public int Priority => Running.Workload.Priority;
}

/// <summary>
/// The price of a set of victims, compared from left to right. Prices of sets add up, except for budgets, which are
/// counted when a set is complete.
/// </summary>
/// <param name="BudgetViolations">Pods beyond what disruption budgets allow.</param>
/// <param name="LostMilliGpuSeconds">Work since the last checkpoint, plus the time to start again, in milli-GPU-seconds.</param>
/// <param name="Disturbed">Workloads that stop.</param>
internal readonly record struct VictimCost(int BudgetViolations, long LostMilliGpuSeconds, int Disturbed) : IComparable<VictimCost>
{
    /// <summary>Nothing.</summary>
    public static readonly VictimCost Zero;

    public static VictimCost operator +(in VictimCost a, in VictimCost b) => new(
        a.BudgetViolations + b.BudgetViolations, a.LostMilliGpuSeconds + b.LostMilliGpuSeconds, a.Disturbed + b.Disturbed);

    /// <inheritdoc />
    public int CompareTo(VictimCost other)
    {
        var order = BudgetViolations.CompareTo(other.BudgetViolations);
        order = order != 0 ? order : LostMilliGpuSeconds.CompareTo(other.LostMilliGpuSeconds);
        return order != 0 ? order : Disturbed.CompareTo(other.Disturbed);
    }
}
