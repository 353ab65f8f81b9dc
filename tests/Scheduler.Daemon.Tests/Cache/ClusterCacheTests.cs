using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Tests.Support;
using static Scheduler.Daemon.Tests.Support.CacheFixture;

namespace Scheduler.Daemon.Tests.Cache;

public class ClusterCacheTests
{
    private static readonly PodId P = new("uid-p");

    [Fact]
    public void An_assumed_pod_holds_its_room_until_the_watch_confirms_it()
    {
        var fixture = new CacheFixture();
        fixture.Cache.Pods.Upsert(Pod("p", 2));
        var request = Assert.Single(fixture.Assume(fixture.PlanOneBind()));
        Assert.Equal(("ns", "p", "n0"), (request.Namespace, request.Name, request.Node.Value));
        Assert.Equal(PodState.Placed, fixture.StateOf("p"));
        fixture.Cache.Pods.Upsert(Pod("q", 1));
        Assert.Empty(fixture.Plan().Decisions.OfType<Bind>());
        fixture.Cache.FinishBinding(P);
        Assert.Equal(1, fixture.Cache.AssumedCount);
        fixture.Cache.Pods.Upsert(Placed("p", "n0", 2, "0,1"));
        Assert.Equal(0, fixture.Cache.AssumedCount);
        Assert.Equal(PodState.Placed, fixture.StateOf("p"));
    }

    [Fact]
    public void A_confirmation_of_what_was_assumed_wakes_nobody()
    {
        var fixture = new CacheFixture();
        fixture.Cache.Pods.Upsert(Pod("p", 2));
        fixture.Assume(fixture.PlanOneBind());
        var before = fixture.Changes;
        fixture.Cache.Pods.Upsert(Placed("p", "n0", 2, "0,1"));
        Assert.Equal(before, fixture.Changes);
    }

    [Fact]
    public void A_pod_that_somebody_else_bound_elsewhere_wakes_the_loop()
    {
        var fixture = new CacheFixture(nodes: 2);
        fixture.Cache.Pods.Upsert(Pod("p", 2));
        fixture.Assume(fixture.PlanOneBind());
        var before = fixture.Changes;
        fixture.Cache.Pods.Upsert(Placed("p", "n1", 2, "0,1"));
        Assert.Equal(before + 1, fixture.Changes);
        Assert.Equal(0, fixture.Cache.AssumedCount);
    }

    [Fact]
    public void A_forgotten_pod_is_planned_again_after_its_own_back_off_which_grows()
    {
        var fixture = new CacheFixture();
        fixture.Cache.Pods.Upsert(Pod("p", 2));
        foreach (var seconds in new[] { 1, 2, 4 })
        {
            fixture.Assume(fixture.PlanOneBind());
            fixture.Cache.Forget(P, backOff: true);
            var wait = Assert.Single(fixture.Plan().Decisions.OfType<Wait>());
            Assert.Equal(WaitReason.Backoff, wait.Reason);
            Assert.Equal(fixture.Time.GetUtcNow().AddSeconds(seconds), fixture.Cache.NextDue);
            fixture.Time.Advance(TimeSpan.FromSeconds(seconds));
        }

        Assert.NotNull(fixture.PlanOneBind());
    }

    [Fact]
    public void A_pod_that_backs_off_does_not_block_another()
    {
        var fixture = new CacheFixture();
        fixture.Cache.Pods.Upsert(Pod("p", 2));
        fixture.Assume(fixture.PlanOneBind());
        fixture.Cache.Forget(P, backOff: true);
        fixture.Cache.Pods.Upsert(Pod("q", 2));
        Assert.Equal("ns/pod/q", fixture.PlanOneBind().Workload.Value);
    }

