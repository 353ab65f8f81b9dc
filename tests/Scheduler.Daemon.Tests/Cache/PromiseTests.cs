using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Kubernetes.Wire;
using Scheduler.Daemon.Tests.Support;
using static Scheduler.Daemon.Tests.Support.CacheFixture;

namespace Scheduler.Daemon.Tests.Cache;

/// <summary>Notices and kept room: while this replica decides its own word counts, else what is on the pods.</summary>
public class PromiseTests
{
    private static readonly PodId V = new("uid-v");
    private static readonly PodId W = new("uid-w");

    [Fact]
    public void Kept_room_and_notices_are_read_back_from_the_pods_after_a_restart()
    {
        var fixture = new CacheFixture();
        fixture.Cache.Pods.Replace([Victim(("preempt-by", "2026-01-01T00:10:00Z"), ("preempted-for", "ns/pod/w")), Pod("w", 2, ("reservation", "n0:0,1"))]);
        Assert.Equal(new PreemptionNotice(new WorkloadId("ns/pod/w"), new DateTimeOffset(2026, 1, 1, 0, 10, 0, TimeSpan.Zero)), fixture.PodOf("v").Notice);
        var room = fixture.PodOf("w").Nomination!;
        Assert.Equal("n0", room.Node.Value);
        Assert.Equal([0, 1], room.Devices);
        // Nothing more is decided: the victim leaves, and the room stays with the one that waits.
        var reserve = Assert.Single(fixture.Plan().Decisions.OfType<Reserve>());
        Assert.Equal((new WorkloadId("ns/pod/w"), ReservationKind.Nomination), (reserve.Workload, reserve.Kind));
        Assert.Empty(fixture.Plan().Decisions.OfType<Evict>());
    }

    [Theory]
    [InlineData("n0")]
    [InlineData("n0:0")]
    [InlineData("n0:0,1,2")]
    [InlineData(":0,1")]
    [InlineData("n0:1,0")]
    [InlineData("n0:x")]
    public void Kept_room_that_does_not_go_with_the_request_counts_for_nothing(string text)
    {
        var fixture = new CacheFixture();
        fixture.Cache.Pods.Upsert(Pod("w", 2, ("reservation", text)));
        Assert.Null(fixture.PodOf("w").Nomination);
    }

    [Fact]
    public void A_leader_believes_no_reservation_that_it_did_not_make_and_takes_it_away()
    {
        var fixture = new CacheFixture();
        fixture.Cache.Decide();
        fixture.Cache.Pods.Upsert(Pod("w", 2, ("reservation", "n0:0,1")));
        Assert.Null(fixture.PodOf("w").Nomination);
        var change = Assert.Single(fixture.Cache.ReservationChanges());
        Assert.Equal(("w", null), (change.Pod.Name, change.Text));
        fixture.Cache.Pods.Upsert(Pod("w", 2));
        Assert.Empty(fixture.Cache.ReservationChanges());
    }

    [Fact]
    public void Kept_room_lasts_as_long_as_each_plan_names_it_and_is_to_be_written_once()
    {
        var fixture = new CacheFixture();
        fixture.Cache.Decide();
        fixture.Cache.Pods.Upsert(Pod("w", 2));
        PodBinding[] kept = [new(W, new NodeName("n0"), [0, 1])];
        Assert.True(fixture.Cache.Nominate(kept));
        Assert.Equal("n0:0,1", Assert.Single(fixture.Cache.ReservationChanges()).Text);
        fixture.Cache.Pods.Upsert(Pod("w", 2, ("reservation", "n0:0,1")));
        Assert.False(fixture.Cache.Nominate(kept));
        Assert.Empty(fixture.Cache.ReservationChanges());
        Assert.True(fixture.Cache.Nominate([]));
        Assert.Null(fixture.PodOf("w").Nomination);
        Assert.Null(Assert.Single(fixture.Cache.ReservationChanges()).Text);
    }

