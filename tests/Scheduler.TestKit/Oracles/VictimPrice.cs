using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.TestKit.Oracles;

/// <summary>What a set of victims costs, compared from left to right. All of it follows from which pods go.</summary>
/// <param name="HighestPriority">The highest priority class touched; <see cref="int.MinValue"/> if nobody goes.</param>
/// <param name="BudgetViolations">Pods beyond what disruption budgets allow.</param>
/// <param name="LostMilliGpuSeconds">Work since the last checkpoint or the start, plus the time to start again.</param>
/// <param name="Disturbed">Workloads that stop: fewer than minMember pods are left.</param>
public readonly record struct VictimPrice(int HighestPriority, long BudgetViolations, long LostMilliGpuSeconds, int Disturbed)
    : IComparable<VictimPrice>
{
    /// <summary>The price of a set of pods.</summary>
    public static VictimPrice Of(ClusterSnapshot snapshot, SchedulingPolicy policy, IReadOnlySet<PodId> victims)
    {
        var highest = int.MinValue;
        var lost = 0L;
        var disturbed = 0;
        var byBudget = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var workload in snapshot.Workloads)
        {
            var placed = StandingOracle.PlacedPods(workload);
            var going = placed.Where(pod => victims.Contains(pod.Id)).ToArray();
            if (going.Length == 0)
            {
                continue;
            }

            highest = Math.Max(highest, workload.Priority);
            lost += going.Sum(pod => LostBy(workload, pod, snapshot.Now, policy));
            disturbed += placed.Count - going.Length < workload.MinMember ? 1 : 0;
            if (workload.DisruptionBudget is { } budget)
            {
                byBudget[budget] = byBudget.GetValueOrDefault(budget) + going.Length;
            }
        }

        var violations = byBudget.Sum(pair => (long)Math.Max(0, pair.Value - snapshot.DisruptionsAllowed.GetValueOrDefault(pair.Key)));
        return new VictimPrice(highest, violations, lost, disturbed);
    }

    /// <summary>What one pod loses, in milli-GPU-seconds.</summary>
    public static long LostBy(Workload workload, Pod pod, DateTimeOffset now, SchedulingPolicy policy)
    {
        DateTimeOffset[] savedAt = [workload.StartedAt ?? now, workload.CheckpointedAt ?? DateTimeOffset.MinValue];
        var lost = pod.IsIdle ? TimeSpan.Zero : now - savedAt.Max();
        return pod.Shape.Gpu.MilliGpu * ((long)Math.Max(0, lost.TotalSeconds) + (long)policy.RestartCost.TotalSeconds);
    }

    public int CompareTo(VictimPrice other) =>
        (HighestPriority, BudgetViolations, LostMilliGpuSeconds, Disturbed)
            .CompareTo((other.HighestPriority, other.BudgetViolations, other.LostMilliGpuSeconds, other.Disturbed));

    public override string ToString() =>
        $"priority {HighestPriority}, {BudgetViolations} budget violations, {LostMilliGpuSeconds} milli-GPU-seconds, {Disturbed} stopped";
}
