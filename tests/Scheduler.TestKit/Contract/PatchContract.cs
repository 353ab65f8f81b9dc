using System.Text.Json.Nodes;
using Xunit;

namespace Scheduler.TestKit;

/// <summary>JSON patch, merge patch and strategic merge patch.</summary>
public abstract class PatchContract(IContractServer server) : ContractTest(server)
{
    private const string TwoContainers = """
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"pod","labels":{"a":"1","b":"2"},"annotations":{"x/y":"z"}},
         "spec":{"schedulerName":"contract","containers":[
          {"name":"main","image":"example/main:1"},
          {"name":"side","image":"example/side:1"}]}}
        """;

    private string Path => $"{Pods}/pod";

    [Fact]
    public async Task A_json_patch_adds_replaces_tests_and_removes()
    {
        await CreateAsync();
        var patched = (await Api.PatchAsync(Path, ApiClient.JsonPatch, """
            [{"op":"test","path":"/metadata/labels/a","value":"1"},
             {"op":"replace","path":"/metadata/labels/a","value":"one"},
             {"op":"remove","path":"/metadata/labels/b"},
             {"op":"add","path":"/metadata/annotations/weir.scheduler~1gpu-devices","value":"0,1"},
             {"op":"replace","path":"/spec/containers/1/image","value":"example/side:2"}]
            """, Cancel)).Expect(200);
        Assert.Equal("one", patched.TextAt("metadata.labels.a"));
        Assert.Null(patched.TextAt("metadata.labels.b"));
        Assert.Equal("0,1", patched.Body["metadata"]!["annotations"]!["weir.scheduler/gpu-devices"]!.GetValue<string>());
        Assert.Equal("example/side:2", patched.TextAt("spec.containers.1.image"));
        Assert.Equal("example/main:1", patched.TextAt("spec.containers.0.image"));
    }

    [Fact]
    public async Task A_json_patch_whose_test_fails_is_422_and_changes_nothing()
    {
        var created = await CreateAsync();
        (await Api.PatchAsync(Path, ApiClient.JsonPatch, """
            [{"op":"replace","path":"/metadata/labels/b","value":"two"},{"op":"test","path":"/metadata/labels/a","value":"other"}]
            """, Cancel)).ExpectFailure(422, "Invalid");
        Assert.Equal(created.Version, (await Api.GetAsync(Path, Cancel)).Version);
    }

    [Fact]
    public async Task A_json_patch_of_what_is_not_there_is_422()
    {
        await CreateAsync();
        (await Api.PatchAsync(Path, ApiClient.JsonPatch, """[{"op":"remove","path":"/metadata/labels/nobody"}]""", Cancel)).ExpectFailure(422, "Invalid");
    }

    [Fact]
    public async Task A_merge_patch_merges_maps_removes_nulls_and_replaces_lists()
    {
        await CreateAsync();
        var patched = (await Api.PatchAsync(Path, ApiClient.MergePatch,
            """{"metadata":{"labels":{"a":null,"c":"3"},"finalizers":["weir.scheduler/contract"]}}""", Cancel)).Expect(200);
        Assert.Null(patched.TextAt("metadata.labels.a"));
        Assert.Equal("2", patched.TextAt("metadata.labels.b"));
        Assert.Equal("3", patched.TextAt("metadata.labels.c"));
        patched = (await Api.PatchAsync(Path, ApiClient.MergePatch, """{"metadata":{"finalizers":["weir.scheduler/other"]}}""", Cancel)).Expect(200);
        Assert.Equal("weir.scheduler/other", patched.TextAt("metadata.finalizers.0"));
        Assert.Single(patched.Body.At("metadata.finalizers")!.AsArray());
        // A pod may not lose a container, so a merge patch of one container, which replaces the list, is refused.
        (await Api.PatchAsync(Path, ApiClient.MergePatch, """{"spec":{"containers":[{"name":"side","image":"example/side:2"}]}}""", Cancel))
            .ExpectFailure(422, "Invalid");
        (await Api.PatchAsync(Path, ApiClient.MergePatch, """{"metadata":{"finalizers":null}}""", Cancel)).Expect(200);
    }

    [Fact]
    public async Task A_patch_with_a_stale_version_is_409_and_with_the_current_one_is_taken()
    {
        var created = await CreateAsync();
        var current = (await PatchLabelAsync(created.Version)).Expect(200);
        (await PatchLabelAsync(created.Version)).ExpectFailure(409, "Conflict");
        Assert.Equal(current.Version, (await Api.GetAsync(Path, Cancel)).Version);
    }

    [Fact]
    public async Task A_patch_of_the_uid_is_refused()
    {
        await CreateAsync();
        (await Api.PatchAsync(Path, ApiClient.MergePatch, """{"metadata":{"uid":"11111111-2222-3333-4444-555555555555","labels":{"a":"x"}}}""", Cancel))
            .ExpectFailure(422, "Invalid");
    }

