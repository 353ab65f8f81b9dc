using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Daemon.Loop;

/// <summary>The real planner under one policy.</summary>
internal sealed class CorePlanning(SchedulingPolicy policy) : IPlanning
{
    public Plan Compute(ClusterSnapshot snapshot) => Planner.Compute(snapshot, policy);

    public IReadOnlyList<string> FindViolations(ClusterSnapshot snapshot, Plan plan) =>
        [.. PlanValidator.Check(snapshot, policy, plan).Select(violation => violation.ToString())];
}
