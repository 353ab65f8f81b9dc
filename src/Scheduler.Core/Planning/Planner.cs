using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>
/// The planner: a pure function from a snapshot and a policy to a plan. Equal inputs give equal plans, byte for byte, in
/// any process.
/// </summary>
public static class Planner
{
    /// <summary>Plans one cycle.</summary>
    public static Plan Compute(ClusterSnapshot snapshot, SchedulingPolicy policy) => new CyclePlanner(policy).Compute(snapshot);
}
