using Scheduler.Core.Planning;

namespace Scheduler.TestKit.Clusters;

/// <summary>What a plan tells somebody.</summary>
public static class PlanAnswers
{
    /// <summary>Why a workload waits, beside whatever else the plan decides about it.</summary>
    public static Wait WaitOf(this Plan plan, string workload) =>
        plan.Decisions.OfType<Wait>().Single(wait => wait.Workload.Value == workload);
}
