using System.Net;
using System.Text.Json;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Tests.Support;
using static Scheduler.Daemon.Tests.Support.CacheFixture;

namespace Scheduler.Daemon.Tests.Loop;

public class WriterTests
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);

    [Fact]
    public async Task A_condition_is_written_on_a_new_reason_with_an_event_and_not_again()
    {
        await using var fixture = Leading();
        var pod = Waiting(fixture, "p");
        fixture.Server.Answer("{}").Answer("{}").Answer("{}").Answer("{}");
        fixture.Run(fixture.Conditions.RunAsync);
        fixture.Run(fixture.Events.RunAsync);
        fixture.Conditions.Offer(pod, "Fragmented", "no node fits");
        var patch = await fixture.Server.NextRequestAsync();
        Assert.Equal("/api/v1/namespaces/ns/pods/p/status", patch.Path);
        Assert.Contains("\"reason\":\"Fragmented\"", patch.Body, StringComparison.Ordinal);
        // A pod recreated under the name must not get it: the uid is a precondition.
        Assert.Contains("\"metadata\":{\"uid\":\"uid-p\"}", patch.Body, StringComparison.Ordinal);
        var written = await fixture.Server.NextRequestAsync();
        Assert.Equal("/api/v1/namespaces/ns/events", written.Path);
        Assert.Contains("\"reason\":\"FailedScheduling\"", written.Body, StringComparison.Ordinal);

        // New numbers in the same reason wait for their minute; the same words are never written again.
        fixture.Conditions.Offer(pod, "Fragmented", "no node fits, 3 GPUs free");
        fixture.Conditions.Offer(pod, "LimitReached", "8 of 8");
        Assert.Contains("LimitReached", (await fixture.Server.NextRequestAsync()).Body, StringComparison.Ordinal);
        Assert.Equal("/api/v1/namespaces/ns/events", (await fixture.Server.NextRequestAsync()).Path);
        fixture.Conditions.Offer(pod, "LimitReached", "8 of 8");
        fixture.Time.Advance(TimeSpan.FromMinutes(1));
        fixture.Server.Answer("{}");
        fixture.Conditions.Offer(pod, "LimitReached", "7 of 8");
        Assert.Contains("7 of 8", (await fixture.Server.NextRequestAsync()).Body, StringComparison.Ordinal);
        Assert.Equal(5, fixture.Server.Requests.Count);
    }

    [Fact]
    public async Task What_a_pod_says_already_is_not_written_after_a_restart()
    {
        await using var fixture = Leading();
        var pod = Waiting(fixture, "p") with { UnscheduledBecause = ("Fragmented", "no node fits") };
        fixture.Server.Answer("{}").Answer("{}");
        fixture.Conditions.Offer(pod, "Fragmented", "no node fits");
        fixture.Conditions.Offer(Waiting(fixture, "q"), "Fragmented", "no node fits");
        fixture.Run(fixture.Conditions.RunAsync);
        Assert.Contains("/pods/q/", (await fixture.Server.NextRequestAsync()).Path, StringComparison.Ordinal);
        Assert.Single(fixture.Server.Requests);
    }

    [Fact]
    public async Task A_pod_that_was_given_a_node_since_is_not_told_that_it_waits()
    {
        await using var fixture = Leading();
        fixture.Conditions.Offer(Waiting(fixture, "p"), "Fragmented", "no node fits");
        var plan = Planner.Compute(fixture.Cache.View().Snapshot, SchedulingPolicy.Default);
        Assert.Null(fixture.Cache.TryAssume(Assert.Single(plan.Decisions.OfType<Bind>()), out _));
        fixture.Conditions.Offer(Waiting(fixture, "q"), "Fragmented", "no node fits");
        fixture.Server.Answer("{}").Answer("{}");
        fixture.Run(fixture.Conditions.RunAsync);
        Assert.Contains("/pods/q/", (await fixture.Server.NextRequestAsync()).Path, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_written_by_a_replica_that_does_not_lead()
    {
        await using var fixture = Leading();
        fixture.Conditions.Offer(Waiting(fixture, "p"), "Fragmented", "m");
        fixture.Events.Record(EventSubject.Of(Pod("p")), EventKind.Normal, "Scheduled", "m");
        fixture.Leadership.Lose();
        fixture.RunUntilIdle(fixture.Conditions.RunAsync);
        fixture.RunUntilIdle(fixture.Events.RunAsync);
        fixture.Leadership.Lead();
        fixture.Server.Answer("{}");
        fixture.Events.Record(EventSubject.Of(Pod("q")), EventKind.Normal, "Scheduled", "m");
        Assert.Contains("\"q\"", (await fixture.Server.NextRequestAsync()).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_event_is_written_once_in_a_while()
    {
        await using var fixture = Leading();
        fixture.Server.Answer("{}").Answer("{}").Answer("{}");
        for (var again = 0; again < 5; again++)
            fixture.Events.Record(EventSubject.Of(Pod("p")), EventKind.Normal, "Scheduled", "m");
        fixture.Time.Advance(TimeSpan.FromMinutes(5));
        fixture.Events.Record(EventSubject.Of(Pod("p")), EventKind.Normal, "Scheduled", "m");
        fixture.Events.Record(EventSubject.Of(Pod("p")), EventKind.Normal, "Scheduled", "last");
        fixture.Run(fixture.Events.RunAsync);
        await fixture.Server.NextRequestAsync();
        await fixture.Server.NextRequestAsync();
        Assert.Contains("last", (await fixture.Server.NextRequestAsync()).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rate_is_kept()
    {
        var time = new BarrierTimeProvider();
        var rate = new RateLimit(2, time);
        await rate.WaitAsync(CancellationToken.None);
        await rate.WaitAsync(CancellationToken.None);
        var third = rate.WaitAsync(CancellationToken.None);
        Assert.False(third.IsCompleted);
        await time.AdvanceWhenArmedAsync(TimeSpan.FromSeconds(0.5));
        await third;
    }

    [Fact]
    public async Task A_victim_gets_notice_and_is_evicted_at_its_deadline()
    {
        await using var fixture = Leading();
        Running(fixture, "v");
        fixture.Server.Answer("{}").Answer("{}").Answer("{}");
        fixture.Run(fixture.Evictor.RunAsync);
        var deadline = fixture.Time.GetUtcNow().AddMinutes(1);
        Assert.Null(fixture.Evictor.Request(EvictionOf("v", deadline)));
        var notice = await fixture.Server.NextRequestAsync();
        Assert.Contains("\"weir.scheduler/preempt-by\":\"2026-01-01T00:01:00Z\"", notice.Body, StringComparison.Ordinal);
        Assert.Contains("\"weir.scheduler/preempted-for\":\"ns/pod/winner\"", notice.Body, StringComparison.Ordinal);
        var told = await fixture.Server.NextRequestAsync();
        Assert.Contains("DisruptionTarget", told.Body, StringComparison.Ordinal);
        Assert.Contains("\"metadata\":{\"uid\":\"uid-v\"}", told.Body, StringComparison.Ordinal);
        fixture.Cache.Pods.Upsert(Running(fixture, "v", ("preempt-by", "2026-01-01T00:01:00Z"), ("preempted-for", "ns/pod/winner")));
        fixture.Time.Advance(TimeSpan.FromMinutes(1));
        var eviction = await NextWhileLookingAsync(fixture);
        Assert.Equal("/api/v1/namespaces/ns/pods/v/eviction", eviction.Path);
        using var body = JsonDocument.Parse(eviction.Body);
        Assert.Equal("policy/v1", body.RootElement.GetProperty("apiVersion").GetString());
        Assert.Equal("uid-v", body.RootElement.GetProperty("deleteOptions").GetProperty("preconditions").GetProperty("uid").GetString());
    }

    [Theory]
    [InlineData("2026-01-01T00:00:01Z")]
    [InlineData("2025-12-31T23:59:59.5Z")]     // the notice was given then, and its deadline rounded up to a second
    public async Task A_victim_that_saved_its_work_since_the_notice_goes_at_once(string at)
    {
        await using var fixture = Leading();
        Running(fixture, "v", ("preempt-by", "2026-01-01T01:00:00Z"), ("preemption-grace", "1h"), ("checkpointed-at", at));
        fixture.Server.Answer("{}");
        fixture.Run(fixture.Evictor.RunAsync);
        Assert.EndsWith("/eviction", (await fixture.Server.NextRequestAsync()).Path, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disruption_budget_is_asked_again_and_an_old_api_server_is_answered_in_its_version()
    {
        await using var fixture = Leading();
        Running(fixture, "v", ("preempt-by", "2026-01-01T00:00:00Z"));
        fixture.Server.Refuse(HttpStatusCode.BadRequest).Refuse(HttpStatusCode.TooManyRequests, retryAfterSeconds: 1).Answer("{}");
        fixture.Run(fixture.Evictor.RunAsync);
        Assert.Contains("policy/v1\"", (await fixture.Server.NextRequestAsync()).Body, StringComparison.Ordinal);
        Assert.Contains("policy/v1beta1", (await fixture.Server.NextRequestAsync()).Body, StringComparison.Ordinal);
        Assert.Contains("policy/v1beta1", (await NextWhileLookingAsync(fixture)).Body, StringComparison.Ordinal);
        Assert.Contains("weir_evictions_total{result=\"refused\"} 1", await fixture.MetricsTextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_of_two_evictions_at_the_same_time_learns_the_version_of_an_old_api_server()
    {
        await using var fixture = Leading();
        Running(fixture, "v", ("preempt-by", "2026-01-01T00:00:00Z"));
        Running(fixture, "w", ("preempt-by", "2026-01-01T00:00:00Z"));
        var (first, second) = (new TaskCompletionSource(), new TaskCompletionSource());
        fixture.Server.RefuseAfter(first.Task, HttpStatusCode.BadRequest).RefuseAfter(second.Task, HttpStatusCode.BadRequest).Answer("{}").Answer("{}");
        fixture.Run(fixture.Evictor.RunAsync);
        for (var i = 0; i < 2; i++)
            Assert.Contains("policy/v1\"", (await fixture.Server.NextRequestAsync()).Body, StringComparison.Ordinal);
        foreach (var gate in (TaskCompletionSource[])[first, second])
        {
            gate.SetResult();
            Assert.Contains("policy/v1beta1", (await fixture.Server.NextRequestAsync()).Body, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_notice_that_anybody_wrote_evicts_no_pod_that_may_not_be_preempted()
    {
        await using var fixture = Leading();
        var settings = new PodMappingSettings();
        (string, string)[] notice = [("preempt-by", "2026-01-01T00:00:00Z"), ("gpu-devices", "0"), ("preemptible", "true")];
        fixture.Cache.Pods.Upsert(PodMapping.Map(Pods.Parse("\"nodeName\":\"n0\"", [notice[0]], "optedout"), settings));
        fixture.Cache.Pods.Upsert(PodMapping.Map(Pods.Parse("\"nodeName\":\"n0\"", notice, "others"), settings with { SchedulerName = "another" }));
        fixture.Cache.Pods.Upsert(PodMapping.Map(Pods.Parse("", notice, "waiting"), settings));
        Assert.Empty(fixture.Cache.Notices());
        Running(fixture, "told", notice[0]);
        Assert.Equal("told", Assert.Single(fixture.Cache.Notices()).Pod.Name);
        // Its owner opts out in time.
        fixture.Cache.Pods.Upsert(Running(fixture, "told", notice[0]) with { IsPreemptible = false });
        Assert.Empty(fixture.Cache.Notices());
    }

    [Fact]
    public async Task A_notice_from_before_the_start_came_with_the_template_and_a_real_one_replaces_it()
    {
        await using var fixture = Leading();
        Running(fixture, "v", ("preempt-by", "2025-12-31T23:59:59Z"));
        Assert.Empty(fixture.Cache.Notices());
        fixture.Server.Answer("{}").Answer("{}");
        fixture.Run(fixture.Evictor.RunAsync);
        Assert.Null(fixture.Evictor.Request(EvictionOf("v", fixture.Time.GetUtcNow().AddMinutes(1))));
        Assert.Contains("\"weir.scheduler/preempt-by\":\"2026-01-01T00:01:00Z\"", (await fixture.Server.NextRequestAsync()).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_accepted_eviction_is_not_posted_again_while_the_watch_is_late()
    {
        await using var fixture = Leading();
        Running(fixture, "v", ("preempt-by", "2026-01-01T00:00:00Z"));
        fixture.Server.Answer("{}").Answer("{}");
        fixture.Run(fixture.Evictor.RunAsync);
        await fixture.Server.NextRequestAsync();
        var before = fixture.Time.GetUtcNow();
        await NextWhileLookingAsync(fixture);
        Assert.True(fixture.Time.GetUtcNow() - before >= TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task A_conflict_does_not_withdraw_a_notice_that_is_on_the_pod()
    {
        await using var fixture = Leading();
        Running(fixture, "v", ("preempt-by", "2026-01-01T00:00:00Z"));
        fixture.Server.Refuse(HttpStatusCode.Conflict).Answer("{}");
        fixture.Run(fixture.Evictor.RunAsync);
        await fixture.Server.NextRequestAsync();
        Assert.EndsWith("/eviction", (await NextWhileLookingAsync(fixture)).Path, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_conflict_withdraws_a_notice_that_never_reached_the_pod()
    {
        await using var fixture = Leading();
        Running(fixture, "v");
        fixture.Server.Refuse(HttpStatusCode.Conflict);
        var withdrawn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        fixture.Cache.Changed += () => withdrawn.TrySetResult();
        fixture.Run(fixture.Evictor.RunAsync);
        Assert.Null(fixture.Evictor.Request(EvictionOf("v", fixture.Time.GetUtcNow().AddMinutes(1))));
        await withdrawn.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.Empty(fixture.Cache.Notices());
    }

    [Fact]
    public async Task A_pod_that_may_not_be_preempted_is_refused_as_a_victim()
    {
        await using var fixture = Leading();
        fixture.Cache.Pods.Upsert(Placed("v", "n0"));
        Assert.Contains("may not be preempted", fixture.Evictor.Request(EvictionOf("v", fixture.Time.GetUtcNow())), StringComparison.Ordinal);
        Assert.Contains("not running", fixture.Evictor.Request(EvictionOf("none", fixture.Time.GetUtcNow())), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Kept_room_is_written_once_and_taken_away_once()
    {
        await using var fixture = Leading();
        fixture.Cache.Decide();
        Waiting(fixture, "w");
        fixture.Server.Answer("{}").Answer("{}");
        fixture.Run(fixture.Reservations.RunAsync);
        PodBinding[] kept = [new(new PodId("uid-w"), new NodeName("n0"), [1])];
        fixture.Reservations.Keep(kept);
        var patch = await fixture.Server.NextRequestAsync();
        Assert.Equal("/api/v1/namespaces/ns/pods/w", patch.Path);
        Assert.Contains("\"weir.scheduler/reservation\":\"n0:1\"", patch.Body, StringComparison.Ordinal);
        Assert.Contains("\"uid\":\"uid-w\"", patch.Body, StringComparison.Ordinal);
        // As long as nothing changes nothing is written, whether or not the watch shows it yet.
        fixture.Reservations.Keep(kept);
        await fixture.Time.AdvanceWhenArmedAsync(TimeSpan.FromSeconds(2));
        await fixture.Time.UntilArmedAsync(TimeSpan.FromSeconds(2));
        fixture.Cache.Pods.Upsert(Pod("w", 1, ("reservation", "n0:1")));
        fixture.Reservations.Keep(kept);
        fixture.Time.Advance(TimeSpan.FromSeconds(2));
        await fixture.Time.UntilArmedAsync(TimeSpan.FromSeconds(2));
        Assert.Single(fixture.Server.Requests);
        fixture.Reservations.Keep([]);
        Assert.Contains("\"weir.scheduler/reservation\":null", (await fixture.Server.NextRequestAsync()).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_notice_is_not_written_again_while_the_watch_is_late_and_its_time_is_never_short()
    {
        await using var fixture = Leading();
        Running(fixture, "v", ("preemption-grace", "30s"));
        fixture.Server.Answer("{}").Answer("{}").Answer("{}");
        fixture.Time.Advance(TimeSpan.FromMilliseconds(300));
        Assert.Null(fixture.Evictor.Request(EvictionOf("v", fixture.Time.GetUtcNow().AddSeconds(30))));
        fixture.Run(fixture.Evictor.RunAsync);
        Assert.Contains("\"weir.scheduler/preempt-by\":\"2026-01-01T00:00:31Z\"", (await fixture.Server.NextRequestAsync()).Body, StringComparison.Ordinal);
        Assert.EndsWith("/status", (await fixture.Server.NextRequestAsync()).Path, StringComparison.Ordinal);
        Assert.EndsWith("/eviction", (await NextWhileLookingAsync(fixture)).Path, StringComparison.Ordinal);
        Assert.True(fixture.Time.GetUtcNow() >= new DateTimeOffset(2026, 1, 1, 0, 0, 31, TimeSpan.Zero));
    }

    /// <summary>The next request, while the evictor's looks come due one after the other.</summary>
    private static async Task<SeenRequest> NextWhileLookingAsync(WriterFixture fixture)
    {
        var next = fixture.Server.NextRequestAsync();
        while (!next.IsCompleted)
            await Task.WhenAny(next, fixture.Time.AdvanceWhenArmedAsync(Look));
        return await next;
    }

    private static WriterFixture Leading()
    {
        var fixture = new WriterFixture();
        fixture.Leadership.Lead();
        return fixture;
    }

    private static PodRecord Waiting(WriterFixture fixture, string name)
    {
        fixture.Cache.Pods.Upsert(Pod(name));
        return Pod(name);
    }

    private static PodRecord Running(WriterFixture fixture, string name, params (string, string)[] annotations)
    {
        var pod = Pods.Map("\"nodeName\":\"n0\"," + Pods.Gpus(1), [.. annotations, ("gpu-devices", "0"), ("preemptible", "true")], name);
        fixture.Cache.Pods.Upsert(pod);
        return pod;
    }

    private static Evict EvictionOf(string name, DateTimeOffset deadline) => new(new WorkloadId($"ns/pod/{name}"))
    {
        Pods = [new PodId($"uid-{name}")],
        Beneficiary = new WorkloadId("ns/pod/winner"),
        Cause = EvictionCause.Guarantee,
        LostMilliGpuSeconds = 60_000,
        Deadline = deadline,
    };
}
