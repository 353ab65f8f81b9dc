using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;
using Xunit;

namespace Scheduler.Simulation.Tests.Cluster;

public sealed class ObjectTests
{
    private const string Pods = "/api/v1/namespaces/default/pods";
    private const string Maps = "/api/v1/namespaces/default/configmaps";

    [Fact]
    public async Task A_created_pod_has_an_identity_and_the_defaults_that_a_scheduler_sees()
    {
        await using var cluster = await TestCluster.StartAsync();
        var pod = await cluster.CreatePodAsync("a");
        Assert.NotEmpty(pod.StringAt("metadata", "uid")!);
        Assert.NotEmpty(pod.StringAt("metadata", "resourceVersion")!);
        Assert.Equal("default-scheduler", pod.StringAt("spec", "schedulerName"));
        Assert.Equal(30, pod.LongAt("spec", "terminationGracePeriodSeconds"));
        Assert.Equal(0, pod.LongAt("spec", "priority"));
        Assert.Equal("Pending", pod.StringAt("status", "phase"));
        Assert.Equal("1", pod.ObjectsAt("spec", "containers").Single().StringAt("resources", "requests", "nvidia.com/gpu"));
        Assert.Null(pod.At("metadata", "generation"));
    }

    [Fact]
    public async Task A_name_that_is_taken_is_a_conflict_and_a_missing_object_is_not_found()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.CreatePodAsync("a");
        var again = await cluster.ExpectAsync(409, "POST", Pods, TestCluster.Yaml("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: x}]}}"));
        Assert.Equal("AlreadyExists", again.StringAt("reason"));
        Assert.Equal("pods \"a\" already exists", again.StringAt("message"));
        var missing = await cluster.ExpectAsync(404, "GET", Pods + "/b");
        Assert.Equal("pods \"b\" not found", missing.StringAt("message"));
        Assert.Equal("b", missing.StringAt("details", "name"));
        var noSpace = await cluster.ExpectAsync(404, "POST", "/api/v1/namespaces/none/pods", TestCluster.Yaml("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: x}]}}"));
        Assert.Equal("namespaces \"none\" not found", noSpace.StringAt("message"));
    }

    [Fact]
    public async Task A_generated_name_begins_with_its_prefix()
    {
        await using var cluster = await TestCluster.StartAsync();
        var map = await cluster.CreateAsync(Maps, "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: g-}}");
        Assert.Matches("^g-[a-z0-9]{5}$", map.StringAt("metadata", "name"));
    }

    [Fact]
    public async Task An_invalid_pod_is_refused_with_every_cause()
    {
        await using var cluster = await TestCluster.StartAsync();
        var status = await cluster.ExpectAsync(422, "POST", Pods, TestCluster.Yaml(
            "{apiVersion: v1, kind: Pod, metadata: {name: Bad_Name}, spec: {containers: [{name: c, image: x, resources: {requests: {nvidia.com/gpu: 1, cpu: 2}, limits: {cpu: 1}}}]}}"));
        Assert.Equal("Invalid", status.StringAt("reason"));
        var fields = status.ObjectsAt("details", "causes").Select(c => c.StringAt("field")).ToList();
        Assert.Contains("metadata.name", fields);
        Assert.Contains("spec.containers[0].resources.requests", fields);
        Assert.Contains("spec.containers[0].resources.limits", fields);
    }

    [Fact]
    public async Task A_fraction_of_a_device_is_no_valid_request()
    {
        await using var cluster = await TestCluster.StartAsync();
        var status = await cluster.ExpectAsync(422, "POST", Pods, TestCluster.Yaml(
            "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: x, resources: {limits: {nvidia.com/gpu: \"0.5\"}}}]}}"));
        Assert.Contains("must be an integer", status.StringAt("message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_priority_class_gives_its_value_and_an_unknown_one_is_forbidden()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.CreateAsync("/apis/scheduling.k8s.io/v1/priorityclasses", "{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: high}, value: 77}");
        Assert.Equal(77, (await cluster.CreatePodAsync("a", "priorityClassName: high")).LongAt("spec", "priority"));
        var refused = await cluster.ExpectAsync(403, "POST", Pods, TestCluster.Yaml("{apiVersion: v1, kind: Pod, metadata: {name: b}, spec: {priorityClassName: nope, containers: [{name: c, image: x}]}}"));
        Assert.Equal("pods \"b\" is forbidden: no PriorityClass with name nope was found", refused.StringAt("message"));
    }

    [Fact]
    public async Task An_update_of_an_old_version_is_a_conflict()
    {
        await using var cluster = await TestCluster.StartAsync();
        var first = await cluster.CreateAsync(Maps, "{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {a: '1'}}");
        var changed = first.DeepClone().AsObject();
        changed.Child("data")["a"] = "2";
        var second = await cluster.ExpectAsync(200, "PUT", Maps + "/m", changed);
        Assert.NotEqual(first.StringAt("metadata", "resourceVersion"), second.StringAt("metadata", "resourceVersion"));
        var status = await cluster.ExpectAsync(409, "PUT", Maps + "/m", changed);
        Assert.Equal("Operation cannot be fulfilled on configmaps \"m\": the object has been modified; please apply your changes to the latest version and try again", status.StringAt("message"));
    }

    [Fact]
    public async Task An_update_that_changes_nothing_keeps_the_version()
    {
        await using var cluster = await TestCluster.StartAsync();
        var map = await cluster.CreateAsync(Maps, "{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {a: '1'}}");
        var same = await cluster.ExpectAsync(200, "PUT", Maps + "/m", map);
        Assert.Equal(map.StringAt("metadata", "resourceVersion"), same.StringAt("metadata", "resourceVersion"));
    }

    [Fact]
    public async Task A_pods_node_cannot_be_changed_by_an_update()
    {
        await using var cluster = await TestCluster.StartAsync();
        var pod = await cluster.CreatePodAsync("a");
        pod.Child("spec")["nodeName"] = "n1";
        var status = await cluster.ExpectAsync(422, "PUT", Pods + "/a", pod);
        Assert.Contains("pod updates may not change fields other than", status.StringAt("message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_status_changes_only_through_its_subresource_and_the_specification_only_outside_of_it()
    {
        await using var cluster = await TestCluster.StartAsync();
        var pod = await cluster.CreatePodAsync("a");
        pod.Child("status")["phase"] = "Running";
        Assert.Equal("Pending", (await cluster.ExpectAsync(200, "PUT", Pods + "/a", pod)).StringAt("status", "phase"));
        pod.Child("spec")["nodeName"] = "n1";
        pod.Child("metadata").Remove("resourceVersion");
        var updated = await cluster.ExpectAsync(200, "PUT", Pods + "/a/status", pod);
        Assert.Equal("Running", updated.StringAt("status", "phase"));
        Assert.Null(updated.StringAt("spec", "nodeName"));
    }

    [Fact]
    public async Task A_new_specification_is_a_new_generation_and_a_new_label_is_not()
    {
        await using var cluster = await TestCluster.StartAsync(o => o.RunsControllers = false);
        const string Deployments = "/apis/apps/v1/namespaces/default/deployments";
        await cluster.CreateAsync(Deployments, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: x}]}}}}");
        var labelled = await cluster.ExpectAsync(200, "PATCH", Deployments + "/d", TestCluster.Yaml("metadata: {labels: {x: y}}"), "application/merge-patch+json");
        Assert.Equal(1, labelled.LongAt("metadata", "generation"));
        var scaled = await cluster.ExpectAsync(200, "PATCH", Deployments + "/d/scale", TestCluster.Yaml("spec: {replicas: 3}"), "application/merge-patch+json");
        Assert.Equal(3, scaled.LongAt("spec", "replicas"));
        Assert.Equal(2, (await cluster.GetAsync(Deployments + "/d")).LongAt("metadata", "generation"));
    }

    [Fact]
    public async Task A_dry_run_stores_nothing()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.ExpectAsync(201, "POST", Maps + "?dryRun=All", TestCluster.Yaml("{apiVersion: v1, kind: ConfigMap, metadata: {name: m}}"));
        await cluster.ExpectAsync(404, "GET", Maps + "/m");
    }

    [Fact]
    public async Task A_body_beyond_three_mebibytes_is_too_large()
    {
        await using var cluster = await TestCluster.StartAsync();
        var map = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "ConfigMap", ["metadata"] = new JsonObject { ["name"] = "m" }, ["data"] = new JsonObject { ["a"] = new string('x', 4 << 20) } };
        Assert.Equal("RequestEntityTooLarge", (await cluster.ExpectAsync(413, "POST", Maps, map)).StringAt("reason"));
    }

    [Fact]
    public async Task A_body_of_an_unknown_format_is_refused()
    {
        await using var cluster = await TestCluster.StartAsync();
        using var content = new ByteArrayContent([1, 2, 3]);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/vnd.kubernetes.protobuf");
        using var answer = await cluster.Http.PostAsync(Maps, content, TestCluster.Ct);
        Assert.Equal(415, (int)answer.StatusCode);
    }

    [Fact]
    public async Task Events_are_the_same_objects_in_both_of_their_groups()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.CreateAsync("/apis/events.k8s.io/v1/namespaces/default/events", "{apiVersion: events.k8s.io/v1, kind: Event, metadata: {name: e}, regarding: {kind: Pod, name: p}, note: hello, reason: R, type: Normal}");
        var core = await cluster.GetAsync("/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Dp");
        Assert.Equal("hello", core.ObjectsAt("items").Single().StringAt("message"));
        var other = await cluster.GetAsync("/apis/events.k8s.io/v1/namespaces/default/events/e");
        Assert.Equal("events.k8s.io/v1", other.StringAt("apiVersion"));
        Assert.Equal("hello", other.StringAt("note"));
    }

    [Fact]
    public async Task A_port_in_use_is_named_in_one_clear_exception()
    {
        await using var cluster = await TestCluster.StartAsync();
        var port = cluster.Cluster.Address.Port;
        var e = await Assert.ThrowsAsync<SimulatedCluster.AddressInUseException>(() => TestCluster.StartAsync(o => o.Port = port));
        Assert.Equal(port, e.Port);
    }
}
