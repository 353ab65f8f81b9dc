using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Benchmarks.Measuring;

/// <summary>Plans one cycle after another of the same cluster. The only place that knows which entry of the planner is measured.</summary>
internal interface ICyclePlanner
{
    /// <summary>The plan for the cluster as it is now.</summary>
    Plan Next(ClusterSnapshot snapshot);
}

/// <summary>Plans every cycle from nothing.</summary>
internal sealed class FreshCyclePlanner : ICyclePlanner
{
    public Plan Next(ClusterSnapshot snapshot) => Planner.Compute(snapshot, SchedulingPolicy.Default);
}

/// <summary>Plans as the daemon does: what did not change since the last cycle is not worked out again.</summary>
internal sealed class LivingCyclePlanner : ICyclePlanner
{
    private readonly CyclePlanner _planner = new(SchedulingPolicy.Default);

    public Plan Next(ClusterSnapshot snapshot) => _planner.Compute(snapshot);
}
