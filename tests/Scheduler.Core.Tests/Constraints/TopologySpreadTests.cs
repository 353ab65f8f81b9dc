using Scheduler.Core.Model;
using Scheduler.TestKit.Clusters;
using Xunit;
using static Scheduler.Core.Tests.Constraints.ConstraintCluster;

namespace Scheduler.Core.Tests.Constraints;

public class TopologySpreadTests
{
    private static readonly PodRules ByZone = Rules("x", spread: [Spread("x", Zone)]);

    [Fact]
    public void Pods_are_spread_over_zones()
    {
        var places = Plan(FourNodes(), App("gang", "x", ByZone, pods: 6)).Places("gang");

        Assert.Equal([('a', 3), ('b', 3)], places.CountBy(node => node[0]).Select(pair => (pair.Key, pair.Value)).Order());
    }

    [Fact]
    public void A_zone_that_is_too_far_ahead_is_told()
    {
        var plan = Plan(
            [Node("a1", "a"), Node("b1", "b", gpus: 1)], App("r", "x").RunningOn("a1"), App("full", "y").RunningOn("b1"), App("w", "x", ByZone));

        plan.ExpectWait("w", "1 where its topology spread would be too uneven");
    }

    [Fact]
    public void A_greater_skew_is_allowed_where_it_is_asked_for() => Assert.Equal(
        ["a1"],
        Plan([Node("a1", "a"), Node("b1", "b", gpus: 1)], App("r", "x").RunningOn("a1"), App("full", "y").RunningOn("b1"),
            App("w", "x", Rules("x", spread: [Spread("x", Zone, maxSkew: 2)]))).Places("w"));

    [Fact]
    public void Pods_that_are_being_deleted_do_not_count() => Assert.Equal(
        ["a1"],
        Plan([Node("a1", "a"), Node("b1", "b", gpus: 1)], App("r", "x").RunningOn("a1", state: PodState.Leaving), App("full", "y").RunningOn("b1"),
            App("w", "x", ByZone)).Places("w"));

    [Fact]
    public void With_too_few_domains_the_fewest_is_zero()
    {
        var rules = Rules("x", spread: [Spread("x", Zone) with { MinDomains = 3 }]);

        Assert.Equal(2, Plan(FourNodes(), App("w", "x", rules, pods: 2)).Places("w").Select(node => node[0]).Distinct().Count());
        Plan(FourNodes(), App("w", "x", rules, pods: 3)).ExpectWait("w", "do not let all of them start");
    }

    [Fact]
    public void Nodes_that_the_pod_may_not_use_set_no_measure_unless_the_policy_says_so()
    {
        // Only zone a has the selected label: with the policy Honor zone b does not count, with Ignore it stays at zero.
        var nodes = FourNodes().Select(node => node.Name.Value[0] == 'a' ? node with { Labels = node.Labels.Add("pool", "gpu") } : node).ToArray();
        string[] Places(bool honors) => Plan(nodes, Make.Waiting("w", "t",
            Make.Shape(gpus: 1, selector: [("pool", "gpu")], rules: Rules("x", spread: [Spread("x", Zone) with { HonorsNodeAffinity = honors }])), pods: 2,
            podLabels: [("app", "x")])).Places("w");

        Assert.Equal(2, Places(honors: true).Length);
        Assert.Empty(Places(honors: false));
    }

    [Fact]
    public void Tainted_nodes_set_no_measure_if_the_policy_says_so()
    {
        var nodes = FourNodes().Select(node => node.Name.Value[0] == 'b' ? node with { Taints = [new Taint("k", "v", TaintEffect.NoSchedule)] } : node).ToArray();
        string[] Places(bool honors) =>
            Plan(nodes, App("w", "x", Rules("x", spread: [Spread("x", Zone) with { HonorsTaints = honors }]), pods: 2)).Places("w");

        Assert.Equal(2, Places(honors: true).Length);
        Assert.Empty(Places(honors: false));
    }

    [Fact]
    public void A_node_without_the_label_is_out_of_reach() => Plan(
        [Make.Node("n", gpus: 4)], App("w", "x", ByZone)).ExpectWait("w", "1 where its topology spread would be too uneven");

    [Fact]
    public void Schedule_anyway_is_a_wish()
    {
        var rules = Rules("x", spread: [Spread("x", Zone) with { IsRequired = false }]);

        Assert.Equal(["b1"], Plan([Node("a1", "a"), Node("b1", "b")], App("r", "x").RunningOn("a1"), App("w", "x", rules)).Places("w"));
        Assert.Equal(["a1"], Plan([Node("a1", "a")], App("r", "x").RunningOn("a1"), App("w", "x", rules)).Places("w"));
    }

    [Fact]
    public void Single_pods_of_one_plan_see_each_other()
    {
        var plan = Plan(FourNodes(), [.. Enumerable.Range(0, 4).Select(index => App($"w{index}", "x", ByZone))]);

        Assert.Equal(2, Enumerable.Range(0, 4).SelectMany(index => plan.Places($"w{index}")).Count(node => node[0] == 'a'));
    }

    [Fact]
    public void The_validator_sees_a_spread_broken()
    {
        var snapshot = Snapshot(FourNodes(), App("gang", "x", ByZone, pods: 2));

        Assert.Contains("its domain has 2 pods and another 0", Judge(snapshot, ("gang", "a1"), ("gang", "a2")), StringComparison.Ordinal);
        Assert.Empty(Judge(snapshot, ("gang", "a1"), ("gang", "b2")));
    }
}
