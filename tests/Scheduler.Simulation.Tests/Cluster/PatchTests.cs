using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;
using Xunit;

namespace Scheduler.Simulation.Tests.Cluster;

public sealed class PatchTests
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";
    private const string Deployments = "/apis/apps/v1/namespaces/default/deployments";
    private const string Strategic = "application/strategic-merge-patch+json";

    private static async Task<TestCluster> WithDeploymentAsync()
    {
        var cluster = await TestCluster.StartAsync(o => o.RunsControllers = false);
        await cluster.CreateAsync(
            Deployments,
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: d}
            spec:
              selector: {matchLabels: {a: b}}
              template:
                metadata: {labels: {a: b}}
                spec:
                  tolerations: [{key: k1, operator: Exists}]
                  volumes: [{name: v1, emptyDir: {}}]
                  containers:
                  - {name: one, image: x, env: [{name: A, value: "1"}, {name: B, value: "2"}], args: [p, q]}
                  - {name: two, image: y}
            """);
        return cluster;
    }

    private static JsonNode? PodSpec(JsonObject deployment) => deployment.At("spec", "template", "spec");

    [Fact]
    public async Task A_merge_patch_sets_and_removes()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.CreateAsync(Maps, "{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {a: '1', b: '2'}}");
        var map = await cluster.ExpectAsync(200, "PATCH", Maps + "/m", TestCluster.Yaml("data: {a: null, c: '3'}"), "application/merge-patch+json");
        Assert.Equal("{\"b\":\"2\",\"c\":\"3\"}", map.At("data")!.ToJsonString());
    }

    [Fact]
    public async Task A_json_patch_tests_before_it_changes()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.CreateAsync(Maps, "{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {a/b: '1'}}");
        var right = JsonNode.Parse("""[{"op":"test","path":"/data/a~1b","value":"1"},{"op":"replace","path":"/data/a~1b","value":"2"},{"op":"add","path":"/data/c","value":"3"}]""");
        Assert.Equal("2", (await cluster.ExpectAsync(200, "PATCH", Maps + "/m", right, "application/json-patch+json")).StringAt("data", "a/b"));
        await cluster.ExpectAsync(422, "PATCH", Maps + "/m", right, "application/json-patch+json");
    }

    [Fact]
    public async Task A_strategic_patch_merges_containers_and_their_environment_by_name()
    {
        await using var cluster = await WithDeploymentAsync();
        var patched = await cluster.ExpectAsync(200, "PATCH", Deployments + "/d", TestCluster.Yaml("spec: {template: {spec: {containers: [{name: one, env: [{name: B, value: '3'}, {name: C, value: '4'}]}]}}}"), Strategic);
        var containers = PodSpec(patched).ObjectsAt("containers").ToList();
        Assert.Equal(["one", "two"], containers.Select(c => c.StringAt("name")));
        Assert.Equal("A=1,B=3,C=4", string.Join(',', containers[0].ObjectsAt("env").Select(e => $"{e.StringAt("name")}={e.StringAt("value")}")));
        Assert.Equal("x", containers[0].StringAt("image"));
    }

    [Fact]
    public async Task A_strategic_patch_deletes_items_and_replaces_plain_lists()
    {
        await using var cluster = await WithDeploymentAsync();
        var patched = await cluster.ExpectAsync(
            200, "PATCH", Deployments + "/d",
            TestCluster.Yaml("spec: {template: {spec: {tolerations: [{key: k2, operator: Exists}], containers: [{name: two, $patch: delete}, {name: one, args: [r]}]}}}"), Strategic);
        var container = PodSpec(patched).ObjectsAt("containers").Single();
        Assert.Equal("r", Assert.Single(container.ArrayAt("args")!)!.GetValue<string>());
        Assert.Equal("k2", PodSpec(patched).ObjectsAt("tolerations").Single().StringAt("key"));
    }

    [Fact]
    public async Task A_strategic_patch_can_replace_a_whole_object_and_retain_keys()
    {
        await using var cluster = await WithDeploymentAsync();
        var patched = await cluster.ExpectAsync(
            200, "PATCH", Deployments + "/d",
            TestCluster.Yaml("spec: {strategy: {$retainKeys: [type], type: Recreate}, template: {spec: {volumes: [{name: v1, $retainKeys: [name, hostPath], hostPath: {path: /x}}]}}}"), Strategic);
        Assert.Equal("{\"type\":\"Recreate\"}", patched.At("spec", "strategy")!.ToJsonString());
        Assert.Null(PodSpec(patched).ObjectsAt("volumes").Single().At("emptyDir"));
    }

    [Fact]
    public async Task Finalizers_and_owners_merge_as_sets()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.CreateAsync(Maps, "{apiVersion: v1, kind: ConfigMap, metadata: {name: m, finalizers: [a.io/one]}}");
        var more = await cluster.ExpectAsync(200, "PATCH", Maps + "/m", TestCluster.Yaml("metadata: {finalizers: [b.io/two]}"), Strategic);
        Assert.Equal("[\"a.io/one\",\"b.io/two\"]", more.At("metadata", "finalizers")!.ToJsonString());
        var less = await cluster.ExpectAsync(200, "PATCH", Maps + "/m", TestCluster.Yaml("metadata: {$deleteFromPrimitiveList/finalizers: [a.io/one]}"), Strategic);
        Assert.Equal("[\"b.io/two\"]", less.At("metadata", "finalizers")!.ToJsonString());
    }

    [Fact]
    public async Task A_patch_with_an_old_version_is_a_conflict()
    {
        await using var cluster = await TestCluster.StartAsync();
        var map = await cluster.CreateAsync(Maps, "{apiVersion: v1, kind: ConfigMap, metadata: {name: m}}");
        var patch = TestCluster.Yaml($"{{metadata: {{resourceVersion: '{map.StringAt("metadata", "resourceVersion")}'}}, data: {{a: b}}}}");
        await cluster.ExpectAsync(200, "PATCH", Maps + "/m", patch, "application/merge-patch+json");
        await cluster.ExpectAsync(409, "PATCH", Maps + "/m", patch, "application/merge-patch+json");
    }

    [Fact]
    public async Task Server_side_apply_creates_merges_removes_and_finds_conflicts()
    {
        await using var cluster = await TestCluster.StartAsync();
        const string Apply = "application/apply-patch+yaml";
        string Map(string data) => $"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: m}}, data: {data}}}";
        await cluster.ExpectAsync(201, "PATCH", Maps + "/m?fieldManager=one", TestCluster.Yaml(Map("{a: '1', b: '1'}")), Apply);
        await cluster.ExpectAsync(200, "PATCH", Maps + "/m?fieldManager=two", TestCluster.Yaml(Map("{c: '2'}")), Apply);
        var conflict = await cluster.ExpectAsync(409, "PATCH", Maps + "/m?fieldManager=two", TestCluster.Yaml(Map("{a: '2', c: '2'}")), Apply);
        Assert.Equal("Apply failed with 1 conflict: conflict with \"one\": .data.a", conflict.StringAt("message"));
        var forced = await cluster.ExpectAsync(200, "PATCH", Maps + "/m?fieldManager=two&force=true", TestCluster.Yaml(Map("{a: '2', c: '2'}")), Apply);
        Assert.Equal("2", forced.StringAt("data", "a"));
        var left = await cluster.ExpectAsync(200, "PATCH", Maps + "/m?fieldManager=one", TestCluster.Yaml(Map("{}")), Apply);
        Assert.Equal("{\"a\":\"2\",\"c\":\"2\"}", left.At("data")!.ToJsonString());
    }
}
