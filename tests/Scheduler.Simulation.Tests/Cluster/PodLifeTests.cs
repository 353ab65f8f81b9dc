using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;
using Xunit;

namespace Scheduler.Simulation.Tests.Cluster;

public sealed class PodLifeTests
{
    private const string Pods = "/api/v1/namespaces/default/pods";
    private static readonly TimeSpan EventSweep = TimeSpan.FromMinutes(1); // how often events of an hour are looked through

    [Fact]
    public async Task A_bound_pod_runs_and_says_where()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.CreatePodAsync("a");
        Assert.Equal(201, (await cluster.BindAsync("a", "n1")).Code);
        var pod = await cluster.UntilPodAsync("a", "Running");
        Assert.Equal("n1", pod.StringAt("spec", "nodeName"));
        Assert.Equal("True", pod.ObjectsAt("status", "conditions").Single(c => c.StringAt("type") == "PodScheduled").StringAt("status"));
        Assert.Equal("True", pod.ObjectsAt("status", "conditions").Single(c => c.StringAt("type") == "Ready").StringAt("status"));
        Assert.NotNull(pod.StringAt("status", "podIP"));
        Assert.Equal(1, cluster.Cluster.Counters.Bound);
    }

    [Fact]
    public async Task A_second_binding_is_a_conflict_and_a_missing_pod_is_not_found()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.CreatePodAsync("a");
        await cluster.BindAsync("a", "n1");
        var (code, status) = await cluster.BindAsync("a", "n2");
        Assert.Equal(409, code);
        Assert.Equal("Operation cannot be fulfilled on pods/binding \"a\": pod a is already assigned to node \"n1\"", status.StringAt("message"));
        Assert.Equal(404, (await cluster.BindAsync("b", "n1")).Code);
    }

    [Fact]
    public async Task A_binding_hands_its_annotations_to_the_pod_and_respects_the_uid()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.CreatePodAsync("a");
        var wrong = TestCluster.Yaml("{apiVersion: v1, kind: Binding, metadata: {name: a, uid: other}, target: {kind: Node, name: n1}}");
        await cluster.ExpectAsync(409, "POST", "/api/v1/namespaces/default/bindings", wrong);
        var right = TestCluster.Yaml("{apiVersion: v1, kind: Binding, metadata: {name: a, annotations: {weir.scheduler/gpu-devices: '0,1'}}, target: {kind: Node, name: n1}}");
        await cluster.ExpectAsync(201, "POST", "/api/v1/namespaces/default/bindings", right);
        Assert.Equal("0,1", (await cluster.GetAsync(Pods + "/a")).StringAt("metadata", "annotations", "weir.scheduler/gpu-devices"));
    }

    [Fact]
    public async Task A_pod_with_a_duration_succeeds_after_it()
    {
        await using var cluster = await TestCluster.StartAsync(o => o.TimeScale = 3600);
        await cluster.CreatePodAsync("a", annotations: "{weir.scheduler/expected-duration: 8h, simulation.weir.scheduler/duration: 10m}");
        await cluster.BindAsync("a", "n1");
        var pod = await cluster.UntilPodAsync("a", "Succeeded");
        Assert.Equal("Completed", pod.ObjectsAt("status", "containerStatuses").Single().StringAt("state", "terminated", "reason"));
        Assert.Equal(1, cluster.Cluster.CountPods().Ended);
    }

    [Fact]
    public async Task A_node_that_is_booked_twice_refuses_the_second_pod_and_counts_it()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.CreatePodAsync("a", gpus: 5);
        await cluster.CreatePodAsync("b", gpus: 4);
        await cluster.BindAsync("a", "n1");
        await cluster.BindAsync("b", "n1");
        await cluster.UntilPodAsync("a", "Running");
        var refused = await cluster.UntilPodAsync("b", "Failed");
        Assert.Equal("OutOfnvidia.com/gpu", refused.StringAt("status", "reason"));
        Assert.Equal(1, cluster.Cluster.Counters.Refused);
    }

    [Theory]
    [InlineData(1, "{weir.scheduler/gpu-devices: '3'}", "nvidia.com/gpu/3, requested: 1, used: 1")]
    [InlineData(0, "{weir.scheduler/gpu-devices: '3', weir.scheduler/gpu-fraction: '0.25'}", "nvidia.com/gpu/3, requested: 0.25, used: 1")]
    [InlineData(1, "{weir.scheduler/gpu-devices: '8'}", "nvidia.com/gpu/8, requested: 1, used: 0, capacity: 0")]
    public async Task A_device_that_is_booked_twice_or_is_not_there_is_refused_though_the_node_has_others(int gpus, string annotations, string why)
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.CreatePodAsync("a", gpus: 2, annotations: "{weir.scheduler/gpu-devices: '2,3'}");
        await cluster.BindAsync("a", "n1");
        await cluster.UntilPodAsync("a", "Running");
        await cluster.CreatePodAsync("b", gpus: gpus, annotations: annotations);
        await cluster.BindAsync("b", "n1");
        var refused = await cluster.UntilPodAsync("b", "Failed");
        Assert.Equal("OutOfnvidia.com/gpu", refused.StringAt("status", "reason"));
        Assert.Contains(why, refused.StringAt("status", "message"), StringComparison.Ordinal);
        Assert.Equal(1, cluster.Cluster.Counters.Refused);
    }

    [Fact]
    public async Task Fractions_share_a_device_until_it_is_full()
    {
        await using var cluster = await TestCluster.StartAsync();
        foreach (var (name, fraction) in new[] { ("a", "0.5"), ("b", "0.25"), ("c", "0.25"), ("d", "0.001") })
        {
            await cluster.CreatePodAsync(name, gpus: 0, annotations: $"{{weir.scheduler/gpu-devices: '0', weir.scheduler/gpu-fraction: '{fraction}'}}");
            await cluster.BindAsync(name, "n1");
            await cluster.UntilPodAsync(name, name == "d" ? "Failed" : "Running");
        }
    }

    [Fact]
    public async Task The_resources_of_an_ended_pod_are_free_again()
    {
        await using var cluster = await TestCluster.StartAsync(o => o.TimeScale = 1000);
        await cluster.CreatePodAsync("a", gpus: 8, annotations: "{simulation.weir.scheduler/duration: 1s}");
        await cluster.BindAsync("a", "n1");
        await cluster.UntilPodAsync("a", "Succeeded");
        await cluster.CreatePodAsync("b", gpus: 8);
        await cluster.BindAsync("b", "n1");
        await cluster.UntilPodAsync("b", "Running");
        Assert.Equal(0, cluster.Cluster.Counters.Refused);
    }

    [Fact]
    public async Task A_pod_without_a_node_goes_at_once()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.CreatePodAsync("a");
        await cluster.ExpectAsync(200, "DELETE", Pods + "/a");
        await cluster.ExpectAsync(404, "GET", Pods + "/a");
    }

    [Fact]
    public async Task A_pod_on_a_node_is_first_marked_and_then_removed_by_its_kubelet()
    {
        await using var cluster = await TestCluster.StartAsync(o => o.Kubelets.TerminationDelay = TimeSpan.FromMilliseconds(300));
        await cluster.CreatePodAsync("a", "terminationGracePeriodSeconds: 7");
        await cluster.BindAsync("a", "n1");
        await cluster.UntilPodAsync("a", "Running");
        var marked = await cluster.ExpectAsync(200, "DELETE", Pods + "/a");
        Assert.Equal(7, marked.LongAt("metadata", "deletionGracePeriodSeconds"));
        Assert.NotNull(marked.StringAt("metadata", "deletionTimestamp"));
        await cluster.UntilGoneAsync(Pods, "a");
        Assert.Equal(1, cluster.Cluster.Counters.Removed);
    }

    [Fact]
    public async Task Without_kubelets_a_deleted_pod_waits_until_it_is_forced()
    {
        await using var cluster = await TestCluster.StartAsync(o => o.Kubelets.IsEnabled = false);
        await cluster.CreatePodAsync("a");
        await cluster.BindAsync("a", "n1");
        await cluster.ExpectAsync(200, "DELETE", Pods + "/a");
        Assert.Equal(30, (await cluster.GetAsync(Pods + "/a")).LongAt("metadata", "deletionGracePeriodSeconds"));
        await cluster.ExpectAsync(200, "DELETE", Pods + "/a?gracePeriodSeconds=0");
        await cluster.ExpectAsync(404, "GET", Pods + "/a");
    }

    [Fact]
    public async Task A_finalizer_holds_an_object_until_it_is_taken_away()
    {
        await using var cluster = await TestCluster.StartAsync();
        const string Maps = "/api/v1/namespaces/default/configmaps";
        await cluster.CreateAsync(Maps, "{apiVersion: v1, kind: ConfigMap, metadata: {name: m, finalizers: [a.io/b]}}");
        Assert.NotNull((await cluster.ExpectAsync(200, "DELETE", Maps + "/m")).StringAt("metadata", "deletionTimestamp"));
        await cluster.GetAsync(Maps + "/m");
        await cluster.ExpectAsync(200, "PATCH", Maps + "/m", TestCluster.Yaml("metadata: {finalizers: null}"), "application/merge-patch+json");
        await cluster.ExpectAsync(404, "GET", Maps + "/m");
    }

    [Fact]
    public async Task A_delete_with_another_uid_is_a_conflict()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.CreatePodAsync("a");
        await cluster.ExpectAsync(409, "DELETE", Pods + "/a", TestCluster.Yaml("{apiVersion: v1, kind: DeleteOptions, preconditions: {uid: other}}"));
    }

    [Fact]
    public async Task An_eviction_is_refused_while_a_budget_forbids_it()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.CreatePodAsync("a", labels: "{app: x}");
        await cluster.CreateAsync("/apis/policy/v1/namespaces/default/poddisruptionbudgets", "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: b}, spec: {minAvailable: 1, selector: {matchLabels: {app: x}}}}");
        await cluster.BindAsync("a", "n1");
        await cluster.UntilPodAsync("a", "Running");
        var eviction = TestCluster.Yaml("{apiVersion: policy/v1, kind: Eviction, metadata: {name: a}}");
        var refused = await cluster.ExpectAsync(429, "POST", Pods + "/a/eviction", eviction);
        Assert.Equal("Cannot evict pod as it would violate the pod's disruption budget.", refused.StringAt("message"));
        Assert.Equal("DisruptionBudget", refused.ObjectsAt("details", "causes").Single().StringAt("reason"));
        await cluster.ExpectAsync(200, "DELETE", "/apis/policy/v1/namespaces/default/poddisruptionbudgets/b");
        await cluster.ExpectAsync(201, "POST", Pods + "/a/eviction", eviction);
        await cluster.UntilGoneAsync(Pods, "a");
    }

    [Fact]
    public async Task A_lost_node_takes_its_pods_with_it()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.CreatePodAsync("a");
        await cluster.BindAsync("a", "n1");
        await cluster.UntilPodAsync("a", "Running");
        await cluster.ExpectAsync(200, "DELETE", "/api/v1/nodes/n1");
        await cluster.UntilGoneAsync(Pods, "a");
    }

    [Fact]
    public async Task A_gated_pod_cannot_be_bound_until_its_gate_is_lifted()
    {
        await using var cluster = await TestCluster.StartAsync();
        var pod = await cluster.CreatePodAsync("a", "schedulingGates: [{name: x.io/wait}]");
        Assert.Equal("SchedulingGated", pod.ObjectsAt("status", "conditions").Single().StringAt("reason"));
        Assert.Equal(409, (await cluster.BindAsync("a", "n1")).Code);
        await cluster.ExpectAsync(200, "PATCH", Pods + "/a", TestCluster.Yaml("spec: {schedulingGates: null}"), "application/merge-patch+json");
        Assert.Equal(201, (await cluster.BindAsync("a", "n1")).Code);
    }

    [Fact]
    public async Task Hours_pass_in_no_time_on_a_clock_of_the_tests_own()
    {
        var clock = new BarrierClock();
        await using var cluster = await TestCluster.StartAsync(o => o.Clock = clock);
        await cluster.CreatePodAsync("a", annotations: "{weir.scheduler/expected-duration: 4h}");
        await cluster.BindAsync("a", "n1");
        await cluster.UntilPodAsync("a", "Running");
        await clock.ArmedAsync(TimeSpan.FromHours(4), TestCluster.Ct);
        clock.Advance(TimeSpan.FromHours(4) - TimeSpan.FromMilliseconds(1));
        Assert.Equal("Running", (await cluster.GetAsync(Pods + "/a")).StringAt("status", "phase"));
        clock.Advance(TimeSpan.FromMilliseconds(1));
        var pod = await cluster.UntilPodAsync("a", "Succeeded");
        Assert.Equal("2030-01-01T04:00:00Z", pod.ObjectsAt("status", "containerStatuses").Single().StringAt("state", "terminated", "finishedAt"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_pod_that_is_bound_before_its_node_has_a_kubelet_runs_once_it_has(bool isNodeThere)
    {
        await using var cluster = await TestCluster.StartAsync();
        JsonObject node = TestCluster.Yaml("{apiVersion: v1, kind: Node, metadata: {name: n3, annotations: {simulation.weir.scheduler/kubelet: none}}, status: {allocatable: {nvidia.com/gpu: 1, pods: 10}}}");
        if (isNodeThere)
            await cluster.ExpectAsync(201, "POST", "/api/v1/nodes", node);
        await cluster.CreatePodAsync("early");
        await cluster.BindAsync("early", "n3");
        // A pod that is bound later and runs shows that the kubelets have seen the first.
        await cluster.CreatePodAsync("later");
        await cluster.BindAsync("later", "n1");
        await cluster.UntilPodAsync("later", "Running");
        Assert.Equal("Pending", (await cluster.GetAsync(Pods + "/early")).StringAt("status", "phase"));
        node.ObjectAt("metadata")!.Remove("annotations");
        if (isNodeThere)
            await cluster.ExpectAsync(200, "PATCH", "/api/v1/nodes/n3", TestCluster.Yaml("metadata: {annotations: {simulation.weir.scheduler/kubelet: null}}"), "application/merge-patch+json");
        else
            await cluster.ExpectAsync(201, "POST", "/api/v1/nodes", node);
        await cluster.UntilPodAsync("early", "Running");
    }

    [Fact]
    public async Task A_container_that_ends_at_once_starts_again_only_after_a_pause()
    {
        var clock = new BarrierClock();
        await using var cluster = await TestCluster.StartAsync(o => o.Clock = clock);
        await cluster.CreateAsync(Pods, "{apiVersion: v1, kind: Pod, metadata: {name: a, annotations: {simulation.weir.scheduler/duration: 0s}}, spec: {restartPolicy: Always, containers: [{name: c, image: x}]}}");
        await cluster.BindAsync("a", "n1");
        await clock.ArmedAsync(TimeSpan.FromSeconds(1), TestCluster.Ct);
        Assert.Equal(0, Restarts(await cluster.GetAsync(Pods + "/a")));
        clock.Advance(TimeSpan.FromSeconds(1));
        await cluster.UntilAsync(Pods, "a", p => Restarts(p) == 1);

        static long? Restarts(JsonObject pod) => pod.ObjectsAt("status", "containerStatuses").Single().LongAt("restartCount");
    }

    [Fact]
    public async Task Old_events_go()
    {
        var clock = new BarrierClock();
        await using var cluster = await TestCluster.StartAsync(o =>
        {
            o.Clock = clock;
            o.EventTtl = TimeSpan.FromHours(1);
        });
        const string Events = "/api/v1/namespaces/default/events";
        await cluster.CreateAsync(Events, "{apiVersion: v1, kind: Event, metadata: {name: e}, involvedObject: {kind: Pod, name: p, namespace: default}}");
        await clock.ArmedAsync(EventSweep, TestCluster.Ct);
        clock.Advance(TimeSpan.FromHours(1) - EventSweep);
        await cluster.GetAsync(Events + "/e");
        clock.Advance(EventSweep);
        await cluster.UntilGoneAsync(Events, "e");
    }
}
