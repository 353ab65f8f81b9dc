using System.Globalization;
using System.Text.Json.Nodes;
using Xunit;

namespace Scheduler.TestKit;

/// <summary>Creating, replacing and deleting objects, their metadata, and how failures are reported.</summary>
public abstract class ObjectContract(IContractServer server) : ContractTest(server)
{
    [Fact]
    public async Task A_created_object_has_an_identity_and_keeps_it()
    {
        var created = await CreatePodAsync("pod");
        Assert.True(Guid.TryParse(created.TextAt("metadata.uid"), out _), created.Text);
        var age = DateTimeOffset.UtcNow - DateTimeOffset.Parse(created.TextAt("metadata.creationTimestamp")!, CultureInfo.InvariantCulture);
        Assert.InRange(age.TotalSeconds, -5, 60);
        Assert.EndsWith("Z", created.TextAt("metadata.creationTimestamp"), StringComparison.Ordinal);
        Assert.Equal(Namespace, created.TextAt("metadata.namespace"));
        Assert.Equal("Pod", created.TextAt("kind"));

        var changed = (await Api.PatchAsync($"{Pods}/pod", ApiClient.MergePatch, """{"metadata":{"labels":{"a":"b"}}}""", Cancel)).Expect(200);
        Assert.Equal(created.TextAt("metadata.uid"), changed.TextAt("metadata.uid"));
        Assert.Equal(created.TextAt("metadata.creationTimestamp"), changed.TextAt("metadata.creationTimestamp"));
        Assert.NotEqual(created.Version, changed.Version);
    }

