using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Daemon.Loop;

/// <summary>The real planner under one policy. It works out anew only what changed since the last cycle.</summary>
internal sealed class CorePlanning(SchedulingPolicy policy) : IPlanning
{
    private CyclePlanner _planner = new(policy);

    public Plan Compute(ClusterSnapshot snapshot) => _planner.Compute(snapshot);

    public void StartOver() => _planner = new CyclePlanner(policy);

    public IReadOnlyList<InvariantViolation> FindViolations(ClusterSnapshot snapshot, Plan plan) =>
        PlanValidator.Check(snapshot, policy, plan);
}
