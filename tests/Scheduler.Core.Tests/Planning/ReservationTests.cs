using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Core.Tests.Planning;

public class ReservationTests
{
    private static readonly PodShape FourGpus = Make.Shape(gpus: 4);
    private static readonly PodShape EightGpus = Make.Shape(gpus: 8);

    [Fact]
    public void What_starts_in_a_cycle_counts_with_its_expected_end_in_the_same_cycle()
    {
        var plan = Plan(
            Make.Waiting("first", "a", EightGpus, submittedMinutesAgo: 3) with { ExpectedDuration = TimeSpan.FromHours(1) },
            Gang("gang", submittedMinutesAgo: 2),
            Make.Waiting("long", "a", FourGpus, submittedMinutesAgo: 1) with { ExpectedDuration = TimeSpan.FromHours(3) },
            Make.Waiting("short", "a", FourGpus, submittedMinutesAgo: 0) with { ExpectedDuration = TimeSpan.FromMinutes(30) });

        var reserve = Assert.Single(plan.Decisions.OfType<Reserve>());
        Assert.Equal(("gang", Make.Now.AddHours(1)), (reserve.Workload.Value, reserve.From));
        Assert.Equal(["first", "short"], plan.Decisions.OfType<Bind>().Select(bind => bind.Workload.Value).Order());
        Assert.Equal(WaitReason.ReservedForOthers, plan.WaitOf("long").Reason);
    }

    [Fact]
    public void What_no_node_can_ever_take_does_not_keep_the_reservation_from_those_behind_it()
    {
        var plan = Plan(
            Make.Waiting("first", "a", EightGpus, submittedMinutesAgo: 3) with { ExpectedDuration = TimeSpan.FromHours(1) },
            Make.Waiting("mistyped", "a", Make.Shape(gpus: 8, selector: [("zone", "none")]), submittedMinutesAgo: 2, priority: 10),
            Gang("gang", submittedMinutesAgo: 1));

        Assert.Equal("gang", Assert.Single(plan.Decisions.OfType<Reserve>()).Workload.Value);
    }

    [Fact]
    public void Room_that_is_reserved_for_somebody_counts_as_free_in_what_it_is_told()
    {
        var plan = Plan(
            Make.Waiting("first", "a", EightGpus, submittedMinutesAgo: 3) with { ExpectedDuration = TimeSpan.FromHours(1) },
            Gang("gang", submittedMinutesAgo: 2));

        var wait = plan.WaitOf("gang");
        Assert.Equal(WaitReason.BurstPoolBusy, wait.Reason);
        Assert.Contains("; 8 GPUs are free to borrow; ", wait.Message, StringComparison.Ordinal);
        Assert.Contains("room is reserved for it on ", wait.Message, StringComparison.Ordinal);
    }

    private static Workload Gang(string name, int submittedMinutesAgo) =>
        Make.Waiting(name, "a", EightGpus, pods: 2, submittedMinutesAgo: submittedMinutesAgo) with { ExpectedDuration = TimeSpan.FromHours(1) };

    private static Plan Plan(params Workload[] workloads) =>
        new LivingCluster(Make.Nodes(2), Make.Tree(Make.Tenant("a", 0, burst: 64)), workloads).Cycle();
}