    [Fact]
    public void Nobody_escapes_a_notice_by_editing_his_pod_while_the_leader_leads()
    {
        var fixture = new CacheFixture();
        fixture.Cache.Decide();
        fixture.Cache.Pods.Upsert(Victim());
        var notice = new Notice(fixture.Time.GetUtcNow().AddMinutes(1), "ns/pod/w");
        fixture.Cache.PlaceUnderNotice(V, notice);
        Assert.False(Assert.Single(fixture.Cache.Notices()).IsWritten);
        fixture.Cache.Pods.Upsert(Victim(("preempt-by", "2026-01-01T00:01:00Z"), ("preempted-for", "ns/pod/w")));
        Assert.True(Assert.Single(fixture.Cache.Notices()).IsWritten);
        fixture.Cache.Pods.Upsert(Victim(("preempt-by", "2026-01-09T00:00:00Z"), ("preempted-for", "ns/pod/w")));
        Assert.Equal((notice, false), (fixture.Cache.Notices()[0].Notice, fixture.Cache.Notices()[0].IsWritten));
        fixture.Cache.Pods.Upsert(Victim());
        Assert.Equal((notice, false), (fixture.Cache.Notices()[0].Notice, fixture.Cache.Notices()[0].IsWritten));
    }

    [Fact]
    public void A_replica_that_leads_no_longer_forgets_what_it_never_wrote_and_follows_the_pods()
    {
        var fixture = new CacheFixture();
        fixture.Cache.Decide();
        fixture.Cache.Pods.Replace([Victim(), Pod("w", 2)]);
        fixture.Cache.PlaceUnderNotice(V, new Notice(fixture.Time.GetUtcNow(), "ns/pod/w"));
        fixture.Cache.Nominate([new(W, new NodeName("n0"), [0, 1])]);
        fixture.Cache.Follow();
        Assert.Empty(fixture.Cache.Notices());
        Assert.Null(fixture.PodOf("v").Notice);
        Assert.Null(fixture.PodOf("w").Nomination);
        Assert.Empty(fixture.Cache.ReservationChanges());
        fixture.Cache.Pods.Upsert(Victim(("preempt-by", "2026-01-01T00:01:00Z"), ("preempted-for", "ns/pod/w")));
        Assert.NotNull(fixture.PodOf("v").Notice);
        fixture.Cache.Pods.Upsert(Victim());
        Assert.Null(fixture.PodOf("v").Notice);
    }

    [Fact]
    public void Our_own_notice_and_reservation_seen_again_wake_nobody()
    {
        var fixture = new CacheFixture();
        fixture.Cache.Decide();
        fixture.Cache.Pods.Replace([Victim(), Pod("w", 2)]);
        fixture.Cache.PlaceUnderNotice(V, new Notice(new DateTimeOffset(2026, 1, 1, 0, 1, 0, TimeSpan.Zero), "ns/pod/w"));
        fixture.Cache.Nominate([new(W, new NodeName("n0"), [0, 1])]);
        var before = fixture.Changes;
        fixture.Cache.Pods.Upsert(Victim(("preempt-by", "2026-01-01T00:01:00Z"), ("preempted-for", "ns/pod/w")));
        fixture.Cache.Pods.Upsert(Pod("w", 2, ("reservation", "n0:0,1")));
        Assert.Equal(before, fixture.Changes);
    }

    [Fact]
    public void A_gang_whose_members_ended_well_needs_no_more_than_those_that_are_left()
    {
        var fixture = new CacheFixture(nodes: 2);
        fixture.Cache.Pods.Replace([.. Enumerable.Range(0, 4).Select(index => Member($"g{index}", "job1", "Running", "n0"))]);
        for (var index = 0; index < 3; index++)
            fixture.Cache.Pods.Upsert(Member($"g{index}", "job1", "Succeeded", "n0"));
        fixture.Cache.Pods.Upsert(Member("g3", "job1", "Failed", "n0"));
        fixture.Cache.Pods.Upsert(Member("g3b", "job1", "Pending", null));
        Assert.Equal(1, Assert.Single(fixture.Cache.View().Snapshot.Workloads).MinMember);
        Assert.NotNull(fixture.PlanOneBind());
        // Those of an earlier run under the same name make the next one no smaller.
        fixture.Cache.Pods.Delete(Member("g3b", "job1", "Pending", null));
        fixture.Cache.Pods.Upsert(Member("h0", "job2", "Pending", null));
        Assert.Equal(4, Assert.Single(fixture.Cache.View().Snapshot.Workloads).MinMember);
        // And when they are cleared away, they count no more.
        fixture.Cache.Pods.Delete(Member("h0", "job2", "Pending", null));
        fixture.Cache.Pods.Upsert(Member("g3b", "job1", "Pending", null));
        fixture.Cache.Pods.Replace([Member("g3b", "job1", "Pending", null)]);
        Assert.Equal(4, Assert.Single(fixture.Cache.View().Snapshot.Workloads).MinMember);
    }

