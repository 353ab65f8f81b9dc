using Scheduler.Core.Model;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Tests.Support;

namespace Scheduler.Daemon.Tests.Mapping;

public class PodMappingTests
{
    [Fact]
    public void Containers_add_up_and_limits_stand_in_for_requests()
    {
        var pod = Pods.Map("""
            "containers":[
              {"resources":{"requests":{"cpu":"100m","memory":"1Gi"}}},
              {"resources":{"limits":{"cpu":2,"nvidia.com/gpu":"2"},"requests":{"memory":"512Mi"}}}]
            """);
        Assert.Equal(new ResourceVector(2100, 1_610_612_736), pod.Shape.Requests);
        Assert.Equal(GpuRequest.Whole(2), pod.Shape.Gpu);
        Assert.Empty(pod.Errors);
    }

    [Fact]
    public void The_largest_init_container_counts_where_it_is_larger_resource_by_resource()
    {
        var pod = Pods.Map("""
            "initContainers":[{"resources":{"requests":{"cpu":"3","memory":"1Ki"}}},{"resources":{"requests":{"cpu":"1"}}}],
            "containers":[{"resources":{"requests":{"cpu":"1","memory":"4Ki"}}}]
            """);
        Assert.Equal(new ResourceVector(3000, 4096), pod.Shape.Requests);
    }

    [Fact]
    public void A_sidecar_counts_beside_the_containers_and_beside_the_init_containers_after_it()
    {
        var pod = Pods.Map("""
            "initContainers":[
              {"resources":{"requests":{"cpu":"5"}}},
              {"restartPolicy":"Always","resources":{"requests":{"cpu":"2"}}},
              {"resources":{"requests":{"cpu":"4"}}}],
            "containers":[{"resources":{"requests":{"cpu":"1"}}}]
            """);
        Assert.Equal(6000, pod.Shape.Requests.MilliCpu);
    }

    [Fact]
    public void Overhead_comes_on_top_and_pod_level_requests_replace_the_sum()
    {
        var pod = Pods.Map("""
            "overhead":{"cpu":"250m","memory":"100"},
            "resources":{"requests":{"cpu":"8"}},
            "containers":[{"resources":{"requests":{"cpu":"1","memory":"1000"}}}]
            """);
        Assert.Equal(new ResourceVector(8250, 1100), pod.Shape.Requests);
    }

    [Fact]
    public void Mig_instances_and_other_extended_resources_are_kept_apart()
    {
        var pod = Pods.Map(Pods.Requests("""
            "nvidia.com/mig-3g.40gb":"2","rdma/hca":"1","hugepages-2Mi":"4Mi"
            """));
        Assert.Equal(GpuRequest.Mig("3g.40gb", 2), pod.Shape.Gpu);
        Assert.Equal([new ScalarResource("hugepages-2Mi", 4_194_304), new ScalarResource("rdma/hca", 1)], pod.Shape.Scalars);
    }

    [Theory]
    [InlineData("0.25", 250)]
    [InlineData("0.5", 500)]
    [InlineData("0.125", 125)]
    [InlineData("0.001", 1)]
    [InlineData("0.999", 999)]
    public void A_fraction_is_milli_gpu(string text, int milli) =>
        Assert.Equal(GpuRequest.Fraction(milli), Pods.Map(annotations: [("gpu-fraction", text)]).Shape.Gpu);

