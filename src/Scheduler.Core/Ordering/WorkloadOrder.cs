using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Ordering;

/// <summary>
/// The order of a tenant's queue: priority descending, then by the tenant's policy, then by age and id. Total, and without
/// a clock: the order of two workloads is the same at any time.
/// </summary>
public sealed class WorkloadOrder : IComparer<Workload>
{
    /// <summary>What a duration that is unknown counts as.</summary>
    public static readonly TimeSpan UnknownDuration = TimeSpan.FromDays(1);

    private static readonly WorkloadOrder Submitted = new(QueueOrder.Submitted);
    private static readonly WorkloadOrder ShortestExpected = new(QueueOrder.ShortestExpected);
    private static readonly WorkloadOrder LeastAttained = new(QueueOrder.LeastAttained);

    private readonly QueueOrder _order;

    private WorkloadOrder(QueueOrder order) => _order = order;

    /// <summary>The order of a policy.</summary>
    public static WorkloadOrder Of(QueueOrder order) => order switch
    {
        QueueOrder.ShortestExpected => ShortestExpected,
        QueueOrder.LeastAttained => LeastAttained,
        _ => Submitted,
    };

    /// <inheritdoc />
    public int Compare(Workload? x, Workload? y)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        var order = y.Priority.CompareTo(x.Priority);
        order = order != 0 ? order : _order switch
        {
            QueueOrder.ShortestExpected => AgedExpectation(x).CompareTo(AgedExpectation(y)),
            QueueOrder.LeastAttained => x.AttainedMilliGpuSeconds.CompareTo(y.AttainedMilliGpuSeconds),
            _ => 0,
        };
        order = order != 0 ? order : x.SubmittedAt.CompareTo(y.SubmittedAt);
        return order != 0 ? order : x.Id.CompareTo(y.Id);
    }

    /// <summary>
    /// Expected GPU-time left, less one GPU-second for each second of waiting. Since both age alike, what is compared is the
    /// expectation plus the moment of submission: whoever waits long enough comes before any that arrives later.
    /// </summary>
    private static Int128 AgedExpectation(Workload workload)
    {
        var milliGpu = 0L;
        foreach (var pod in workload.Pods)
        {
            milliGpu += pod.Shape.Gpu.MilliGpu;
        }

        var seconds = (workload.ExpectedDuration ?? UnknownDuration).Ticks / TimeSpan.TicksPerSecond;
        var left = ((Int128)milliGpu * seconds) - workload.AttainedMilliGpuSeconds;
        return Int128.Max(0, left) + ((Int128)GpuRequest.MilliPerDevice * (workload.SubmittedAt.UtcTicks / TimeSpan.TicksPerSecond));
    }
}
