using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.TestKit.Clusters;
using Xunit;
using static Scheduler.Core.Tests.Constraints.ConstraintCluster;

namespace Scheduler.Core.Tests.Constraints;

public class PodAffinityTests
{
    [Fact]
    public void A_pod_goes_near_those_it_must_be_near() => Assert.Equal(
        ["b2"], Plan(FourNodes(gpus: 1), App("cache", "cache").RunningOn("b1"), App("web", "web", Rules("web", near: [Like("cache", Zone)]))).Places("web"));

    [Fact]
    public void Nobody_to_be_near_to_is_told() => Plan(FourNodes(), App("web", "web", Rules("web", near: [Like("cache", Zone)])))
        .ExpectWait("web", "4 not near the pods of its affinity");

    [Fact]
    public void The_first_of_a_group_needs_no_other_and_the_rest_follow_it()
    {
        var places = Plan(FourNodes(gpus: 2), App("gang", "ring", Rules("ring", near: [Like("ring", Zone)]), pods: 4)).Places("gang");

        Assert.Equal(4, places.Length);
        Assert.Single(places.Select(node => node[0]).Distinct());
    }

    [Fact]
    public void A_gang_that_must_be_together_finds_the_zone_that_holds_it_all()
    {
        // The best node for the first pod alone is in zone a, which has no room for all.
        var nodes = new[] { Node("a1", "a", gpus: 1), Node("b1", "b", gpus: 2), Node("b2", "b", gpus: 2) };
        var places = Plan(nodes, App("gang", "ring", Rules("ring", near: [Like("ring", Zone)]), pods: 3)).Places("gang");

        Assert.Equal(3, places.Length);
        Assert.DoesNotContain("a1", places);
    }

    [Fact]
    public void A_node_without_the_label_is_near_nobody() => Plan(
        [Make.Node("n", gpus: 4)], App("gang", "ring", Rules("ring", near: [Like("ring", Zone)]), pods: 2)).ExpectWait("gang", "1 not near the pods of its affinity");

    [Fact]
    public void Pods_that_avoid_each_other_are_one_to_a_node()
    {
        var places = Plan(FourNodes(), App("gang", "x", Rules("x", apart: [Like("x", Host)]), pods: 4)).Places("gang");

        Assert.Equal(["a1", "a2", "b1", "b2"], places.Order());
        Plan(FourNodes(), App("gang", "x", Rules("x", apart: [Like("x", Host)]), pods: 5)).ExpectWait("gang", "do not let all of them start");
    }

    [Fact]
    public void Anti_affinity_of_a_running_pod_keeps_away_one_that_says_nothing()
    {
        var nodes = new[] { Node("n1", "a"), Node("n2", "b") };
        var lonely = App("lonely", "x", Rules("x", apart: [Like("web", Zone)])).RunningOn("n1");

        Assert.Equal(["n2"], Plan(nodes, lonely, App("web", "web")).Places("web"));
        Assert.Equal(["n1"], Plan(nodes, lonely, App("other", "other")).Places("other"));
        Plan(nodes[..1], lonely, App("web", "web")).ExpectWait("web", "1 near pods that it avoids, or that avoid it");
    }

    [Fact]
    public void Anti_affinity_of_one_bound_in_the_same_plan_keeps_away_others() => Assert.Single(
        Plan([Node("n1", "a")], App("lonely", "x", Rules("x", apart: [Like("web", Zone)]), minutesAgo: 20), App("web", "web")).Decisions.OfType<Bind>());

    [Fact]
    public void Pods_of_other_schedulers_count()
    {
        var other = new OtherPod(new PodId("o"), "t", Make.Labels(("app", "cache")), Rules("cache", apart: [Like("web", Host)]), IsLeaving: false);
        var nodes = FourNodes();
        nodes[2] = nodes[2] with { Others = [other] };

        Assert.Equal(["b2"], Plan(nodes, App("web", "web", Rules("web", near: [Like("cache", Zone)]))).Places("web"));
    }