    [Theory]
    [InlineData("0")]
    [InlineData("0.0")]
    [InlineData("1")]
    [InlineData("1.0")]
    [InlineData("0.1234")]
    [InlineData(".5")]
    [InlineData("0,5")]
    [InlineData("50%")]
    [InlineData("-0.5")]
    [InlineData("")]
    public void What_is_no_fraction_is_an_error(string text)
    {
        var pod = Pods.Map(annotations: [("gpu-fraction", text)]);
        Assert.Equal(PodDisposition.Invalid, pod.Disposition);
        Assert.Contains("0.25", Assert.Single(pod.Errors).Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_fraction_beside_whole_gpus_is_an_error() =>
        Assert.Contains("not both", Assert.Single(Pods.Map(Pods.Gpus(1), [("gpu-fraction", "0.5")]).Errors).Remedy, StringComparison.Ordinal);

    [Theory]
    [InlineData("\"nvidia.com/gpu\":\"1\",\"nvidia.com/mig-1g.5gb\":\"1\"")]
    [InlineData("\"nvidia.com/mig-1g.5gb\":\"1\",\"nvidia.com/mig-2g.10gb\":\"1\"")]
    [InlineData("\"nvidia.com/mig-big\":\"1\"")]
    [InlineData("\"nvidia.com/gpu\":\"2000\"")]
    public void Requests_that_no_node_can_meet_are_errors(string members) =>
        Assert.Equal(PodDisposition.Invalid, Pods.Map(Pods.Requests(members)).Disposition);

    [Fact]
    public void Every_malformed_annotation_is_named_with_its_value_and_remedy()
    {
        var pod = Pods.Map(annotations:
        [
            ("expected-duration", "soon"), ("preemption-grace", "-1m"), ("min-runtime", "1y"), ("checkpointed-at", "2026-01-01T00:00:00"),
            ("preemptible", "yes"), ("gpu-fraction", "2"), ("topology", "rack"), ("min-member", "0"),
        ]);
        Assert.Equal(8, pod.Errors.Length);
        Assert.All(pod.Errors, error => Assert.StartsWith(Annotations.Prefix, error.Field, StringComparison.Ordinal));
        Assert.Contains(pod.Errors, error => error.ToString() ==
            "weir.scheduler/preemptible: 'yes' is neither \"true\" nor \"false\"");
    }

    [Fact]
    public void Well_formed_annotations_are_read()
    {
        var pod = Pods.Map(annotations:
        [
            ("expected-duration", "1h30m"), ("preemption-grace", "30s"), ("min-runtime", "2d"), ("checkpointed-at", "2026-01-01T01:00:00+01:00"),
            ("preemptible", "true"), ("topology", "required=rack"), ("pod-group", "g"), ("min-member", "4"),
        ]);
        Assert.Empty(pod.Errors);
        Assert.Equal(TimeSpan.FromMinutes(90), pod.ExpectedDuration);
        Assert.Equal(TimeSpan.FromSeconds(30), pod.PreemptionGrace);
        Assert.Equal(TimeSpan.FromDays(2), pod.MinRuntime);
        Assert.Equal(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), pod.CheckpointedAt);
        Assert.True(pod.IsPreemptible);
        Assert.Equal(new TopologyRequest("example.com/rack", true), pod.Topology);
        Assert.Equal(4, pod.MinMember);
        Assert.Equal("ns/podgroup/g", pod.Workload.Value);
    }

    [Fact]
    public void The_label_of_the_pod_group_makes_a_gang_and_must_not_contradict_the_annotation()
    {
        const string Label = "\"labels\":{\"scheduling.x-k8s.io/pod-group\":\"g\"}";
        Assert.Equal("ns/podgroup/g", Pods.Map(meta: Label).Workload.Value);
        Assert.Single(Pods.Map(meta: Label, annotations: [("pod-group", "h")]).Errors);
    }

    [Fact]
    public void Min_member_without_a_group_is_an_error() => Assert.Single(Pods.Map(annotations: [("min-member", "2")]).Errors);

    [Theory]
    [InlineData("", "", "", PodDisposition.Pending)]
    [InlineData("\"schedulingGates\":[{\"name\":\"wait\"}]", "", "", PodDisposition.Gated)]
    [InlineData("\"nodeName\":\"n\"", "", "", PodDisposition.Placed)]
    [InlineData("\"nodeName\":\"n\"", "", "\"phase\":\"Succeeded\"", PodDisposition.Finished)]
    [InlineData("\"nodeName\":\"n\"", "", "\"phase\":\"Failed\"", PodDisposition.Finished)]
    [InlineData("\"nodeName\":\"n\"", "\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"", "", PodDisposition.Leaving)]
    [InlineData("", "\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"", "", PodDisposition.Finished)]
    internal void The_life_of_a_pod_decides_what_it_is(string spec, string meta, string status, PodDisposition expected) =>
        Assert.Equal(expected, Pods.Map(spec, meta: meta, status: status).Disposition);

    [Fact]
    public void A_pod_is_preemptible_if_something_recreates_it_or_it_says_so()
    {
        const string Owner = "\"ownerReferences\":[{\"kind\":\"Job\",\"name\":\"j\",\"controller\":true}]";
        Assert.False(Pods.Map().IsPreemptible);
        Assert.True(Pods.Map(meta: Owner).IsPreemptible);
        Assert.False(Pods.Map(meta: Owner, annotations: [("preemptible", "false")]).IsPreemptible);
        Assert.True(Pods.Map(annotations: [("preemptible", "true")]).IsPreemptible);
    }

    [Fact]
    public void A_placed_pod_holds_its_room_even_if_an_annotation_cannot_be_read()
    {
        var pod = Pods.Map("\"nodeName\":\"n\"," + Pods.Gpus(2), [("gpu-devices", "0,3"), ("min-runtime", "x")], status: "\"startTime\":\"2026-01-01T05:00:00Z\"");
        Assert.Equal(PodDisposition.Placed, pod.Disposition is PodDisposition.Placed ? pod.Disposition : default);
        Assert.Equal([0, 3], pod.Placement!.Devices);
        Assert.Equal(5, pod.StartedAt!.Value.Hour);
    }

    [Theory]
    [InlineData("3,0")]
    [InlineData("0")]
    [InlineData("0,0")]
    [InlineData("0,x")]
    [InlineData("0,99999")]
    public void Devices_that_do_not_go_with_the_request_count_as_unknown(string devices) =>
        Assert.Empty(Pods.Map("\"nodeName\":\"n\"," + Pods.Gpus(2), [("gpu-devices", devices)]).Placement!.Devices);

    [Fact]
    public void Every_operator_of_node_affinity_is_read()
    {
        var pod = Pods.Map("""
            "nodeSelector":{"zone":"a"},
            "affinity":{"nodeAffinity":{
              "requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[
                {"key":"a","operator":"In","values":["1"]},{"key":"b","operator":"NotIn","values":["1"]},{"key":"c","operator":"Exists"},
                {"key":"d","operator":"DoesNotExist"},{"key":"e","operator":"Gt","values":["5"]},{"key":"f","operator":"Lt","values":["5"]}],
                "matchFields":[{"key":"metadata.name","operator":"In","values":["n1"]}]}]},
              "preferredDuringSchedulingIgnoredDuringExecution":[{"weight":7,"preference":{"matchExpressions":[{"key":"a","operator":"Exists"}]}}]}}
            """);
        var term = Assert.Single(pod.Shape.RequiredTerms);
        Assert.Equal(Enum.GetValues<SelectorOperator>(), term.Labels.Select(requirement => requirement.Operator));
        Assert.Equal("metadata.name", Assert.Single(term.Fields).Key);
        Assert.Equal(7, Assert.Single(pod.Shape.PreferredTerms).Weight);
        Assert.Equal("a", Assert.Single(pod.Shape.NodeSelector).Value);
    }

    [Fact]
    public void Tolerations_are_read_and_an_unknown_operator_tolerates_nothing()
    {
        var pod = Pods.Map("""
            "tolerations":[{"operator":"Exists"},{"key":"k","value":"v","effect":"NoExecute"},{"key":"x","operator":"Gt","value":"1"}]
            """);
        Assert.Equal([new Toleration("", true, "", null), new Toleration("k", false, "v", TaintEffect.NoExecute)], pod.Shape.Tolerations);
    }

    [Fact]
    public void The_condition_that_a_pod_carries_is_remembered() =>
        Assert.Equal(("Fragmented", "m"), Pods.Map(status: """
            "conditions":[{"type":"PodScheduled","status":"False","reason":"Fragmented","message":"m"}]
            """).UnscheduledBecause);

    [Theory]
    [InlineData("cpu", "9223372036854775807")]
    [InlineData("cpu", "1125899906842.625")]
    [InlineData("memory", "7Ei")]
    [InlineData("example.com/thing", "9223372036854775807")]
    public void A_request_beyond_any_node_is_an_error_that_names_its_field(string resource, string amount)
    {
        var pod = Pods.Map(Pods.Requests($"\"{resource}\":\"{amount}\""));
        Assert.Equal(PodDisposition.Invalid, pod.Disposition);
        var error = Assert.Single(pod.Errors);
        Assert.Equal(($"container c: requests.{resource}", amount), (error.Field, error.Value));
        Assert.Contains("more than any node has", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Requests_that_are_too_much_together_are_an_error_and_never_negative()
    {
        const string Container = """{"name":"c","resources":{"requests":{"cpu":"1125899906842","memory":"1Pi"}}}""";
        var pod = Pods.Map($"\"containers\":[{Container},{Container}]");
        Assert.Equal(PodDisposition.Invalid, pod.Disposition);
        Assert.Equal(["resources.cpu", "resources.memory"], pod.Errors.Select(error => error.Field));
        Assert.Equal((PodRequests.MaxUnits, PodRequests.MaxUnits), (pod.Shape.Requests.MilliCpu, pod.Shape.Requests.MemoryBytes));
    }
}
