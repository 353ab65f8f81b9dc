using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using Xunit;

namespace Scheduler.TestKit;

/// <summary>What is special about pods and nodes: status, binding, deletion, priority.</summary>
public abstract class PodContract(IContractServer server) : ContractTest(server)
{
    [Fact]
    public async Task A_new_pod_is_pending_and_has_the_defaults_that_a_scheduler_reads()
    {
        var pod = (await Api.PostAsync(Pods, """
            {"apiVersion":"v1","kind":"Pod","metadata":{"name":"pod"},"spec":{"containers":[{"name":"main","image":"example/main:1","resources":{"limits":{"nvidia.com/gpu":"2","cpu":"1500m"}}}]}}
            """, Cancel)).Expect(201);
        Assert.Equal("Pending", pod.TextAt("status.phase"));
        Assert.Equal("default-scheduler", pod.TextAt("spec.schedulerName"));
        Assert.Equal("Always", pod.TextAt("spec.restartPolicy"));
        Assert.Equal("30", pod.TextAt("spec.terminationGracePeriodSeconds"));
        Assert.Equal("0", pod.TextAt("spec.priority"));
        Assert.Equal("PreemptLowerPriority", pod.TextAt("spec.preemptionPolicy"));
        // Limits are requests where nothing else is said.
        var requests = pod.Body.At("spec.containers.0.resources.requests")!;
        Assert.Equal("2", requests["nvidia.com/gpu"]!.GetValue<string>());
        Assert.Equal("1500m", requests["cpu"]!.GetValue<string>());
        Assert.Null(pod.TextAt("spec.nodeName"));
    }

