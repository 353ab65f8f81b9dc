using System.Text.Json.Nodes;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Tests.Support;
using static Scheduler.Daemon.Tests.Support.ExtenderFixture;

namespace Scheduler.Daemon.Tests.Extender;

/// <summary>What a decision for a pod of kube-scheduler lives through until it is bound.</summary>
public class ExtenderCommitmentTests
{
    private static readonly TimeSpan Lifetime = new CacheSettings().CommitFor;

    private static PodId Id(string name) => new($"uid-{name}");

    [Fact]
    public async Task A_committed_pod_holds_its_room_and_is_bound_by_nobody_else()
    {
        await using var fixture = new ExtenderFixture();
        fixture.Arrives(Pod("first", gpus: 2));
        fixture.Cycle();
        fixture.Arrives(Pod("second"));
        Assert.Single(fixture.Cycle().Decisions.OfType<Wait>());
        Assert.Equal(new NodeName("n0"), fixture.Cache.NodeOf(Id("first")));
        Assert.Empty(fixture.Server.Requests);
        Assert.Equal(1, fixture.Cache.CommitmentCount);
    }

    [Fact]
    public async Task Pods_without_GPUs_or_with_a_fraction_stay_kube_schedulers_own()
    {
        await using var fixture = new ExtenderFixture();
        fixture.Arrives(Pod("cpu", gpus: 0));
        var fraction = Pod("fraction", gpus: 0, annotations: [("gpu-fraction", "0.5")]);
        Assert.False(fraction.IsManaged);
        Assert.Empty(fixture.Cycle().Decisions);
        Assert.Contains("\"NodeNames\":[\"n0\"]", await fixture.FilterAsync("cpu", "n0"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_pod_is_waited_for_until_it_is_planned()
    {
        await using var fixture = new ExtenderFixture();
        var asked = fixture.FilterAsync("p", "n0");
        Assert.False(asked.IsCompleted);
        fixture.Arrives(Pod("p"));
        fixture.Cycle();
        Assert.Contains("\"NodeNames\":[\"n0\"]", await asked, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pod_that_is_not_planned_in_time_is_asked_about_again()
    {
        await using var fixture = new ExtenderFixture();
        var unknown = fixture.FilterAsync("unknown", "n0");
        await fixture.Time.AdvanceWhenArmedAsync(TimeSpan.FromSeconds(2));
        Assert.Contains("\"Error\":\"Weir does not know pod ns/unknown (uid-unknown) yet; it is asked again\"", await unknown, StringComparison.Ordinal);
        fixture.Arrives(Pod("p"));
        var unplanned = fixture.FilterAsync("p", "n0");
        await fixture.Time.AdvanceWhenArmedAsync(TimeSpan.FromSeconds(2));
        Assert.Contains("\"FailedNodes\":{\"n0\":\"Undecided: ", await unplanned, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_is_not_offered_is_left_out_for_a_while_and_another_one_is_found()
    {
        await using var fixture = new ExtenderFixture();
        fixture.Cache.Nodes.Replace([CacheFixture.Node("n0", 2), CacheFixture.Node("n1", 2)]);
        fixture.Arrives(Pod("p"));
        fixture.Cycle();
        Assert.Equal(new NodeName("n0"), fixture.Cache.NodeOf(Id("p")));
        var asked = fixture.FilterAsync("p", "n1");
        Assert.False(asked.IsCompleted);
        fixture.Cycle();
        Assert.Contains("\"NodeNames\":[\"n1\"]", await asked, StringComparison.Ordinal);

        // After its time it counts again, for longer the next time.
        var next = fixture.FilterAsync("p", "n2");
        fixture.Cycle();
        Assert.Contains("NodeConstraints", await next, StringComparison.Ordinal);
        fixture.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.NotNull(fixture.Cache.NextDue);
        Assert.Single(fixture.Cycle().Decisions.OfType<Bind>());
        var again = fixture.FilterAsync("p", "n3");
        Assert.Equal(new NodeName("n1"), Assert.Single(fixture.Cycle().Decisions.OfType<Bind>()).Pods[0].Node);
        fixture.Cache.RefuseNode(Id("p"), new NodeName("n1"));
        fixture.Cycle();
        Assert.Contains("NodeConstraints", await again, StringComparison.Ordinal);
        fixture.Time.Advance(TimeSpan.FromSeconds(9));
        Assert.Empty(fixture.Cycle().Decisions.OfType<Bind>());
        fixture.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Single(fixture.Cycle().Decisions.OfType<Bind>());
        Assert.Contains("weir_extender_commitments_ended_total{end=\"refused\"} 4", await fixture.MetricsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_nominated_node_that_is_tried_alone_takes_nothing_back()
    {
        await using var fixture = new ExtenderFixture();
        fixture.Arrives(Pod("p"));
        fixture.Cycle();
        var nominated = Args("p", "n7").Replace("\"status\":{}", "\"status\":{\"nominatedNodeName\":\"n7\"}", StringComparison.Ordinal);
        Assert.Contains("Committed: Weir keeps room for it on n0", await fixture.PostAsync("filter", nominated), StringComparison.Ordinal);
        Assert.Contains("\"NodeNames\":[\"n0\"]", await fixture.FilterAsync("p", "n0"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_not_bound_in_time_gives_its_room_to_the_next()
    {
        await using var fixture = new ExtenderFixture();
        fixture.Arrives(Pod("first", gpus: 2));
        fixture.Cycle();
        fixture.Arrives(Pod("second", gpus: 2));
        Assert.Contains("\"NodeNames\":[\"n0\"]", await fixture.FilterAsync("first", "n0"), StringComparison.Ordinal);
        Assert.Equal(fixture.Time.GetUtcNow() + Lifetime, fixture.Cache.NextDue);
        fixture.Time.Advance(Lifetime - TimeSpan.FromTicks(1));
        fixture.Cycle();
        Assert.NotNull(fixture.Cache.NodeOf(Id("first")));
        fixture.Time.Advance(TimeSpan.FromTicks(1));
        fixture.Cycle();
        Assert.Null(fixture.Cache.NodeOf(Id("first")));
        Assert.Equal(new NodeName("n0"), fixture.Cache.NodeOf(Id("second")));
        Assert.Contains("weir_extender_commitments_ended_total{end=\"expired\"} 1", await fixture.MetricsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_binding_under_way_does_not_run_out_and_is_joined_when_it_is_asked_for_again()
    {
        await using var fixture = new ExtenderFixture();
        var gate = new TaskCompletionSource();
        fixture.Server.RefuseAfter(gate.Task, System.Net.HttpStatusCode.Conflict);
        fixture.Arrives(Pod("p"));
        fixture.Cycle();
        fixture.Time.Advance(Lifetime - TimeSpan.FromSeconds(1));
        var first = fixture.BindAsync("p", "n0");
        await fixture.Server.NextRequestAsync();
        fixture.Time.Advance(TimeSpan.FromSeconds(1));
        fixture.Cycle();
        Assert.Contains("\"NodeNames\":[\"n0\"]", await fixture.FilterAsync("p", "n0"), StringComparison.Ordinal);
        Assert.Contains("NotOffered", await fixture.FilterAsync("p", "n1"), StringComparison.Ordinal);
        var second = fixture.BindAsync("p", "n0");
        gate.SetResult();
        Assert.Contains("Conflict", await first, StringComparison.Ordinal);
        Assert.Equal(await first, await second);
        Assert.Single(fixture.Server.Requests);
    }

    [Fact]
    public async Task A_gang_of_which_nothing_is_bound_gives_all_of_its_room_back_together()
    {
        await using var fixture = new ExtenderFixture();
        fixture.Cache.Nodes.Replace([CacheFixture.Node("n0", 1), CacheFixture.Node("n1", 1)]);
        (string, string)[] gang = [("pod-group", "g"), ("min-member", "2")];
        fixture.Arrives(Pod("a", annotations: gang));
        fixture.Arrives(Pod("b", annotations: gang));
        fixture.Cycle();
        Assert.Equal(2, fixture.Cache.CommitmentCount);
        var node = fixture.Cache.NodeOf(Id("a"))!.Value;
        Assert.True(fixture.Cache.RefuseNode(Id("a"), node));
        Assert.Equal(0, fixture.Cache.CommitmentCount);
        Assert.Null(fixture.Cache.NodeOf(Id("b")));

        // Where one of them is bound, the others keep what they have.
        fixture.Cycle();
        Assert.Equal(2, fixture.Cache.CommitmentCount);
        var (bound, other) = (Id("a"), Id("b"));
        fixture.Server.Answer("{}");
        Assert.Contains("\"Error\":\"\"", await fixture.BindAsync("a", fixture.Cache.NodeOf(bound)!.Value.Value), StringComparison.Ordinal);
        Assert.True(fixture.Cache.RefuseNode(other, fixture.Cache.NodeOf(other)!.Value));
        Assert.NotNull(fixture.Cache.NodeOf(bound));
    }

    [Fact]
    public async Task Room_that_the_planner_wants_for_another_is_taken_from_what_is_not_bound_without_a_notice()
    {
        await using var fixture = new ExtenderFixture();
        var borrower = CacheFixture.Tenant("borrower", "ns", 0);
        fixture.Cache.Tenants.Replace(
        [
            borrower with { Tenant = borrower.Tenant with { Quotas = [borrower.Tenant.Quotas[0] with { BurstMilliGpu = 2000 }] } },
            CacheFixture.Tenant("owner", "own", 2),
        ]);
        fixture.Arrives(Pod("p", gpus: 2, annotations: [("preemptible", "true")]));
        fixture.Cycle();
        Assert.Equal(1, fixture.Cache.CommitmentCount);
        fixture.Arrives(Pod("q", gpus: 2) with { Namespace = "own" });
        Assert.Single(fixture.Cycle().Decisions.OfType<Evict>());
        Assert.Null(fixture.Cache.NodeOf(Id("p")));
        Assert.Empty(fixture.Cache.Notices());
        fixture.Cycle();
        Assert.Equal(new NodeName("n0"), fixture.Cache.NodeOf(Id("q")));
        Assert.Contains("weir_extender_commitments_ended_total{end=\"revoked\"} 1", await fixture.MetricsAsync(), StringComparison.Ordinal);
        Assert.DoesNotContain("weir_preempted_pods_total{", await fixture.MetricsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_commitment_ends_with_its_pod_and_with_the_lease()
    {
        await using var fixture = new ExtenderFixture();
        var first = fixture.Arrives(Pod("first"));
        fixture.Arrives(Pod("second"));
        fixture.Cycle();
        fixture.Cache.Pods.Delete(first);
        Assert.Equal(1, fixture.Cache.CommitmentCount);
        fixture.Cache.Follow();
        Assert.Equal(0, fixture.Cache.CommitmentCount);
        Assert.Equal(0, fixture.Cache.AssumedCount);
        Assert.Contains("weir_extender_commitments_ended_total{end=\"gone\"} 1", await fixture.MetricsAsync(), StringComparison.Ordinal);
        Assert.Contains("weir_extender_commitments_ended_total{end=\"fenced\"} 1", await fixture.MetricsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pod_that_was_sent_away_is_woken_when_it_has_a_node()
    {
        await using var fixture = new ExtenderFixture();
        var holder = fixture.Arrives(Pods.Map($"\"nodeName\":\"n0\",{Pods.Gpus(2)}", [("gpu-devices", "0,1")], "holder"));
        fixture.Arrives(Pod("p"));
        fixture.Cycle();
        Assert.Contains("\"NodeNames\":[]", await fixture.FilterAsync("p", "n0"), StringComparison.Ordinal);
        fixture.Cache.Pods.Delete(holder);
        fixture.Server.Answer("{}").Answer("{}");
        fixture.Cycle();
        fixture.Run(fixture.Announcer.RunAsync);
        var told = await fixture.Server.NextRequestAsync();
        Assert.Equal("PATCH /api/v1/namespaces/ns/pods/p", told.ToString());
        var annotations = JsonNode.Parse(told.Body)!["metadata"]!["annotations"]!;
        Assert.Equal("n0:0", annotations["weir.scheduler/reservation"]!.ToString());
        Assert.NotNull(annotations["weir.scheduler/committed-at"]);
        Assert.Equal("uid-p", JsonNode.Parse(told.Body)!["metadata"]!["uid"]!.ToString());
        Assert.Empty(fixture.Cache.ReservationChanges());
        Assert.Empty(fixture.Cache.TakeCommitmentNews());
    }

    [Fact]
    public async Task A_new_pod_is_told_only_if_kube_scheduler_does_not_ask_and_again_if_it_does_nothing()
    {
        await using var fixture = new ExtenderFixture();
        fixture.Arrives(Pod("p"));
        fixture.Cycle();
        Assert.Empty(fixture.Cache.TakeCommitmentNews());
        fixture.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("n0:0", Assert.Single(fixture.Cache.TakeCommitmentNews()).Room);
        Assert.Empty(fixture.Cache.TakeCommitmentNews());
        await fixture.FilterAsync("p", "n0");
        fixture.Time.Advance(TimeSpan.FromSeconds(14));
        Assert.Empty(fixture.Cache.TakeCommitmentNews());
        fixture.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Single(fixture.Cache.TakeCommitmentNews());
        fixture.Cache.KeepCommitmentNews(Id("p"));
        Assert.Single(fixture.Cache.TakeCommitmentNews());
    }

    [Fact]
    public async Task Kube_schedulers_pods_keep_their_condition_and_get_the_event()
    {
        await using var fixture = new ExtenderFixture();
        fixture.Arrives(Pod("p", gpus: 3));
        fixture.Server.Answer("{}");
        fixture.RunWriters();
        fixture.Cycle();
        var written = await fixture.Server.NextRequestAsync();
        Assert.Equal("/api/v1/namespaces/ns/events", written.Path);
        Assert.Contains("FlavorUnavailable: ", written.Body, StringComparison.Ordinal);
        fixture.Cycle();
        Assert.Single(fixture.Server.Requests);
    }

    [Fact]
    public void A_shape_without_some_nodes_matches_all_others()
    {
        var shape = Pod("p").Shape;
        var without = NodeRefusals.Without(shape, [new NodeName("n0"), new NodeName("n2")]);
        Assert.NotEqual(shape, without);
        Assert.Same(shape, NodeRefusals.Without(shape, []));
        Assert.Equal([false, true, false], Nodes().Select(node => without.RequiredTerms.Any(term => term.Matches(node))));
        var chosen = Pod("q", more: ""","affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{},{"matchFields":[{"key":"metadata.name","operator":"In","values":["n0","n1"]}]}]}}}""").Shape;
        var less = NodeRefusals.Without(chosen, [new NodeName("n0")]);
        Assert.Equal([false, true, false], Nodes().Select(node => less.RequiredTerms.Any(term => term.Matches(node))));
    }

    private static Node[] Nodes() => [CacheFixture.Node("n0", 1), CacheFixture.Node("n1", 1), CacheFixture.Node("n2", 1)];
}
