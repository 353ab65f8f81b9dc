using Scheduler.Core.Model;
using Scheduler.Core.Ordering;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Core.Tests.Planning;

public class QueueOrderTests
{
    private static readonly Workload Long = Waiting("long", gpus: 1, minutes: 600, ago: 10);
    private static readonly Workload Short = Waiting("short", gpus: 1, minutes: 10, ago: 5);

    [Fact]
    public void Shortest_expected_starts_what_needs_the_least_gpu_time_first()
    {
        Assert.Equal(["short", "long"], Sorted(QueueOrder.ShortestExpected, Long, Short));
        Assert.Equal(["long", "short"], Sorted(QueueOrder.Submitted, Long, Short));
    }

    [Fact]
    public void Gpu_time_counts_and_not_time_alone()
    {
        var wide = Waiting("wide", gpus: 8, minutes: 10, ago: 5);
        var narrow = Waiting("narrow", gpus: 1, minutes: 60, ago: 5);
        Assert.Equal(["narrow", "wide"], Sorted(QueueOrder.ShortestExpected, wide, narrow));
    }

    [Fact]
    public void Whoever_waits_long_enough_comes_before_anything_that_arrives_later()
    {
        var patient = Waiting("patient", gpus: 1, minutes: 600, ago: 601);
        Assert.Equal(["patient", "short"], Sorted(QueueOrder.ShortestExpected, Short with { SubmittedAt = Make.Now }, patient));
    }

    [Fact]
    public void An_unknown_duration_counts_as_a_day_and_priority_goes_before_all()
    {
        var unknown = Waiting("unknown", gpus: 1, minutes: 1, ago: 5) with { ExpectedDuration = null };
        var urgent = Waiting("urgent", gpus: 8, minutes: 6000, ago: 0) with { Priority = 1 };
        Assert.Equal(["urgent", "long", "unknown"], Sorted(QueueOrder.ShortestExpected, unknown, Long, urgent));
    }

    [Fact]
    public void Least_attained_starts_what_was_served_least()
    {
        var served = Short with { Id = new WorkloadId("served"), AttainedMilliGpuSeconds = 1 };
        Assert.Equal(["long", "served"], Sorted(QueueOrder.LeastAttained, served, Long));
    }

    [Fact]
    public void The_planner_goes_by_the_order_of_the_tenant()
    {
        var tenant = Make.Tenant("a", 1, burst: 0) with { Order = QueueOrder.ShortestExpected };
        var plan = Planner.Compute(Make.Snapshot(Make.Nodes(1), Make.Tree(tenant), Long, Short), SchedulingPolicy.Default);
        Assert.Equal("short", Assert.Single(plan.Decisions.OfType<Bind>()).Workload.Value);
    }

    private static Workload Waiting(string name, int gpus, int minutes, int ago) =>
        Make.Waiting(name, "a", Make.Shape(gpus: gpus), submittedMinutesAgo: ago) with { ExpectedDuration = TimeSpan.FromMinutes(minutes) };

    private static string[] Sorted(QueueOrder order, params Workload[] workloads) =>
        [.. workloads.Order(WorkloadOrder.Of(order)).Select(workload => workload.Id.Value)];
}