    [Fact]
    public async Task A_strategic_patch_merges_containers_by_name()
    {
        await CreateAsync();
        var patched = (await Api.PatchAsync(Path, ApiClient.StrategicMergePatch,
            """{"metadata":{"labels":{"b":null}},"spec":{"containers":[{"name":"side","image":"example/side:2"}]}}""", Cancel)).Expect(200);
        Assert.Equal(["main example/main:1", "side example/side:2"],
            patched.Body.At("spec.containers")!.AsArray().Select(c => $"{c.TextAt("name")} {c.TextAt("image")}"));
        Assert.Null(patched.TextAt("metadata.labels.b"));
        Assert.Equal("1", patched.TextAt("metadata.labels.a"));
    }

    [Fact]
    public async Task A_strategic_patch_of_the_status_merges_conditions_by_type_and_deletes_them_by_directive()
    {
        await CreateAsync();
        (await StrategicStatusAsync("""[{"type":"PodScheduled","status":"False","reason":"InsufficientGpu","message":"none free"}]""")).Expect(200);
        (await StrategicStatusAsync("""[{"type":"DisruptionTarget","status":"True","reason":"PreemptionByScheduler"}]""")).Expect(200);
        var both = (await StrategicStatusAsync("""[{"type":"PodScheduled","status":"False","reason":"LimitReached"}]""")).Expect(200);
        Assert.Equal("LimitReached", ConditionOf(both, "PodScheduled").TextAt("reason"));
        Assert.Equal("none free", ConditionOf(both, "PodScheduled").TextAt("message"));
        Assert.Equal("True", ConditionOf(both, "DisruptionTarget").TextAt("status"));
        var left = (await StrategicStatusAsync("""[{"type":"DisruptionTarget","$patch":"delete"}]""")).Expect(200);
        Assert.Null(ConditionOf(left, "DisruptionTarget"));
        Assert.Equal("False", ConditionOf(left, "PodScheduled").TextAt("status"));
    }

    [Fact]
    public async Task A_strategic_patch_with_the_replace_directive_replaces_a_map()
    {
        await CreateAsync();
        var patched = (await Api.PatchAsync(Path, ApiClient.StrategicMergePatch, """{"metadata":{"labels":{"$patch":"replace","only":"me"}}}""", Cancel)).Expect(200);
        Assert.Equal(["only"], patched.Body.At("metadata.labels")!.AsObject().Select(label => label.Key));
    }

    [Fact]
    public async Task A_strategic_patch_adds_and_removes_single_finalizers()
    {
        await CreateAsync();
        (await Api.PatchAsync(Path, ApiClient.StrategicMergePatch, """{"metadata":{"finalizers":["weir.scheduler/one"]}}""", Cancel)).Expect(200);
        var two = (await Api.PatchAsync(Path, ApiClient.StrategicMergePatch, """{"metadata":{"finalizers":["weir.scheduler/two"]}}""", Cancel)).Expect(200);
        Assert.Equal(["weir.scheduler/one", "weir.scheduler/two"], FinalizersOf(two));
        var one = (await Api.PatchAsync(Path, ApiClient.StrategicMergePatch,
            """{"metadata":{"$deleteFromPrimitiveList/finalizers":["weir.scheduler/one"]}}""", Cancel)).Expect(200);
        Assert.Equal(["weir.scheduler/two"], FinalizersOf(one));
        (await Api.PatchAsync(Path, ApiClient.MergePatch, """{"metadata":{"finalizers":null}}""", Cancel)).Expect(200);
    }

    [Fact]
    public async Task A_patch_of_a_kind_that_is_not_known_is_415()
    {
        await CreateAsync();
        (await Api.PatchAsync(Path, "application/json", """{"metadata":{"labels":{"a":"x"}}}""", Cancel)).ExpectFailure(415, "UnsupportedMediaType");
    }

    private async Task<ApiResponse> CreateAsync() => (await Api.PostAsync(Pods, TwoContainers, Cancel)).Expect(201);

    private Task<ApiResponse> PatchLabelAsync(string version) =>
        Api.PatchAsync(Path, ApiClient.MergePatch, $$"""{"metadata":{"resourceVersion":"{{version}}","labels":{"v":"{{version}}"} } }""", Cancel);

    private Task<ApiResponse> StrategicStatusAsync(string conditions) =>
        Api.PatchAsync($"{Path}/status", ApiClient.StrategicMergePatch, $$"""{"status":{"conditions":{{conditions}} } }""", Cancel);

    private static JsonNode? ConditionOf(ApiResponse pod, string type) =>
        pod.Body.At("status.conditions")?.AsArray().SingleOrDefault(condition => condition.TextAt("type") == type);

    private static IEnumerable<string> FinalizersOf(ApiResponse pod) => pod.Body.At("metadata.finalizers")!.AsArray().Select(item => item!.GetValue<string>()).Order(StringComparer.Ordinal);
}