    [Fact]
    public void A_binding_that_the_watch_does_not_show_in_time_is_asked_about_and_keeps_its_room()
    {
        var fixture = new CacheFixture();
        fixture.Cache.Pods.Upsert(Pod("p", 2));
        fixture.Assume(fixture.PlanOneBind());
        fixture.Time.Advance(TimeSpan.FromHours(1));
        Assert.Empty(fixture.Cache.TakeOverdue());
        fixture.Cache.FinishBinding(P);
        fixture.Time.Advance(TimeSpan.FromSeconds(29));
        Assert.Empty(fixture.Cache.TakeOverdue());
        for (var time = 0; time < 3; time++)
        {
            fixture.Time.Advance(TimeSpan.FromSeconds(30));
            var overdue = Assert.Single(fixture.Cache.TakeOverdue());
            Assert.Equal(("ns", "p", "n0"), (overdue.Namespace, overdue.Name, overdue.Node.Value));
            Assert.Empty(fixture.Cache.TakeOverdue());
            Assert.Equal(PodState.Placed, fixture.StateOf("p"));
        }

        fixture.Cache.Pods.Upsert(Placed("p", "n0", 2, "0,1"));
        fixture.Time.Advance(TimeSpan.FromHours(1));
        Assert.Empty(fixture.Cache.TakeOverdue());
    }

    [Fact]
    public void A_pod_whose_decision_was_refused_waits_alone()
    {
        var fixture = new CacheFixture();
        fixture.Cache.Pods.Upsert(Pod("p", 1));
        fixture.Cache.BackOff([P, new PodId("gone")]);
        Assert.Equal(WaitReason.Backoff, Assert.Single(fixture.Plan().Decisions.OfType<Wait>()).Reason);
        fixture.Cache.Pods.Upsert(Pod("q", 1));
        Assert.Equal("ns/pod/q", fixture.PlanOneBind().Workload.Value);
    }

    [Fact]
    public void A_deleted_pod_takes_its_assumption_and_its_room_with_it()
    {
        var fixture = new CacheFixture();
        fixture.Cache.Pods.Upsert(Pod("p", 2));
        fixture.Assume(fixture.PlanOneBind());
        fixture.Cache.Pods.Delete(Pod("p", 2));
        fixture.Cache.Pods.Upsert(Pod("q", 2));
        Assert.Equal("ns/pod/q", fixture.PlanOneBind().Workload.Value);
        fixture.Cache.Forget(P, backOff: true);
        Assert.Equal(0, fixture.Cache.AssumedCount);
    }

    [Fact]
    public void A_stale_decision_is_refused_and_changes_nothing()
    {
        var fixture = new CacheFixture();
        fixture.Cache.Pods.Upsert(Pod("p", 2));
        var bind = fixture.PlanOneBind();
        fixture.Cache.Pods.Upsert(Placed("rival", "n0", 1, "1"));
        Assert.Equal("device 1 of node n0 is taken", fixture.Cache.TryAssume(bind, out _));
        fixture.Cache.Pods.Delete(Placed("rival", "n0", 1, "1"));
        fixture.Cache.Nodes.Upsert(Node("n0", 2, isReady: false));
        Assert.Equal("node n0 is not ready", fixture.Cache.TryAssume(bind, out _));
        fixture.Cache.Nodes.Delete(Node("n0", 2));
        Assert.Equal("node n0 is gone", fixture.Cache.TryAssume(bind, out _));
        fixture.Cache.Pods.Delete(Pod("p", 2));
        Assert.Equal("pod uid-p is gone", fixture.Cache.TryAssume(bind, out _));
        Assert.Equal(0, fixture.Cache.AssumedCount);
    }

    [Fact]
    public void A_decision_is_applied_once()
    {
        var fixture = new CacheFixture();
        fixture.Cache.Pods.Upsert(Pod("p", 1));
        var bind = fixture.PlanOneBind();
        fixture.Assume(bind);
        Assert.Equal("pod ns/p is placed already", fixture.Cache.TryAssume(bind, out _));
    }

    [Fact]
    public void A_gang_is_refused_whole_when_one_of_its_pods_does_not_fit_any_more()
    {
        var fixture = new CacheFixture(nodes: 2, gpus: 1);
        (string, string)[] gang = [("pod-group", "g"), ("min-member", "2")];
        fixture.Cache.Pods.Upsert(Pod("g0", 1, gang));
        fixture.Cache.Pods.Upsert(Pod("g1", 1, gang));
        var bind = fixture.PlanOneBind();
        Assert.Equal(2, bind.Pods.Length);
        fixture.Cache.Pods.Upsert(Placed("rival", "n1"));
        Assert.NotNull(fixture.Cache.TryAssume(bind, out var requests));
        Assert.Empty(requests);
        Assert.Equal(0, fixture.Cache.AssumedCount);
    }

