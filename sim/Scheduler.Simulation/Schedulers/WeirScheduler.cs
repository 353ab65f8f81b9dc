using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Simulation.Schedulers;

/// <summary>The production planner, unchanged.</summary>
public sealed class WeirScheduler(SchedulingPolicy policy) : IScheduler
{
    private readonly CyclePlanner _planner = new(policy);

    /// <inheritdoc/>
    public string Name => "weir";

    /// <inheritdoc/>
    public SchedulingPolicy? Promises => policy;

    /// <inheritdoc/>
    public Plan Decide(ClusterSnapshot snapshot) => _planner.Compute(snapshot);
}