    [Fact]
    public async Task What_a_client_says_about_identity_is_ignored_at_creation()
    {
        var created = (await Api.PostAsync(ConfigMaps, """
            {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"mine","uid":"11111111-2222-3333-4444-555555555555","creationTimestamp":"2001-01-01T00:00:00Z"}}
            """, Cancel)).Expect(201);
        Assert.NotEqual("11111111-2222-3333-4444-555555555555", created.TextAt("metadata.uid"));
        Assert.DoesNotContain("2001", created.TextAt("metadata.creationTimestamp"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_resource_version_at_creation_is_refused() =>
        (await Api.PostAsync(ConfigMaps, """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"mine","resourceVersion":"1"}}""", Cancel))
            .Expect(500, orCode: 400);

    [Fact]
    public async Task Versions_of_all_objects_grow_together()
    {
        var first = long.Parse((await CreateConfigMapAsync("a")).Version, CultureInfo.InvariantCulture);
        var second = long.Parse((await CreatePodAsync("b")).Version, CultureInfo.InvariantCulture);
        var list = long.Parse((await Api.GetAsync(ConfigMaps, Cancel)).Version, CultureInfo.InvariantCulture);
        Assert.True(first < second && second <= list, $"{first} < {second} <= {list}");
    }

    [Fact]
    public async Task The_same_name_twice_is_409_AlreadyExists()
    {
        await CreatePodAsync("pod");
        var refused = (await Api.PostAsync(Pods, Pod("pod"), Cancel)).ExpectFailure(409, "AlreadyExists");
        Assert.Equal("pods \"pod\" already exists", refused.TextAt("message"));
        Assert.Equal("pod", refused.TextAt("details.name"));
        Assert.Equal("pods", refused.TextAt("details.kind"));
    }

    [Fact]
    public async Task GenerateName_makes_names_that_differ()
    {
        var body = ConfigMap("x").Replace("\"name\":\"x\"", "\"generateName\":\"made-\"", StringComparison.Ordinal);
        var one = (await Api.PostAsync(ConfigMaps, body, Cancel)).Expect(201).TextAt("metadata.name")!;
        var two = (await Api.PostAsync(ConfigMaps, body, Cancel)).Expect(201).TextAt("metadata.name")!;
        Assert.NotEqual(one, two);
        Assert.Matches("^made-[a-z0-9]{5}$", one);
        Assert.Matches("^made-[a-z0-9]{5}$", two);
    }

    [Fact]
    public async Task What_is_not_there_is_404_and_says_what_was_asked_for()
    {
        var missing = (await Api.GetAsync($"{Pods}/nobody", Cancel)).ExpectFailure(404, "NotFound");
        Assert.Equal("pods \"nobody\" not found", missing.TextAt("message"));
        Assert.Equal("nobody", missing.TextAt("details.name"));
        (await Api.DeleteAsync($"{Pods}/nobody", Cancel)).ExpectFailure(404, "NotFound");
        (await Api.PutAsync($"{ConfigMaps}/nobody", ConfigMap("nobody").Replace("\"labels\":{}", "\"resourceVersion\":\"5\"", StringComparison.Ordinal), Cancel))
            .ExpectFailure(404, "NotFound");
        (await Api.PatchAsync($"{Pods}/nobody", ApiClient.MergePatch, "{}", Cancel)).ExpectFailure(404, "NotFound");
    }

    [Fact]
    public async Task An_unknown_resource_is_404() => (await Api.GetAsync("/apis/nobody.example/v1/things", Cancel)).Expect(404);

    [Fact]
    public async Task A_namespace_that_is_absent_takes_nothing()
    {
        var refused = (await Api.PostAsync("/api/v1/namespaces/contract-nowhere/pods", Pod("pod"), Cancel)).ExpectFailure(404, "NotFound");
        Assert.Equal("namespaces \"contract-nowhere\" not found", refused.TextAt("message"));
        Assert.Empty((await Api.GetAsync("/api/v1/namespaces/contract-nowhere/pods", Cancel)).Expect(200).Items);
    }

    [Fact]
    public async Task A_namespace_other_than_that_of_the_path_is_400()
    {
        var body = Pod("pod").Replace("\"name\":\"pod\"", "\"name\":\"pod\",\"namespace\":\"default\"", StringComparison.Ordinal);
        (await Api.PostAsync(Pods, body, Cancel)).ExpectFailure(400, "BadRequest");
    }

    [Fact]
    public async Task A_body_that_cannot_be_read_is_400() => (await Api.PostAsync(Pods, """{"apiVersion":"v1","kind":"Pod",""", Cancel)).ExpectFailure(400, "BadRequest");

    [Fact]
    public async Task A_name_that_is_not_a_DNS_name_is_422_and_names_the_field()
    {
        var refused = (await Api.PostAsync(ConfigMaps, ConfigMap("Not_A_Name"), Cancel)).ExpectFailure(422, "Invalid");
        Assert.Equal("metadata.name", refused.TextAt("details.causes.0.field"));
        Assert.Contains("metadata.name", refused.TextAt("message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replacing_a_stale_object_is_409_Conflict_and_changes_nothing()
    {
        var first = await CreateConfigMapAsync("a", "1");
        (await Api.PutAsync($"{ConfigMaps}/a", With(first, "two"), Cancel)).Expect(200);
        var refused = (await Api.PutAsync($"{ConfigMaps}/a", With(first, "three"), Cancel)).ExpectFailure(409, "Conflict");
        Assert.Contains("the object has been modified", refused.TextAt("message"), StringComparison.Ordinal);
        Assert.Equal("two", (await Api.GetAsync($"{ConfigMaps}/a", Cancel)).TextAt("data.key"));
    }

    [Fact]
    public async Task Replacing_without_a_version_takes_whatever_is_there()
    {
        var created = await CreateConfigMapAsync("a", "1");
        var replaced = (await Api.PutAsync($"{ConfigMaps}/a", ConfigMap("a", "2"), Cancel)).Expect(200);
        Assert.Equal("2", replaced.TextAt("data.key"));
        Assert.Equal(created.TextAt("metadata.uid"), replaced.TextAt("metadata.uid"));
    }

    [Fact]
    public async Task Replacing_an_object_with_the_uid_of_another_is_409()
    {
        var body = (await CreateConfigMapAsync("a")).Body;
        body["metadata"]!["uid"] = "11111111-2222-3333-4444-555555555555";
        (await Api.PutAsync($"{ConfigMaps}/a", body, Cancel)).ExpectFailure(409, "Conflict");
    }

    [Fact]
    public async Task A_change_that_changes_nothing_keeps_the_version()
    {
        var created = await CreateConfigMapAsync("a", "1");
        Assert.Equal(created.Version, (await Api.PutAsync($"{ConfigMaps}/a", created.Body, Cancel)).Expect(200).Version);
        Assert.Equal(created.Version, (await Api.PatchAsync($"{ConfigMaps}/a", ApiClient.MergePatch, """{"data":{"key":"1"}}""", Cancel)).Expect(200).Version);
    }

    [Fact]
    public async Task Deleting_removes_at_once_and_says_success()
    {
        var created = await CreateConfigMapAsync("a");
        var deleted = (await Api.DeleteAsync($"{ConfigMaps}/a", Cancel)).Expect(200);
        Assert.Equal("Status", deleted.TextAt("kind"));
        Assert.Equal("Success", deleted.TextAt("status"));
        Assert.Equal(created.TextAt("metadata.uid"), deleted.TextAt("details.uid"));
        (await Api.GetAsync($"{ConfigMaps}/a", Cancel)).ExpectFailure(404, "NotFound");
        var again = await CreateConfigMapAsync("a");
        Assert.NotEqual(created.TextAt("metadata.uid"), again.TextAt("metadata.uid"));
    }

    [Fact]
    public async Task Deleting_with_the_uid_or_version_of_another_object_is_409_and_deletes_nothing()
    {
        var created = await CreatePodAsync("pod");
        const string Other = "11111111-2222-3333-4444-555555555555";
        (await Api.DeleteAsync($"{Pods}/pod", Cancel, $$"""{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":"{{Other}}"} }"""))
            .ExpectFailure(409, "Conflict");
        (await Api.DeleteAsync($"{Pods}/pod", Cancel, """{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"resourceVersion":"1"}}"""))
            .ExpectFailure(409, "Conflict");
        (await Api.GetAsync($"{Pods}/pod", Cancel)).Expect(200);
        var uid = created.TextAt("metadata.uid");
        (await Api.DeleteAsync($"{Pods}/pod", Cancel, $$"""{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":"{{uid}}"} }""")).Expect(200);
        (await Api.GetAsync($"{Pods}/pod", Cancel)).Expect(404);
    }

    [Fact]
    public async Task Deleting_a_collection_deletes_what_the_selector_chooses()
    {
        await CreateConfigMapAsync("a", labels: """{"go":"yes"}""");
        await CreateConfigMapAsync("b", labels: """{"go":"yes"}""");
        await CreateConfigMapAsync("c");
        (await Api.DeleteAsync($"{ConfigMaps}?labelSelector=go%3Dyes", Cancel)).Expect(200);
        var left = (await Api.GetAsync(ConfigMaps, Cancel)).Names;
        Assert.DoesNotContain("a", left);
        Assert.DoesNotContain("b", left);
        Assert.Contains("c", left);
    }

    [Fact]
    public async Task An_object_with_a_finalizer_goes_when_the_last_one_is_removed()
    {
        (await Api.PostAsync(ConfigMaps,
            """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","finalizers":["weir.scheduler/contract"]}}""", Cancel)).Expect(201);
        (await Api.DeleteAsync($"{ConfigMaps}/a", Cancel)).Expect(200);
        var leaving = (await Api.GetAsync($"{ConfigMaps}/a", Cancel)).Expect(200);
        Assert.NotNull(leaving.TextAt("metadata.deletionTimestamp"));
        (await Api.PatchAsync($"{ConfigMaps}/a", ApiClient.MergePatch, """{"metadata":{"finalizers":null}}""", Cancel)).Expect(200);
        (await Api.GetAsync($"{ConfigMaps}/a", Cancel)).Expect(404);
    }

    [Fact]
    public async Task A_finalizer_without_a_domain_is_422() =>
        (await Api.PostAsync(ConfigMaps, """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","finalizers":["bare"]}}""", Cancel)).ExpectFailure(422, "Invalid");

    [Fact]
    public async Task A_dry_run_answers_as_if_and_stores_nothing()
    {
        var answer = (await Api.PostAsync($"{ConfigMaps}?dryRun=All", ConfigMap("a"), Cancel)).Expect(201);
        Assert.NotNull(answer.TextAt("metadata.uid"));
        (await Api.GetAsync($"{ConfigMaps}/a", Cancel)).Expect(404);
    }

    private static JsonNode With(ApiResponse read, string value)
    {
        var body = read.Body;
        body["data"]!["key"] = value;
        return body;
    }
}
