using Scheduler.Core.Model;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Tests.Support;

namespace Scheduler.Daemon.Tests.Mapping;

public class PodRulesMappingTests
{
    private const string Labels = """
        "labels":{"app":"web","version":"7"}
        """;

    private static PodRecord Map(string spec) => Pods.Map(spec, meta: Labels);

    private static PodRules Rules(string spec)
    {
        var record = Map(spec);
        Assert.Empty(record.Errors);
        return record.Shape.Rules!;
    }

    [Fact]
    public void A_pod_that_says_nothing_has_no_rules_but_its_labels_are_kept()
    {
        var record = Map(Pods.Gpus(1));
        Assert.Null(record.Shape.Rules);
        Assert.Equal("web", record.Labels.Find("app"));
    }

    [Fact]
    public void Host_ports_of_containers_and_sidecars_are_read()
    {
        var rules = Rules("""
            "containers":[{"name":"c","ports":[{"containerPort":80,"hostPort":80},{"containerPort":81}]},
                          {"name":"d","ports":[{"hostPort":53,"protocol":"UDP","hostIP":"10.0.0.1"}]}],
            "initContainers":[{"name":"s","restartPolicy":"Always","ports":[{"hostPort":90}]},{"name":"i","ports":[{"hostPort":91}]}]
            """);
        Assert.Equal([new HostPort(53, "UDP", "10.0.0.1"), new HostPort(80), new HostPort(90)], rules.HostPorts);
    }

    [Fact]
    public void Affinity_means_the_own_namespace_unless_it_names_others()
    {
        var rules = Rules("""
            "affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[
              {"topologyKey":"zone","labelSelector":{"matchLabels":{"app":"db"}}},
              {"topologyKey":"zone","labelSelector":{},"namespaces":["other"]},
              {"topologyKey":"zone","labelSelector":{},"namespaceSelector":{}},
              {"topologyKey":"zone"}]}}
            """);
        var namespaces = System.Collections.Immutable.ImmutableSortedDictionary<string, LabelSet>.Empty;
        var db = LabelSet.Of([KeyValuePair.Create("app", "db")]);
        bool[] Matches(string @namespace, LabelSet labels) => [.. rules.Affinity.Select(term => term.Matches(@namespace, labels, namespaces))];
        Assert.Equal([true, false, true, false], Matches("ns", db));
        Assert.Equal([false, true, true, false], Matches("other", db));
        Assert.Equal([false, false, true, false], Matches("ns", LabelSet.Empty));
    }

    [Fact]
    public void Anti_affinity_and_wishes_are_read_with_their_sign()
    {
        var rules = Rules("""
            "affinity":{
              "podAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":5,"podAffinityTerm":{"topologyKey":"zone","labelSelector":{}}}]},
              "podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"host","labelSelector":{"matchExpressions":[{"key":"app","operator":"In","values":["web"]}]}}],
                "preferredDuringSchedulingIgnoredDuringExecution":[{"weight":7,"podAffinityTerm":{"topologyKey":"zone","labelSelector":{}}}]}}
            """);
        Assert.Equal([5, -7], rules.Preferred.Select(wish => wish.Weight));
        Assert.Equal("host", Assert.Single(rules.AntiAffinity).TopologyKey);
        Assert.True(rules.IsAlone);
    }

    [Fact]
    public void Topology_spread_is_read_with_its_policies()
    {
        var rules = Rules("""
            "topologySpreadConstraints":[
              {"maxSkew":2,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app":"web"}},"minDomains":3,
               "nodeAffinityPolicy":"Ignore","nodeTaintsPolicy":"Honor","matchLabelKeys":["version","absent"]},
              {"maxSkew":1,"topologyKey":"host","whenUnsatisfiable":"ScheduleAnyway","labelSelector":{"matchLabels":{"app":"web"}}}]
            """);
        Assert.Equal((2, "zone", true, 3, false, true),
            (rules.Spread[0].MaxSkew, rules.Spread[0].TopologyKey, rules.Spread[0].IsRequired, rules.Spread[0].MinDomains,
             rules.Spread[0].HonorsNodeAffinity, rules.Spread[0].HonorsTaints));
        Assert.Equal(["app", "version"], rules.Spread[0].Selector.Requirements.Select(requirement => requirement.Key));
        Assert.Equal((false, 1, true, false),
            (rules.Spread[1].IsRequired, rules.Spread[1].MinDomains, rules.Spread[1].HonorsNodeAffinity, rules.Spread[1].HonorsTaints));
    }

    [Fact]
    public void An_operator_that_is_not_known_keeps_the_pod_out()
    {
        var record = Map("""
            "topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone","labelSelector":{"matchExpressions":[{"key":"a","operator":"Near"}]}}]
            """);
        Assert.Equal(PodDisposition.Invalid, record.Disposition);
        Assert.Equal("topologySpreadConstraints.labelSelector.operator: 'Near' is not one of In, NotIn, Exists, DoesNotExist", Assert.Single(record.Errors).ToString());
    }

    [Fact]
    public void Replicas_have_equal_rules_whatever_labels_nobody_asks_for()
    {
        const string Spread = """
            "topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone","labelSelector":{"matchLabels":{"app":"web"}}}]
            """;
        var one = Pods.Map(Spread, meta: """ "labels":{"app":"web","index":"1"} """);
        var two = Pods.Map(Spread, meta: """ "labels":{"app":"web","index":"2"} """);
        Assert.Equal(one.Shape, two.Shape);
        Assert.NotEqual(one.Shape, Pods.Map(Spread, meta: """ "labels":{"app":"db"} """).Shape);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("\"preemptionPolicy\":\"PreemptLowerPriority\"", true)]
    [InlineData("\"preemptionPolicy\":\"Never\"", false)]
    public void The_preemption_policy_is_read(string spec, bool mayPreempt) => Assert.Equal(mayPreempt, Map(spec).MayPreempt);

    [Fact]
    public void Claims_are_those_named_and_those_of_the_pods_own() => Assert.Equal(
        ["data", "p-scratch"],
        Map("""
            "volumes":[{"name":"a","persistentVolumeClaim":{"claimName":"data"}},{"name":"scratch","ephemeral":{"volumeClaimTemplate":{"spec":{}}}},
                       {"name":"b","persistentVolumeClaim":{"claimName":"data"}},{"name":"tmp","emptyDir":{}}]
            """).Claims);

    [Fact]
    public void A_pod_of_another_scheduler_that_was_nominated_holds_room_there()
    {
        const string Nominated = """ "nominatedNodeName":"n1" """;
        var other = Pods.Map("\"schedulerName\":\"default-scheduler\"," + Pods.Gpus(1), status: Nominated);
        Assert.Equal((PodDisposition.Placed, "n1"), (other.Disposition, other.Placement!.Node.Value));
        Assert.Equal(PodDisposition.Pending, Pods.Map(Pods.Gpus(1), status: Nominated).Disposition);
    }

    [Fact]
    public void A_pod_of_a_workload_object_is_of_its_gang()
    {
        var record = Map("""
            "workloadRef":{"name":"train","podGroup":"workers"}
            """);
        Assert.Equal(("train:workers", "train:workers", "ns/podgroup/train:workers"), (record.WorkloadGroup, record.Group, record.Workload.Value));
        var replica = Map("""
            "workloadRef":{"name":"train","podGroup":"workers","podGroupReplicaKey":"3"}
            """);
        Assert.Equal(("train:workers", "train:workers:3"), (replica.WorkloadGroup, replica.Group));
    }
}
