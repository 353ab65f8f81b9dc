using System.Text.Json.Nodes;
using Xunit;

namespace Scheduler.TestKit;

/// <summary>Custom resources, by the example of Weir's own in deploy/crds.</summary>
public abstract class CustomResourceContract(IContractServer server) : ContractTest(server)
{
    private const string Tenants = "/apis/weir.scheduler/v1/tenants";

    private readonly string _tenant = Unique("contract");

    private string PodGroups => $"/apis/scheduling.x-k8s.io/v1alpha1/namespaces/{Namespace}/podgroups";

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        await InstallCustomResourcesAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        try
        {
            // Tenants are not in a namespace, so a fact takes its own away.
            _ = Server.Endpoint;
            (await Api.DeleteAsync($"{Tenants}?fieldSelector=metadata.name%3D{_tenant}", CancellationToken.None)).Expect(200);
        }
        finally
        {
            await base.DisposeAsync();
            GC.SuppressFinalize(this);
        }
    }

    [Fact]
    public async Task The_custom_resources_are_discovered_with_their_short_names_and_scopes()
    {
        var groups = (await Api.GetAsync("/apis", Cancel)).Expect(200).Body.At("groups")!.AsArray();
        Assert.Contains(groups, group => group.TextAt("name") == "weir.scheduler");
        var tenants = (await Api.GetAsync("/apis/weir.scheduler/v1", Cancel)).Expect(200).Body.At("resources")!.AsArray();
        var tenant = tenants.Single(resource => resource.TextAt("name") == "tenants");
        Assert.Equal("false", tenant.TextAt("namespaced"));
        Assert.Equal("tn", tenant.TextAt("shortNames.0"));
        Assert.Contains(tenants, resource => resource.TextAt("name") == "tenants/status");
        var podGroups = (await Api.GetAsync("/apis/scheduling.x-k8s.io/v1alpha1", Cancel)).Expect(200).Body.At("resources")!.AsArray();
        Assert.Equal("true", podGroups.Single(resource => resource.TextAt("name") == "podgroups").TextAt("namespaced"));
    }

    [Fact]
    public async Task A_custom_object_is_stored_with_its_numbers_and_strings_as_given()
    {
        var created = await CreateTenantAsync("""{"weight":3,"namespaces":["a"],"quotas":[{"flavor":"*","guaranteed":8,"burst":"500m"}]}""");
        Assert.Equal("Tenant", created.TextAt("kind"));
        Assert.Equal("weir.scheduler/v1", created.TextAt("apiVersion"));
        var read = (await Api.GetAsync($"{Tenants}/{_tenant}", Cancel)).Expect(200);
        Assert.Equal(8, read.Body.At("spec.quotas.0.guaranteed")!.GetValue<int>());
        Assert.Equal("500m", read.Body.At("spec.quotas.0.burst")!.GetValue<string>());
        var list = (await Api.GetAsync(Tenants, Cancel)).Expect(200);
        Assert.Equal("TenantList", list.TextAt("kind"));
        Assert.Contains(_tenant, list.Names);
    }

    [Theory]
    [InlineData("""{"weight":0}""", "spec.weight")]
    [InlineData("""{"weight":"many"}""", "spec.weight")]
    [InlineData("""{"suspended":"yes"}""", "spec.suspended")]
    [InlineData("""{"quotas":[{"guaranteed":1}]}""", "spec.quotas")]
    [InlineData("""{"quotas":[{"flavor":""}]}""", "flavor")]
    [InlineData("""{"namespaces":"a"}""", "spec.namespaces")]
    [InlineData("""{"quotas":[{"flavor":"A100","guaranteed":true}]}""", "guaranteed")]
    public async Task What_breaks_the_schema_is_422_and_the_message_names_the_field(string spec, string field)
    {
        var refused = (await Api.PostAsync(Tenants, Tenant(spec), Cancel)).ExpectFailure(422, "Invalid");
        Assert.Contains(field, refused.TextAt("message"), StringComparison.Ordinal);
        Assert.NotEmpty(refused.Body.At("details.causes")!.AsArray());
        (await Api.GetAsync($"{Tenants}/{_tenant}", Cancel)).Expect(404);
    }

    [Fact]
    public async Task A_required_field_that_is_missing_is_422() =>
        (await Api.PostAsync(Tenants, $$"""{"apiVersion":"weir.scheduler/v1","kind":"Tenant","metadata":{"name":"{{_tenant}}"} }""", Cancel)).ExpectFailure(422, "Invalid");

    [Fact]
    public async Task A_change_is_checked_as_a_creation_is()
    {
        await CreateTenantAsync("""{"weight":3}""");
        var refused = (await Api.PatchAsync($"{Tenants}/{_tenant}", ApiClient.MergePatch, """{"spec":{"weight":-1}}""", Cancel)).ExpectFailure(422, "Invalid");
        Assert.Contains("spec.weight", refused.TextAt("message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fields_that_the_schema_does_not_know_are_dropped_and_kept_where_it_says_so()
    {
        var created = await CreateTenantAsync("""{"weight":3,"colour":"blue","quotas":[{"flavor":"*","shape":"round"}]}""");
        Assert.Null(created.TextAt("spec.colour"));
        Assert.Null(created.TextAt("spec.quotas.0.shape"));
        Assert.Equal("3", created.TextAt("spec.weight"));
        (await Api.PostAsync(PodGroups, PodGroup("gang", 2), Cancel)).Expect(201);
        var status = await PatchStatusAsync($"{PodGroups}/gang", """{"anything":{"goes":"here"}}""");
        Assert.Equal("here", status.TextAt("status.anything.goes"));
    }

    [Fact]
    public async Task Status_is_a_subresource_of_its_own()
    {
        var created = (await Api.PostAsync(Tenants, Tenant("""{"weight":3}""").Replace("\"spec\":", "\"status\":{\"used\":\"9\"},\"spec\":", StringComparison.Ordinal), Cancel)).Expect(201);
        Assert.Null(created.TextAt("status.used"));
        var status = (await Api.PatchAsync($"{Tenants}/{_tenant}/status", ApiClient.MergePatch, """{"status":{"used":"4"},"spec":{"weight":7}}""", Cancel)).Expect(200);
        Assert.Equal("4", status.TextAt("status.used"));
        Assert.Equal("3", status.TextAt("spec.weight"));
        var main = (await Api.PatchAsync($"{Tenants}/{_tenant}", ApiClient.MergePatch, """{"status":{"used":"5"},"spec":{"weight":7}}""", Cancel)).Expect(200);
        Assert.Equal("4", main.TextAt("status.used"));
        Assert.Equal("7", main.TextAt("spec.weight"));
    }

    [Fact]
    public async Task Generation_counts_changes_of_the_spec_only()
    {
        var path = $"{Tenants}/{_tenant}";
        Assert.Equal("1", (await CreateTenantAsync("""{"weight":3}""")).TextAt("metadata.generation"));
        Assert.Equal("1", (await Api.PatchAsync(path, ApiClient.MergePatch, """{"metadata":{"labels":{"a":"b"}}}""", Cancel)).Expect(200).TextAt("metadata.generation"));
        Assert.Equal("1", (await PatchStatusAsync(path, """{"used":"1"}""")).TextAt("metadata.generation"));
        Assert.Equal("2", (await Api.PatchAsync(path, ApiClient.MergePatch, """{"spec":{"weight":4}}""", Cancel)).Expect(200).TextAt("metadata.generation"));
        Assert.Equal("2", (await Api.PatchAsync(path, ApiClient.MergePatch, """{"spec":{"weight":4}}""", Cancel)).Expect(200).TextAt("metadata.generation"));
    }

    [Fact]
    public async Task Replacing_a_custom_object_needs_its_version()
    {
        var created = await CreateTenantAsync("""{"weight":3}""");
        (await Api.PutAsync($"{Tenants}/{_tenant}", Tenant("""{"weight":4}"""), Cancel)).ExpectFailure(422, "Invalid");
        var body = created.Body;
        body["spec"]!["weight"] = 4;
        (await Api.PutAsync($"{Tenants}/{_tenant}", body, Cancel)).Expect(200);
        (await Api.PutAsync($"{Tenants}/{_tenant}", body, Cancel)).ExpectFailure(409, "Conflict");
    }

    [Fact]
    public async Task A_strategic_patch_of_a_custom_object_is_415()
    {
        await CreateTenantAsync("{}");
        (await Api.PatchAsync($"{Tenants}/{_tenant}", ApiClient.StrategicMergePatch, """{"spec":{"weight":4}}""", Cancel)).ExpectFailure(415, "UnsupportedMediaType");
    }

    [Fact]
    public async Task Custom_objects_are_applied_and_watched()
    {
        var version = (await Api.GetAsync(Tenants, Cancel)).Expect(200).Version;
        using var watch = await Api.WatchAsync($"{Tenants}?watch=true&fieldSelector=metadata.name%3D{_tenant}&resourceVersion={version}&timeoutSeconds=60", Cancel);
        (await Api.PatchAsync($"{Tenants}/{_tenant}?fieldManager=alice", ApiClient.ApplyPatch, Tenant("""{"weight":2}"""), Cancel)).Expect(201);
        await watch.ExpectAsync("ADDED", _tenant, Cancel);
        (await Api.PatchAsync($"{Tenants}/{_tenant}?fieldManager=alice", ApiClient.ApplyPatch, Tenant("""{"weight":3}"""), Cancel)).Expect(200);
        Assert.Equal("3", (await watch.ExpectAsync("MODIFIED", _tenant, Cancel)).Object.TextAt("spec.weight"));
        (await Api.PatchAsync($"{Tenants}/{_tenant}?fieldManager=bob", ApiClient.ApplyPatch, Tenant("""{"weight":5}"""), Cancel)).ExpectFailure(409, "Conflict");
        (await Api.DeleteAsync($"{Tenants}/{_tenant}", Cancel)).Expect(200);
        await watch.ExpectAsync("DELETED", _tenant, Cancel);
    }

    [Fact]
    public async Task A_table_of_custom_objects_has_the_columns_of_the_definition()
    {
        await CreateTenantAsync("""{"parent":"root"}""");
        await PatchStatusAsync($"{Tenants}/{_tenant}", """{"guaranteed":"8","limit":"24","used":"3","pendingWorkloads":5,"conditions":[{"type":"Accepted","status":"True"}]}""");
        var table = (await Api.SendAsync(HttpMethod.Get, $"{Tenants}/{_tenant}", null, Cancel, accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")).Expect(200);
        Assert.Equal("Table", table.TextAt("kind"));
        Assert.Equal("meta.k8s.io/v1", table.TextAt("apiVersion"));
        Assert.Equal(["Name", "Parent", "Guaranteed", "Limit", "Used", "Waiting", "Accepted", "Age"],
            table.Body.At("columnDefinitions")!.AsArray().Select(column => column.TextAt("name")));
        var cells = table.Body.At("rows.0.cells")!.AsArray();
        Assert.Equal([_tenant, "root", "8", "24", "3", "5", "True"], cells.Take(7).Select(cell => cell!.ToString()));
        Assert.Equal("PartialObjectMetadata", table.TextAt("rows.0.object.kind"));
    }

    [Fact]
    public async Task A_definition_serves_its_resource_once_established_and_no_longer_after_its_deletion()
    {
        var group = $"{Unique("contract")}.example";
        var definition = $"things.{group}";
        await InstallAsync(definition, $$"""
            {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"{{definition}}"},
             "spec":{"group":"{{group}}","scope":"Namespaced","names":{"kind":"Thing","plural":"things"},
              "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true} } }]} }
            """);
        var things = $"/apis/{group}/v1/namespaces/{Namespace}/things";
        await UntilAsync(things, list => list.Code == 200);
        var thing = new JsonObject { ["apiVersion"] = $"{group}/v1", ["kind"] = "Thing", ["metadata"] = new JsonObject { ["name"] = "one" }, ["any"] = 1 };
        Assert.Equal("1", (await Api.PostAsync(things, thing.ToJsonString(), Cancel)).Expect(201).TextAt("any"));
        (await Api.DeleteAsync($"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{definition}", Cancel)).Expect(200);
        await UntilAsync(things, list => list.Code == 404);
        await UntilAsync($"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{definition}", read => read.Code == 404);
    }

    [Fact]
    public async Task A_gang_of_nobody_is_422()
    {
        (await Api.PostAsync(PodGroups, PodGroup("gang", 0), Cancel)).ExpectFailure(422, "Invalid");
        Assert.Equal("2", (await Api.PostAsync(PodGroups, PodGroup("gang", 2), Cancel)).Expect(201).TextAt("spec.minMember"));
    }

    private async Task<ApiResponse> CreateTenantAsync(string spec) => (await Api.PostAsync(Tenants, Tenant(spec), Cancel)).Expect(201);

    private string Tenant(string spec) => $$"""{"apiVersion":"weir.scheduler/v1","kind":"Tenant","metadata":{"name":"{{_tenant}}"},"spec":{{spec}} }""";

    private static string PodGroup(string name, int minMember) =>
        $$"""{"apiVersion":"scheduling.x-k8s.io/v1alpha1","kind":"PodGroup","metadata":{"name":"{{name}}"},"spec":{"minMember":{{minMember}} } }""";
}
