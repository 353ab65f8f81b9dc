using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Simulation.Schedulers.Baselines.Placements;

namespace Scheduler.Simulation.Schedulers.Baselines;

/// <summary>
/// First come, first served, whoever they belong to: the head of the line blocks all behind it until it fits. No preemption, no
/// quota. Places by best fit.
/// </summary>
public sealed class Fifo : IScheduler
{
    /// <inheritdoc/>
    public string Name => "fifo";

    /// <inheritdoc/>
    public Plan Decide(ClusterSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var cluster = new BaselineCluster(snapshot, room => new BestFitPlacement(room));
        foreach (var workload in cluster.WaitingBySubmission)
        {
            if (!cluster.TryStart(workload))
            {
                break;
            }
        }

        return cluster.ToPlan();
    }
}
