using Scheduler.Core.Model;

namespace Scheduler.Core.Ordering;

/// <summary>
/// The order of a tenant's queue: priority descending, then first come, then id. Other orders (least expected or least
/// attained GPU-time first) are not there yet.
/// </summary>
public sealed class WorkloadOrder : IComparer<Workload>
{
    /// <summary>The one instance.</summary>
    public static readonly WorkloadOrder Instance = new();

    private WorkloadOrder()
    {
    }

    /// <inheritdoc />
    public int Compare(Workload? x, Workload? y)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        var order = y.Priority.CompareTo(x.Priority);
        order = order != 0 ? order : x.SubmittedAt.CompareTo(y.SubmittedAt);
        return order != 0 ? order : x.Id.CompareTo(y.Id);
    }
}