    [Fact]
    public void Namespaces_are_meant_by_name_or_by_label()
    {
        var byName = new PodTerm(Zone, PodSelector.ByLabel("app", "cache"), ["data"]);
        var byLabel = new PodTerm(Zone, PodSelector.ByLabel("app", "cache"), [], PodSelector.ByLabel("team", "blue"));
        var cache = App("cache", "cache").RunningOn("b1") with { Namespace = "data" };
        string[] Places(PodTerm term, string team) => new ClusterSnapshotBuilder { Now = Make.Now, Generation = 1 }
            .Add(FourNodes()).Add(cache, App("web", "web", Rules("web", near: [term]))).With(Make.Tree(Make.Tenant("t", 64)))
            .WithNamespace("data", Make.Labels(("team", team))).Build() is var snapshot ? Plan(snapshot).Places("web") : [];

        Assert.StartsWith("b", Assert.Single(Places(byName, "red")), StringComparison.Ordinal);
        Assert.StartsWith("b", Assert.Single(Places(byLabel, "blue")), StringComparison.Ordinal);
        Assert.Empty(Places(byLabel, "red"));
        Assert.Empty(Places(Like("cache", Zone), "blue"));
    }

    [Fact]
    public void A_wish_to_be_near_or_apart_decides_among_equal_nodes()
    {
        var cache = App("cache", "cache").RunningOn("b1");

        Assert.Equal(["b2"], Plan(FourNodes(gpus: 1), cache, App("web", "web", Rules("web", wishes: [new PreferredPodTerm(10, Like("cache", Zone))]))).Places("web"));
        Assert.Equal(["a1"], Plan(FourNodes(gpus: 1), cache, App("web", "web", Rules("web", wishes: [new PreferredPodTerm(-10, Like("cache", Zone))]))).Places("web"));
        Assert.Equal(["b1"], Plan(FourNodes(gpus: 2), cache, App("web", "web", Rules("web", wishes: [new PreferredPodTerm(-10, Like("web", Zone))]))).Places("web"));
    }

    [Fact]
    public void A_session_that_lives_on_learns_of_new_anti_affinity()
    {
        var planner = new CyclePlanner(SchedulingPolicy.Default);
        var before = Snapshot([Node("n", "a")], App("full", "x", gpus: 8).RunningOn("n"), App("web", "web"));
        Assert.Empty(planner.Compute(before).Places("web"));

        var after = before.Next(2, Make.Now, new SnapshotChanges
        {
            Workloads = [App("lonely", "x", Rules("x", apart: [Like("web", Zone)])).RunningOn("n")],
            RemovedWorkloads = [new WorkloadId("full")],
        });

        Assert.Empty(planner.Compute(after).Places("web"));
        Assert.Single(planner.Compute(after.Next(3, Make.Now, new SnapshotChanges { RemovedWorkloads = [new WorkloadId("lonely")] })).Places("web"));
    }

    [Fact]
    public void A_guarantee_is_taken_back_for_pods_that_avoid_each_other()
    {
        var tree = Make.Tree(Make.Tenant("t", 2), Make.Tenant("b", 0, burst: 2));
        var borrowers = new[] { "n1", "n2" }.Select(node => Make.Waiting("on-" + node, "b", Make.Shape(gpus: 1)).RunningOn(node));
        var snapshot = Make.Snapshot([Node("n1", "a", gpus: 1), Node("n2", "a", gpus: 1)], tree, [.. borrowers, App("gang", "x", Rules("x", apart: [Like("x", Host)]), pods: 2)]);

        Assert.Equal(2, Plan(snapshot).Decisions.OfType<Evict>().Count());
    }

    [Fact]
    public void The_validator_sees_affinity_broken()
    {
        var snapshot = Snapshot(
            FourNodes(), App("cache", "cache").RunningOn("b1"), App("web", "web", Rules("web", near: [Like("cache", Zone)])),
            App("apart", "x", Rules("x", apart: [Like("cache", Zone)])), App("lonely", "l", Rules("l", apart: [Like("quiet", Zone)])).RunningOn("a1"),
            App("quiet", "quiet"), App("ring", "ring", Rules("ring", near: [Like("ring", Zone)]), pods: 2));

        Assert.Contains("no pod of its affinity is near", Judge(snapshot, ("web", "a2")), StringComparison.Ordinal);
        Assert.Contains("its anti-affinity names", Judge(snapshot, ("apart", "b2")), StringComparison.Ordinal);
        Assert.Contains("whose anti-affinity names it", Judge(snapshot, ("quiet", "a2")), StringComparison.Ordinal);
        Assert.Contains("not the first of its group", Judge(snapshot, ("ring", "a2"), ("ring", "b2")), StringComparison.Ordinal);
        Assert.Empty(Judge(snapshot, ("web", "b2"), ("apart", "a2"), ("quiet", "b2"), ("ring", "a2"), ("ring", "a2")));
    }
}
