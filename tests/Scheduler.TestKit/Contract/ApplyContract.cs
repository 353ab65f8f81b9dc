using Xunit;

namespace Scheduler.TestKit;

/// <summary>Server-side apply: who owns which field.</summary>
public abstract class ApplyContract(IContractServer server) : ContractTest(server)
{
    private string Path => $"{ConfigMaps}/applied";

    [Fact]
    public async Task Applying_creates_with_201_and_changes_with_200()
    {
        var created = (await ApplyAsync("alice", """{"a":"1"}""")).Expect(201);
        Assert.Equal("alice", created.TextAt("metadata.managedFields.0.manager"));
        Assert.Equal("Apply", created.TextAt("metadata.managedFields.0.operation"));
        var changed = (await ApplyAsync("alice", """{"a":"2","b":"3"}""")).Expect(200);
        Assert.Equal("2", changed.TextAt("data.a"));
        Assert.Equal("3", changed.TextAt("data.b"));
        Assert.Equal(created.TextAt("metadata.uid"), changed.TextAt("metadata.uid"));
    }

    [Fact]
    public async Task A_field_that_is_no_longer_applied_goes()
    {
        (await ApplyAsync("alice", """{"a":"1","b":"2"}""")).Expect(201);
        var changed = (await ApplyAsync("alice", """{"a":"1"}""")).Expect(200);
        Assert.Equal("1", changed.TextAt("data.a"));
        Assert.Null(changed.TextAt("data.b"));
    }

    [Fact]
    public async Task Applying_the_same_again_keeps_the_version()
    {
        var created = (await ApplyAsync("alice", """{"a":"1"}""")).Expect(201);
        Assert.Equal(created.Version, (await ApplyAsync("alice", """{"a":"1"}""")).Expect(200).Version);
    }

    [Fact]
    public async Task Two_managers_share_an_object_whose_fields_differ()
    {
        (await ApplyAsync("alice", """{"a":"1"}""")).Expect(201);
        var both = (await ApplyAsync("bob", """{"b":"2"}""")).Expect(200);
        Assert.Equal("1", both.TextAt("data.a"));
        Assert.Equal("2", both.TextAt("data.b"));
        var left = (await ApplyAsync("alice", "{}")).Expect(200);
        Assert.Null(left.TextAt("data.a"));
        Assert.Equal("2", left.TextAt("data.b"));
    }

    [Fact]
    public async Task A_field_of_another_manager_is_a_409_that_names_field_and_manager_and_force_takes_it()
    {
        (await ApplyAsync("alice", """{"a":"1"}""")).Expect(201);
        var refused = (await ApplyAsync("bob", """{"a":"2"}""")).ExpectFailure(409, "Conflict");
        Assert.Equal("FieldManagerConflict", refused.TextAt("details.causes.0.reason"));
        Assert.Equal(".data.a", refused.TextAt("details.causes.0.field"));
        Assert.Contains("alice", refused.TextAt("message"), StringComparison.Ordinal);
        Assert.Equal("1", (await Api.GetAsync(Path, Cancel)).TextAt("data.a"));

        Assert.Equal("2", (await ApplyAsync("bob", """{"a":"2"}""", "&force=true")).Expect(200).TextAt("data.a"));
        (await ApplyAsync("alice", """{"a":"1"}""")).ExpectFailure(409, "Conflict");
    }

    [Fact]
    public async Task The_same_value_from_two_managers_is_no_conflict()
    {
        (await ApplyAsync("alice", """{"a":"1"}""")).Expect(201);
        (await ApplyAsync("bob", """{"a":"1"}""")).Expect(200);
        // Both own it now, so it stays when one of them lets go.
        Assert.Equal("1", (await ApplyAsync("alice", "{}")).Expect(200).TextAt("data.a"));
    }

    [Fact]
    public async Task A_manager_must_say_who_it_is() =>
        Assert.InRange((await Api.PatchAsync(Path, ApiClient.ApplyPatch, Manifest("{}"), Cancel)).Code, 400, 422);

    [Fact]
    public async Task Applying_under_another_name_is_400() =>
        (await Api.PatchAsync($"{Path}?fieldManager=alice", ApiClient.ApplyPatch, Manifest("{}").Replace("applied", "other", StringComparison.Ordinal), Cancel))
            .ExpectFailure(400, "BadRequest");

    [Fact]
    public async Task An_apply_may_be_written_in_yaml()
    {
        var applied = (await Api.PatchAsync($"{Path}?fieldManager=alice", ApiClient.ApplyPatch, """
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: applied
            data:
              a: "1"
            """, Cancel)).Expect(201);
        Assert.Equal("1", applied.TextAt("data.a"));
    }

    [Fact]
    public async Task Applied_lists_are_merged_by_their_keys()
    {
        await CreatePodAsync("pod");
        (await ApplyConditionAsync("alice", "DisruptionTarget")).Expect(200);
        var both = (await ApplyConditionAsync("bob", "weir.scheduler/Queued")).Expect(200);
        var types = both.Body.At("status.conditions")!.AsArray().Select(condition => condition.TextAt("type")).ToArray();
        Assert.Contains("DisruptionTarget", types);
        Assert.Contains("weir.scheduler/Queued", types);
    }

    private Task<ApiResponse> ApplyAsync(string manager, string data, string more = "") =>
        Api.PatchAsync($"{Path}?fieldManager={manager}{more}", ApiClient.ApplyPatch, Manifest(data), Cancel);

    private static string Manifest(string data) => $$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"applied"},"data":{{data}} }""";

    private Task<ApiResponse> ApplyConditionAsync(string manager, string type) =>
        Api.PatchAsync($"{Pods}/pod/status?fieldManager={manager}", ApiClient.ApplyPatch, $$$"""
            {"apiVersion":"v1","kind":"Pod","metadata":{"name":"pod"},
             "status":{"conditions":[{"type":"{{{type}}}","status":"True"}]}}
            """, Cancel);
}