    [Fact]
    public void Pods_of_other_schedulers_on_unknown_devices_are_never_overlapped()
    {
        var fixture = new CacheFixture(gpus: 2);
        fixture.Cache.Pods.Upsert(Pod("p", 2));
        var bind = fixture.PlanOneBind();
        fixture.Cache.Pods.Upsert(Placed("foreign", "n0", 1, "") with { IsManaged = false });
        Assert.NotNull(fixture.Cache.TryAssume(bind, out _));
    }

    [Fact]
    public void An_unchanged_cluster_keeps_its_generation_and_its_workloads()
    {
        var fixture = new CacheFixture();
        fixture.Cache.Pods.Upsert(Pod("p"));
        var first = fixture.Cache.View().Snapshot;
        fixture.Time.Advance(TimeSpan.FromMinutes(1));
        fixture.Cache.Nodes.Upsert(Node("n0", 2));
        fixture.Cache.Pods.Upsert(Pod("p") with { UnscheduledBecause = ("Fragmented", "told") });
        var second = fixture.Cache.View().Snapshot;
        Assert.Equal(first.Generation, second.Generation);
        Assert.Same(first.Nodes[0], second.Nodes[0]);
        Assert.NotEqual(first.Now, second.Now);
    }

    [Fact]
    public void A_new_list_drops_what_it_does_not_have()
    {
        var fixture = new CacheFixture(nodes: 2);
        fixture.Cache.Pods.Replace([Pod("a"), Pod("b")]);
        fixture.Cache.Pods.Replace([Pod("b")]);
        fixture.Cache.Nodes.Replace([Node("n1", 2)]);
        var snapshot = fixture.Cache.View().Snapshot;
        Assert.Equal("ns/pod/b", Assert.Single(snapshot.Workloads).Id.Value);
        Assert.Equal("n1", Assert.Single(snapshot.Nodes).Name.Value);
    }

    [Fact]
    public void A_new_pod_of_an_old_name_replaces_it_even_if_the_deletion_was_not_seen()
    {
        var fixture = new CacheFixture();
        fixture.Cache.Pods.Upsert(Placed("p", "n0"));
        fixture.Cache.Pods.Upsert(Pod("p") with { Id = new PodId("uid-second") });
        var pod = Assert.Single(Assert.Single(fixture.Cache.View().Snapshot.Workloads).Pods);
        Assert.Equal(("uid-second", PodState.Pending), (pod.Id.Value, pod.State));
    }

    [Fact]
    public void Pods_of_others_without_gpus_are_usage_of_their_node_and_go_again()
    {
        var fixture = new CacheFixture();
        var daemon = Pods.Map("\"nodeName\":\"n0\"," + Pods.Requests("\"cpu\":\"2\""), name: "daemon") with { IsManaged = false };
        fixture.Cache.Pods.Upsert(daemon);
        var node = Assert.Single(fixture.Cache.View().Snapshot.Nodes);
        Assert.Equal((2000L, 1), (node.UsedByOthers.MilliCpu, node.PodsOfOthers));
        fixture.Cache.Pods.Delete(daemon);
        Assert.Equal(0, Assert.Single(fixture.Cache.View().Snapshot.Nodes).PodsOfOthers);
    }

    [Fact]
    public void Gated_pods_are_not_queued_and_invalid_ones_are_reported()
    {
        var fixture = new CacheFixture();
        fixture.Cache.Pods.Upsert(Pods.Map("\"schedulingGates\":[{\"name\":\"g\"}]", name: "gated"));
        fixture.Cache.Pods.Upsert(Pod("bad", 1, ("preemptible", "maybe")));
        var view = fixture.Cache.View();
        Assert.Empty(view.Snapshot.Workloads);
        var blocked = Assert.Single(view.Blocked);
        Assert.Equal(("bad", WorkloadAssembly.InvalidReason), (blocked.Pod.Name, blocked.Reason));
        Assert.Equal("pod ns/bad is not scheduled until this is mended: weir.scheduler/preemptible: 'maybe' is neither \"true\" nor \"false\"", blocked.Message);
        fixture.Cache.Pods.Upsert(Pod("bad", 1, ("preemptible", "true")));
        Assert.Empty(fixture.Cache.View().Blocked);
        Assert.Single(fixture.Cache.View().Snapshot.Workloads);
    }