    [Fact]
    public async Task A_pod_without_containers_is_422()
    {
        var refused = (await Api.PostAsync(Pods, """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"pod"},"spec":{"containers":[]}}""", Cancel))
            .ExpectFailure(422, "Invalid");
        Assert.Contains("spec.containers", refused.TextAt("message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_is_ignored_on_the_object_and_the_rest_is_ignored_on_status()
    {
        var created = (await Api.PostAsync(Pods, Pod("pod").Replace("\"spec\":", "\"status\":{\"phase\":\"Running\"},\"spec\":", StringComparison.Ordinal), Cancel)).Expect(201);
        Assert.Equal("Pending", created.TextAt("status.phase"));

        var body = created.Body;
        body["metadata"]!["labels"] = new JsonObject { ["a"] = "b" };
        body["status"]!["phase"] = "Failed";
        var replaced = (await Api.PutAsync($"{Pods}/pod", body, Cancel)).Expect(200);
        Assert.Equal("b", replaced.TextAt("metadata.labels.a"));
        Assert.Equal("Pending", replaced.TextAt("status.phase"));

        body = replaced.Body;
        body["spec"]!["containers"]![0]!["image"] = "example/other:1";
        body["status"]!["phase"] = "Running";
        var status = (await Api.PutAsync($"{Pods}/pod/status", body, Cancel)).Expect(200);
        Assert.Equal("Running", status.TextAt("status.phase"));
        Assert.Equal("example/main:1", status.TextAt("spec.containers.0.image"));
        Assert.Equal("Running", (await Api.GetAsync($"{Pods}/pod/status", Cancel)).Expect(200).TextAt("status.phase"));
    }

    [Fact]
    public async Task Status_keeps_what_a_scheduler_writes_into_it()
    {
        await CreatePodAsync("pod");
        var written = await PatchStatusAsync($"{Pods}/pod", """
            {"nominatedNodeName":"contract-node","conditions":[{"type":"PodScheduled","status":"False","reason":"InsufficientGpu","message":"0 of 8 free","lastTransitionTime":"2026-01-02T03:04:05Z"}]}
            """);
        Assert.Equal("contract-node", written.TextAt("status.nominatedNodeName"));
        Assert.Equal("0 of 8 free", written.TextAt("status.conditions.0.message"));
        Assert.Equal("2026-01-02T03:04:05Z", written.TextAt("status.conditions.0.lastTransitionTime"));
    }

    [Fact]
    public async Task The_spec_of_a_pod_is_fixed_but_for_a_few_fields()
    {
        var body = (await CreatePodAsync("pod")).Body;
        body["spec"]!["nodeName"] = "contract-node";
        (await Api.PutAsync($"{Pods}/pod", body, Cancel)).ExpectFailure(422, "Invalid");
        (await Api.PatchAsync($"{Pods}/pod", ApiClient.MergePatch, """{"spec":{"schedulerName":"other"}}""", Cancel)).ExpectFailure(422, "Invalid");
        (await Api.PatchAsync($"{Pods}/pod", ApiClient.StrategicMergePatch,
            """{"spec":{"containers":[{"name":"main","image":"example/main:2"}]}}""", Cancel)).Expect(200);
    }

    [Fact]
    public async Task Binding_sets_the_node_merges_annotations_and_reports_PodScheduled()
    {
        var node = await CreateNodeAsync();
        (await Api.PostAsync(Pods, Pod("pod").Replace("\"labels\":{}", "\"annotations\":{\"kept\":\"yes\",\"weir.scheduler/gpu-devices\":\"old\"}", StringComparison.Ordinal), Cancel))
            .Expect(201);
        var bound = (await BindAsync("pod", node, """{"weir.scheduler/gpu-devices":"0,1"}""")).Expect(201);
        Assert.Equal("Status", bound.TextAt("kind"));
        Assert.Equal("Success", bound.TextAt("status"));

        var pod = (await Api.GetAsync($"{Pods}/pod", Cancel)).Expect(200);
        Assert.Equal(node, pod.TextAt("spec.nodeName"));
        Assert.Equal("yes", pod.TextAt("metadata.annotations.kept"));
        Assert.Equal("0,1", pod.Body["metadata"]!["annotations"]!["weir.scheduler/gpu-devices"]!.GetValue<string>());
        var condition = pod.Body.At("status.conditions")!.AsArray().Single(item => item.TextAt("type") == "PodScheduled");
        Assert.Equal("True", condition.TextAt("status"));
        Assert.Null(condition.TextAt("reason"));
    }

    [Fact]
    public async Task Binding_a_bound_pod_is_409_and_leaves_it_where_it_is()
    {
        var (first, second) = (await CreateNodeAsync(), await CreateNodeAsync());
        await CreatePodAsync("pod");
        (await BindAsync("pod", first)).Expect(201);
        (await BindAsync("pod", second)).ExpectFailure(409, "Conflict");
        (await BindAsync("pod", first)).ExpectFailure(409, "Conflict");
        Assert.Equal(first, (await Api.GetAsync($"{Pods}/pod", Cancel)).TextAt("spec.nodeName"));
    }

    [Fact]
    public async Task Binding_replaces_a_PodScheduled_condition_that_said_no()
    {
        var node = await CreateNodeAsync();
        await CreatePodAsync("pod");
        await PatchStatusAsync($"{Pods}/pod", """{"conditions":[{"type":"PodScheduled","status":"False","reason":"LimitReached","message":"x"}]}""");
        (await BindAsync("pod", node)).Expect(201);
        var conditions = (await Api.GetAsync($"{Pods}/pod", Cancel)).Body.At("status.conditions")!.AsArray();
        Assert.Equal("True", conditions.Single(item => item.TextAt("type") == "PodScheduled").TextAt("status"));
    }

    [Fact]
    public async Task Binding_a_pod_that_is_not_there_is_404() =>
        (await BindAsync("nobody", await CreateNodeAsync())).ExpectFailure(404, "NotFound");

    [Fact]
    public async Task A_binding_with_the_name_of_another_pod_is_400_and_binds_nothing()
    {
        var node = await CreateNodeAsync();
        await CreatePodAsync("pod");
        (await Api.PostAsync($"{Pods}/pod/binding", $$"""
            {"apiVersion":"v1","kind":"Binding","metadata":{"name":"other"},"target":{"kind":"Node","name":"{{node}}"} }
            """, Cancel)).ExpectFailure(400, "BadRequest");
        Assert.Null((await Api.GetAsync($"{Pods}/pod", Cancel)).TextAt("spec.nodeName"));
    }

    [Fact]
    public async Task A_new_pod_tolerates_a_broken_node_for_five_minutes_unless_it_says_otherwise()
    {
        var plain = await CreatePodAsync("plain");
        Assert.Equal(["node.kubernetes.io/not-ready Exists NoExecute 300", "node.kubernetes.io/unreachable Exists NoExecute 300"], TolerationsOf(plain));
        var own = await CreatePodAsync("own", spec: """
            "tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":7},{"key":"nvidia.com/gpu","operator":"Exists"}],
            """);
        Assert.Equal(["node.kubernetes.io/not-ready Exists NoExecute 7", "node.kubernetes.io/unreachable Exists NoExecute 300", "nvidia.com/gpu Exists  "], TolerationsOf(own));
    }

    [Fact]
    public async Task A_binding_may_name_the_uid_of_the_pod()
    {
        // Kubernetes 1.20 does not compare it and newer versions do, so that a wrong one is refused cannot be relied on.
        var pod = await CreatePodAsync("pod");
        (await BindAsync("pod", await CreateNodeAsync(), uid: pod.TextAt("metadata.uid"))).Expect(201);
    }

    [Fact]
    public async Task Binding_a_pod_that_is_leaving_is_409()
    {
        (await Api.PostAsync(Pods, Pod("pod").Replace("\"labels\":{}", "\"finalizers\":[\"weir.scheduler/contract\"]", StringComparison.Ordinal), Cancel)).Expect(201);
        (await Api.DeleteAsync($"{Pods}/pod", Cancel)).Expect(200);
        (await BindAsync("pod", await CreateNodeAsync())).ExpectFailure(409, "Conflict");
        (await Api.PatchAsync($"{Pods}/pod", ApiClient.MergePatch, """{"metadata":{"finalizers":null}}""", Cancel)).Expect(200);
    }

    [Fact]
    public async Task Of_many_bindings_of_one_pod_at_once_exactly_one_wins()
    {
        var nodes = new List<string>();
        for (var i = 0; i < 8; i++) nodes.Add(await CreateNodeAsync());
        await CreatePodAsync("pod");
        var answers = await Task.WhenAll(nodes.Select(node => BindAsync("pod", node)));
        var winner = Assert.Single(Enumerable.Range(0, nodes.Count), i => answers[i].Code == 201);
        Assert.All(answers.Where(answer => answer.Code != 201), answer => answer.ExpectFailure(409, "Conflict"));
        Assert.Equal(nodes[winner], (await Api.GetAsync($"{Pods}/pod", Cancel)).TextAt("spec.nodeName"));
    }

    [Fact]
    public async Task The_typed_client_binds()
    {
        var node = await CreateNodeAsync();
        await CreatePodAsync("pod");
        using var client = Server.Endpoint.CreateClient();
        var binding = new V1Binding { Metadata = new() { Name = "pod" }, Target = new() { ApiVersion = "v1", Kind = "Node", Name = node } };
        using var answer = await client.CoreV1.CreateNamespacedPodBindingWithHttpMessagesAsync(binding, "pod", Namespace, cancellationToken: Cancel);
        Assert.Equal(201, (int)answer.Response.StatusCode);
        Assert.Equal(node, (await client.CoreV1.ReadNamespacedPodAsync("pod", Namespace, cancellationToken: Cancel)).Spec.NodeName);
    }

    [Fact]
    public async Task Deleting_an_unbound_pod_removes_it_at_once()
    {
        await CreatePodAsync("pod");
        (await Api.DeleteAsync($"{Pods}/pod", Cancel)).Expect(200);
        (await Api.GetAsync($"{Pods}/pod", Cancel)).Expect(404);
    }

    [Fact]
    public async Task Deleting_a_bound_pod_marks_it_and_its_kubelet_removes_it_with_grace_zero()
    {
        var pod = await CreateBoundPodAsync("pod");
        var leaving = (await Api.DeleteAsync($"{Pods}/pod", Cancel)).Expect(200);
        Assert.Equal("Pod", leaving.TextAt("kind"));
        Assert.Equal("30", leaving.TextAt("metadata.deletionGracePeriodSeconds"));
        Assert.NotNull(leaving.TextAt("metadata.deletionTimestamp"));
        Assert.Equal(pod.TextAt("metadata.uid"), (await Api.GetAsync($"{Pods}/pod", Cancel)).Expect(200).TextAt("metadata.uid"));
        (await Api.DeleteAsync($"{Pods}/pod?gracePeriodSeconds=0", Cancel)).Expect(200);
        (await Api.GetAsync($"{Pods}/pod", Cancel)).Expect(404);
    }

    [Fact]
    public async Task The_grace_of_a_deletion_may_be_given_and_later_shortened_but_not_made_longer()
    {
        await CreateBoundPodAsync("pod");
        var first = (await Api.DeleteAsync($"{Pods}/pod", Cancel, """{"apiVersion":"v1","kind":"DeleteOptions","gracePeriodSeconds":120}""")).Expect(200);
        Assert.Equal("120", first.TextAt("metadata.deletionGracePeriodSeconds"));
        (await Api.DeleteAsync($"{Pods}/pod?gracePeriodSeconds=600", Cancel)).Expect(200);
        Assert.Equal("120", (await Api.GetAsync($"{Pods}/pod", Cancel)).TextAt("metadata.deletionGracePeriodSeconds"));
        (await Api.DeleteAsync($"{Pods}/pod?gracePeriodSeconds=5", Cancel)).Expect(200);
        Assert.Equal("5", (await Api.GetAsync($"{Pods}/pod", Cancel)).TextAt("metadata.deletionGracePeriodSeconds"));
    }

    [Fact]
    public async Task Deleting_a_bound_pod_that_has_ended_removes_it_at_once()
    {
        await CreateBoundPodAsync("pod");
        await PatchStatusAsync($"{Pods}/pod", """{"phase":"Succeeded"}""");
        (await Api.DeleteAsync($"{Pods}/pod", Cancel)).Expect(200);
        (await Api.GetAsync($"{Pods}/pod", Cancel)).Expect(404);
    }

    [Fact]
    public async Task A_graceful_deletion_is_a_MODIFIED_event_and_the_removal_is_DELETED()
    {
        var pod = await CreateBoundPodAsync("pod");
        using var watch = await Api.WatchAsync($"{Pods}?watch=true&resourceVersion={pod.Version}&timeoutSeconds=60", Cancel);
        (await Api.DeleteAsync($"{Pods}/pod", Cancel)).Expect(200);
        var marked = await watch.ExpectAsync("MODIFIED", "pod", Cancel);
        Assert.NotNull(marked.Object.TextAt("metadata.deletionTimestamp"));
        (await Api.DeleteAsync($"{Pods}/pod?gracePeriodSeconds=0", Cancel)).Expect(200);
        await watch.ExpectPodRemovedAsync("pod", Cancel);
    }

    [Fact]
    public async Task A_priority_class_gives_a_pod_its_priority_and_an_unknown_one_is_403()
    {
        var name = Unique("contract");
        (await Api.PostAsync("/apis/scheduling.k8s.io/v1/priorityclasses", $$"""
            {"apiVersion":"scheduling.k8s.io/v1","kind":"PriorityClass","metadata":{"name":"{{name}}"},"value":1234,"preemptionPolicy":"Never"}
            """, Cancel)).Expect(201);
        var pod = await CreatePodAsync("pod", spec: $"\"priorityClassName\":\"{name}\",");
        Assert.Equal("1234", pod.TextAt("spec.priority"));
        Assert.Equal("Never", pod.TextAt("spec.preemptionPolicy"));
        Assert.Equal(name, pod.TextAt("spec.priorityClassName"));

        var refused = (await Api.PostAsync(Pods, Pod("other", spec: "\"priorityClassName\":\"contract-unknown\","), Cancel)).ExpectFailure(403, "Forbidden");
        Assert.Contains("contract-unknown", refused.TextAt("message"), StringComparison.Ordinal);
        Assert.Equal("2000000000", (await Api.GetAsync("/apis/scheduling.k8s.io/v1/priorityclasses/system-cluster-critical", Cancel)).Expect(200).TextAt("value"));
        (await Api.DeleteAsync($"/apis/scheduling.k8s.io/v1/priorityclasses/{name}", Cancel)).Expect(200);
    }

    [Fact]
    public async Task A_node_has_a_status_subresource_and_is_marked_unschedulable_on_its_spec()
    {
        var node = await CreateNodeAsync();
        var path = $"/api/v1/nodes/{node}";
        var status = await PatchStatusAsync(path, """
            {"capacity":{"cpu":"64","memory":"256Gi","pods":"110","nvidia.com/gpu":"8"},"allocatable":{"cpu":"63500m","memory":"250Gi","pods":"110","nvidia.com/gpu":"8"},
             "conditions":[{"type":"Ready","status":"True","reason":"KubeletReady"}]}
            """);
        Assert.Equal("8", status.Body["status"]!["allocatable"]!["nvidia.com/gpu"]!.GetValue<string>());
        Assert.Equal("63500m", status.TextAt("status.allocatable.cpu"));
        var cordoned = (await Api.PatchAsync(path, ApiClient.StrategicMergePatch,
            """{"spec":{"unschedulable":true,"taints":[{"key":"weir.scheduler/quarantine","effect":"NoSchedule"}]},"status":{"allocatable":{"cpu":"1"}}}""", Cancel)).Expect(200);
        Assert.Equal("true", cordoned.TextAt("spec.unschedulable"));
        Assert.Equal("weir.scheduler/quarantine", cordoned.TextAt("spec.taints.0.key"));
        Assert.Equal("63500m", cordoned.TextAt("status.allocatable.cpu"));
    }

    [Fact]
    public async Task A_node_may_be_created_with_its_status_as_kubelets_do()
    {
        var name = Unique("contract-node");
        var created = (await Api.PostAsync("/api/v1/nodes", $$"""
            {"apiVersion":"v1","kind":"Node","metadata":{"name":"{{name}}"},"status":{"allocatable":{"cpu":"4"},"conditions":[{"type":"Ready","status":"True"}]} }
            """, Cancel)).Expect(201);
        Assert.Equal("4", created.TextAt("status.allocatable.cpu"));
        Assert.Equal("Ready", (await Api.GetAsync($"/api/v1/nodes/{name}", Cancel)).TextAt("status.conditions.0.type"));
    }

    private static string[] TolerationsOf(ApiResponse pod) =>
        [.. pod.Body.At("spec.tolerations")!.AsArray()
            .Select(t => $"{t.TextAt("key")} {t.TextAt("operator")} {t.TextAt("effect")} {t.TextAt("tolerationSeconds")}").Order(StringComparer.Ordinal)];

    private async Task<ApiResponse> CreateBoundPodAsync(string name)
    {
        var node = await CreateNodeAsync();
        await CreatePodAsync(name);
        (await BindAsync(name, node)).Expect(201);
        return (await Api.GetAsync($"{Pods}/{name}", Cancel)).Expect(200);
    }
}
