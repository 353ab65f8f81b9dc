using Scheduler.Core.Model;

namespace Scheduler.Core.Quota;

/// <summary>
/// The order in which a tenant's running workloads are counted into its guarantee: those that may not be preempted
/// first, then priority descending, started ascending (what has not started yet comes last), then the order of the queue.
/// Starts are often known to the second only, and those of one cycle were started in the order of the queue.
/// </summary>
public sealed class StandingOrder : IComparer<Workload>
{
    /// <summary>The one instance.</summary>
    public static readonly StandingOrder Instance = new();

    private StandingOrder()
    {
    }

    /// <inheritdoc />
    public int Compare(Workload? x, Workload? y)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        var order = MayBePreempted(x).CompareTo(MayBePreempted(y));
        order = order != 0 ? order : y.Priority.CompareTo(x.Priority);
        order = order != 0 ? order : (x.StartedAt ?? DateTimeOffset.MaxValue).CompareTo(y.StartedAt ?? DateTimeOffset.MaxValue);
        order = order != 0 ? order : x.SubmittedAt.CompareTo(y.SubmittedAt);
        return order != 0 ? order : x.Id.CompareTo(y.Id);
    }

    private static bool MayBePreempted(Workload workload) => workload.IsPreemptible && workload.IsManaged;
}