    [Fact]
    public void A_budget_covers_the_pods_that_its_selector_selects_and_says_how_many_may_go()
    {
        var fixture = new CacheFixture();
        fixture.Cache.Pods.Upsert(Pods.Map(Pods.Gpus(1), name: "a", meta: "\"labels\":{\"app\":\"web\",\"tier\":\"x\"}"));
        fixture.Cache.Pods.Upsert(Pods.Map(Pods.Gpus(1), name: "b", meta: "\"labels\":{\"app\":\"batch\"}"));
        var before = fixture.Changes;
        fixture.Cache.Budgets.Upsert(Budget(2));
        var snapshot = fixture.Cache.View().Snapshot;
        Assert.Equal(["ns/web", null], snapshot.Workloads.Select(workload => workload.DisruptionBudget));
        Assert.Equal(2, snapshot.DisruptionsAllowed["ns/web"]);
        fixture.Cache.Budgets.Upsert(Budget(2));
        Assert.Equal(before + 1, fixture.Changes);
        fixture.Cache.Budgets.Upsert(Budget(0));
        var after = fixture.Cache.View().Snapshot;
        Assert.Equal(0, after.DisruptionsAllowed["ns/web"]);
        Assert.Same(snapshot.Workloads[0], after.Workloads[0]);
        fixture.Cache.Budgets.Replace([]);
        Assert.Null(fixture.Cache.View().Snapshot.Workloads[0].DisruptionBudget);

        static BudgetRecord Budget(int allowed) => BudgetMapping.Map(System.Text.Json.JsonSerializer.Deserialize($$"""
            {"metadata":{"name":"web","namespace":"ns"},"status":{"disruptionsAllowed":{{allowed}} },
             "spec":{"selector":{"matchLabels":{"app":"web"},"matchExpressions":[{"key":"tier","operator":"In","values":["x","y"]},{"key":"canary","operator":"DoesNotExist"}] } } }
            """, WireJson.Default.DisruptionBudgetObject)!);
    }

    [Fact]
    public void A_gang_gets_the_topology_that_any_of_its_pods_requires()
    {
        var fixture = new CacheFixture();
        (string, string)[] gang = [("pod-group", "g"), ("min-member", "2")];
        fixture.Cache.Pods.Upsert(Pod("g0", 1, [.. gang, ("topology", "preferred=zone")]));
        fixture.Cache.Pods.Upsert(Pod("g1", 1, [.. gang, ("topology", "required=example.com/rack")]));
        Assert.Equal(new TopologyRequest("example.com/rack", true), Assert.Single(fixture.Cache.View().Snapshot.Workloads).Topology);
    }

    private static PodRecord Victim(params (string, string)[] annotations) => Pods.Map(
        "\"nodeName\":\"n0\"," + Pods.Gpus(2), [.. annotations, ("gpu-devices", "0,1"), ("preemptible", "true")], "v");

    private static PodRecord Member(string name, string controller, string phase, string? node) => Pods.Map(
        (node is null ? "" : $"\"nodeName\":\"{node}\",") + Pods.Requests("\"cpu\":\"1\""), [("pod-group", "g"), ("min-member", "4")], name,
        $"\"ownerReferences\":[{{\"kind\":\"Job\",\"name\":\"{controller}\",\"uid\":\"{controller}\",\"controller\":true}}]", $"\"phase\":\"{phase}\"");
}
