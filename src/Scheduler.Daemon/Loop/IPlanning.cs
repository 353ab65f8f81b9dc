using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Daemon.Loop;

/// <summary>The planner and its independent checker, as the loop calls them.</summary>
internal interface IPlanning
{
    Plan Compute(ClusterSnapshot snapshot);

    /// <summary>Forgets what earlier cycles have worked out. Plans are the same without it; what a fault left behind is not.</summary>
    void StartOver();

    /// <summary>Every invariant that the plan breaks; empty for a sound plan.</summary>
    IReadOnlyList<InvariantViolation> FindViolations(ClusterSnapshot snapshot, Plan plan);
}