    [Fact]
    public void A_gang_without_its_pod_group_is_reported_and_starts_when_it_comes()
    {
        var fixture = new CacheFixture();
        const string Label = "\"labels\":{\"scheduling.x-k8s.io/pod-group\":\"g\"}";
        fixture.Cache.Pods.Upsert(Pods.Map(Pods.Gpus(1), name: "g0", meta: Label));
        Assert.Equal(WorkloadAssembly.PodGroupMissingReason, Assert.Single(fixture.Cache.View().Blocked).Reason);
        fixture.Cache.PodGroups.Upsert(new PodGroupRecord("ns", "g", 1));
        Assert.Empty(fixture.Cache.View().Blocked);
        Assert.Single(fixture.PlanOneBind().Pods);
        fixture.Cache.PodGroups.Upsert(new PodGroupRecord("ns", "g", 2));
        Assert.Equal(WaitReason.GangIncomplete, Assert.Single(fixture.Plan().Decisions.OfType<Wait>()).Reason);
    }

    [Fact]
    public void A_pod_under_notice_holds_its_room_and_says_for_whom_it_goes()
    {
        var fixture = new CacheFixture();
        fixture.Cache.Pods.Upsert(Placed("p", "n0") with { IsPreemptible = true });
        fixture.Cache.PlaceUnderNotice(P, new Notice(fixture.Time.GetUtcNow(), "ns/pod/q"));
        Assert.Equal(PodState.Placed, fixture.StateOf("p"));
        Assert.Equal(new PreemptionNotice(new WorkloadId("ns/pod/q"), fixture.Time.GetUtcNow()), fixture.PodOf("p").Notice);
        fixture.Cache.WithdrawNotice(P);
        Assert.Null(fixture.PodOf("p").Notice);
    }

    [Fact]
    public void A_notice_on_a_pod_of_another_scheduler_is_not_ours_to_carry_out()
    {
        var fixture = new CacheFixture();
        (string, string)[] notice = [("preempt-by", "2026-01-01T00:00:00Z"), ("preemptible", "true")];
        fixture.Cache.Pods.Upsert(Pods.Map("\"schedulerName\":\"other\",\"nodeName\":\"n0\"", notice, "theirs"));
        fixture.Cache.Pods.Upsert(Pods.Map("\"nodeName\":\"n0\"", notice, "ours"));
        Assert.Equal("ours", Assert.Single(fixture.Cache.Notices()).Pod.Name);
    }

    [Fact]
    public void A_list_that_says_what_is_known_wakes_nobody()
    {
        var empty = new ClusterCache(new CacheSettings(), TimeProvider.System);
        var changes = 0;
        empty.Changed += () => changes++;
        empty.Tenants.Replace([]);
        empty.PodGroups.Replace([]);
        Assert.Equal((0L, 0), (empty.Generation, changes));
        empty.Tenants.Replace([Tenant("a", "ns-a", 4)]);
        empty.PodGroups.Replace([new PodGroupRecord("ns", "g", 2)]);
        Assert.Equal((2L, 2), (empty.Generation, changes));
        empty.Tenants.Replace([Tenant("a", "ns-a", 4)]);
        empty.PodGroups.Replace([new PodGroupRecord("ns", "g", 2)]);
        Assert.Equal((2L, 2), (empty.Generation, changes));
        empty.Tenants.Replace([]);
        empty.PodGroups.Replace([]);
        Assert.Equal((4L, 4), (empty.Generation, changes));
        Assert.Empty(empty.TenantVerdicts);
    }

    [Fact]
    public void Our_own_write_to_a_tenants_status_wakes_nobody()
    {
        var fixture = new CacheFixture();
        var (generation, changes) = (fixture.Cache.Generation, fixture.Changes);
        var status = new Scheduler.Daemon.Kubernetes.Wire.TenantStatus { Used = "3", ObservedGeneration = 1 };
        fixture.Cache.Tenants.Upsert(Tenant("team", "ns", 100) with { Status = status });
        Assert.Equal((generation, changes), (fixture.Cache.Generation, fixture.Changes));
        Assert.Same(status, Assert.Single(fixture.Cache.TenantVerdicts).Record.Status);
        // A new version that is refused has to reach its Tenant.
        fixture.Cache.Tenants.Upsert(Tenant("team", "ns", 100, generation: 2, parent: "nobody"));
        Assert.Equal(changes + 1, fixture.Changes);
    }
}
