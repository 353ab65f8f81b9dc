using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Tests.Support;
using static Scheduler.Daemon.Tests.Support.CacheFixture;

namespace Scheduler.Daemon.Tests.Loop;

public class SchedulingLoopTests
{
    private static readonly TimeSpan MinInterval = TimeSpan.FromMilliseconds(20);

    [Fact]
    public async Task A_leader_binds_what_was_planned()
    {
        await using var fixture = new WriterFixture();
        fixture.Leadership.Lead();
        fixture.Server.Answer("{}");
        fixture.Cache.Pods.Upsert(Pod("p", 2));
        fixture.Run(fixture.Binds.RunAsync);
        fixture.RunLoop();
        Assert.EndsWith("/pods/p/binding", (await fixture.Server.NextRequestAsync()).Path, StringComparison.Ordinal);
        Assert.True((await fixture.ReadModel.WaitForNextAsync(0, TestContext.Current.CancellationToken)).IsApplied);
    }

    [Fact]
    public async Task A_standby_plans_for_its_readers_and_writes_nothing_until_it_leads()
    {
        await using var fixture = new WriterFixture();
        fixture.Server.Answer("{}");
        fixture.Cache.Pods.Upsert(Pod("p", 2));
        fixture.Run(fixture.Binds.RunAsync);
        fixture.RunLoop();
        var cycle = await fixture.ReadModel.WaitForNextAsync(0, TestContext.Current.CancellationToken);
        Assert.False(cycle.IsApplied);
        Assert.Single(cycle.Plan.Decisions.OfType<Bind>());
        Assert.Empty(fixture.Server.Requests);
        await fixture.Time.UntilArmedAsync(MinInterval);
        fixture.Leadership.Lead();
        fixture.Time.Advance(MinInterval);
        Assert.EndsWith("/binding", (await fixture.Server.NextRequestAsync()).Path, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cycle_that_throws_is_counted_and_the_loop_goes_on_with_growing_waits()
    {
        await using var fixture = new WriterFixture();
        fixture.Planning.Answer = _ => throw new InvalidOperationException("planted");
        fixture.RunLoop();
        await fixture.Time.AdvanceWhenArmedAsync(TimeSpan.FromMilliseconds(100));
        await fixture.Time.UntilArmedAsync(TimeSpan.FromMilliseconds(200));
        fixture.Planning.Answer = snapshot => Planner.Compute(snapshot, SchedulingPolicy.Default);
        fixture.Time.Advance(TimeSpan.FromMilliseconds(200));
        await fixture.ReadModel.WaitForNextAsync(0, TestContext.Current.CancellationToken);
        Assert.Contains("weir_cycles_total{result=\"failed\"} 2", await fixture.MetricsTextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_plan_that_could_do_harm_is_dropped_and_counted()
    {
        await using var fixture = new WriterFixture();
        fixture.Leadership.Lead();
        fixture.Cache.Pods.Upsert(Pod("p", 2));
        fixture.Planning.Violations = [new InvariantViolation("W6", "planted"), new InvariantViolation("W1", "planted")];
        fixture.RunLoop();
        await fixture.Time.UntilArmedAsync(MinInterval);
        Assert.Null(fixture.ReadModel.Current);
        Assert.Equal(0, fixture.Cache.AssumedCount);
        Assert.Contains("weir_invariant_violations_total 2", await fixture.MetricsTextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_plan_that_is_only_not_as_good_as_it_should_be_is_applied_and_counted()
    {
        await using var fixture = new WriterFixture();
        fixture.Leadership.Lead();
        fixture.Cache.Pods.Upsert(Pod("p", 2));
        fixture.Planning.Violations = [new InvariantViolation("W6", "planted")];
        fixture.RunLoop();
        await fixture.Time.UntilArmedAsync(MinInterval);
        Assert.NotNull(fixture.ReadModel.Current);
        Assert.Contains("weir_invariant_violations_total 1", await fixture.MetricsTextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_happens_within_the_least_interval_is_planned_in_one_cycle()
    {
        await using var fixture = new WriterFixture();
        fixture.RunLoop();
        await fixture.Time.UntilArmedAsync(MinInterval);
        Assert.Equal(1, fixture.Planning.Calls);
        for (var index = 0; index < 10; index++)
            fixture.Cache.Pods.Upsert(Pod($"p{index}"));
        fixture.Time.Advance(MinInterval);
        var cycle = await fixture.ReadModel.WaitForNextAsync(1, TestContext.Current.CancellationToken);
        Assert.Equal((2, 10), (fixture.Planning.Calls, cycle.Snapshot.Workloads.Length));
    }

    [Fact]
    public async Task A_quiet_cluster_is_planned_again_after_the_most_interval_only()
    {
        await using var fixture = new WriterFixture();
        fixture.RunLoop();
        await fixture.Time.AdvanceWhenArmedAsync(MinInterval);
        await fixture.Time.UntilArmedAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(1, fixture.Planning.Calls);
        fixture.Time.Advance(TimeSpan.FromSeconds(10));
        await fixture.ReadModel.WaitForNextAsync(1, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_decision_that_does_not_hold_any_more_is_refused_counted_and_decided_again_without_spinning()
    {
        await using var fixture = new WriterFixture();
        fixture.Leadership.Lead();
        fixture.Cache.Pods.Upsert(Pod("p", 2));
        var bind = new Bind(new WorkloadId("ns/pod/p"))
        {
            Pods = [new PodBinding(new PodId("uid-p"), new NodeName("n0"), [0, 1])],
            Standing = Standing.Guaranteed,
            PodsLeftWaiting = 0,
        };
        fixture.Planning.Answer = snapshot =>
        {
            var plan = Planner.Compute(snapshot, SchedulingPolicy.Default);
            // Between the snapshot and the application somebody else takes a device.
            fixture.Cache.Pods.Upsert(Placed("rival", "n0", 1, "1"));
            return plan with { Decisions = [bind] };
        };
        fixture.RunLoop();
        var first = await fixture.ReadModel.WaitForNextAsync(0, TestContext.Current.CancellationToken);
        await fixture.Time.UntilArmedAsync(MinInterval);
        Assert.Equal(0, fixture.Cache.AssumedCount);
        Assert.Single(first.Refused);
        Assert.Contains("weir_plan_refusals_total{kind=\"Bind\"} 1", await fixture.MetricsTextAsync(), StringComparison.Ordinal);
        // The pod waits; the loop does not.
        Assert.Equal(fixture.Time.GetUtcNow().AddSeconds(1), fixture.Cache.NextDue);
    }

    [Fact]
    public async Task Pods_that_were_left_waiting_get_their_reason_without_the_long_wait()
    {
        await using var fixture = new WriterFixture();
        fixture.Leadership.Lead();
        (string, string)[] gang = [("pod-group", "g"), ("min-member", "1")];
        fixture.Cache.Pods.Replace([Pod("g0", 2, gang), Pod("g1", 2, gang)]);
        fixture.RunLoop();
        var first = await fixture.ReadModel.WaitForNextAsync(0, TestContext.Current.CancellationToken);
        Assert.Equal(1, Assert.Single(first.Plan.Decisions.OfType<Bind>()).PodsLeftWaiting);
        Assert.Empty(first.Queue);
        await fixture.Time.AdvanceWhenArmedAsync(MinInterval);
        var second = await fixture.ReadModel.WaitForNextAsync(1, TestContext.Current.CancellationToken);
        Assert.Single(second.Queue);
        // Then there is nothing more to find out.
        await fixture.Time.AdvanceWhenArmedAsync(MinInterval);
        await fixture.Time.UntilArmedAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(2, fixture.Planning.Calls);
    }

    [Fact]
    public async Task The_planner_starts_over_with_each_term_and_after_a_fault()
    {
        await using var fixture = new WriterFixture();
        fixture.RunLoop();
        await fixture.Time.UntilArmedAsync(MinInterval);
        Assert.Equal(0, fixture.Planning.Restarts);
        fixture.Leadership.Lead();
        fixture.Time.Advance(MinInterval);
        await fixture.ReadModel.WaitForNextAsync(1, TestContext.Current.CancellationToken);
        Assert.Equal(1, fixture.Planning.Restarts);
        await fixture.Time.UntilArmedAsync(MinInterval);
        fixture.Planning.Answer = _ => throw new InvalidOperationException("planted");
        fixture.Cache.Pods.Upsert(Pod("p"));
        fixture.Time.Advance(MinInterval);
        await fixture.Time.UntilArmedAsync(TimeSpan.FromMilliseconds(100));
        Assert.Equal(2, fixture.Planning.Restarts);
    }

    [Fact]
    public async Task Guarantees_beyond_the_hardware_are_reported_and_planned_with_all_the_same()
    {
        await using var fixture = new WriterFixture();
        fixture.RunLoop();
        await fixture.ReadModel.WaitForNextAsync(0, TestContext.Current.CancellationToken);
        await fixture.Time.UntilArmedAsync(MinInterval);
        Assert.Contains("weir_guarantees_beyond_capacity 1", await fixture.MetricsTextAsync(), StringComparison.Ordinal);
        fixture.Cache.Nodes.Upsert(Node("n1", 98));
        fixture.Time.Advance(MinInterval);
        await fixture.ReadModel.WaitForNextAsync(1, TestContext.Current.CancellationToken);
        await fixture.Time.UntilArmedAsync(MinInterval);
        Assert.Contains("weir_guarantees_beyond_capacity 0", await fixture.MetricsTextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_leader_lists_all_pods_before_it_writes()
    {
        await using var fixture = new WriterFixture { Refresh = new TaskCompletionSource() };
        fixture.Cache.Pods.Upsert(Pod("p", 2));
        fixture.RunLoop();
        await fixture.ReadModel.WaitForNextAsync(0, TestContext.Current.CancellationToken);
        await fixture.Time.UntilArmedAsync(MinInterval);
        fixture.Leadership.Lead();
        fixture.Time.Advance(MinInterval);
        await fixture.RefreshAsked.WaitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, fixture.Cache.AssumedCount);
        // The list shows what the old leader bound last.
        fixture.Cache.Pods.Upsert(Placed("rival", "n0", 1, "1"));
        var seen = fixture.ReadModel.Current!.Number;
        fixture.Refresh.SetResult();
        var cycle = await fixture.ReadModel.WaitForNextAsync(seen, TestContext.Current.CancellationToken);
        Assert.True(cycle.IsApplied);
        Assert.Equal(0, fixture.Cache.AssumedCount);
    }

    [Fact]
    public async Task A_listener_that_throws_does_not_stop_the_loop()
    {
        await using var fixture = new WriterFixture();
        fixture.Loop.CycleEnded += _ => throw new InvalidOperationException("planted");
        fixture.RunLoop();
        await fixture.ReadModel.WaitForNextAsync(0, TestContext.Current.CancellationToken);
        await fixture.Time.UntilArmedAsync(MinInterval);
        fixture.Cache.Pods.Upsert(Pod("p"));
        fixture.Time.Advance(MinInterval);
        await fixture.ReadModel.WaitForNextAsync(1, TestContext.Current.CancellationToken);
    }
}
