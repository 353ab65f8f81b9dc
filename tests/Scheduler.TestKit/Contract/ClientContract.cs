using System.Globalization;
using Xunit;

namespace Scheduler.TestKit;

/// <summary>What kubectl and other generic clients rely on: discovery, health, tables, metadata only.</summary>
public abstract class ClientContract(IContractServer server) : ContractTest(server)
{
    private const string Table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

    [Fact]
    public async Task Version_and_health_are_served()
    {
        var version = (await Api.GetAsync("/version", Cancel)).Expect(200);
        Assert.StartsWith("v1.", version.TextAt("gitVersion"), StringComparison.Ordinal);
        Assert.Equal("1", version.TextAt("major"));
        foreach (var path in (string[])["/readyz", "/livez", "/healthz"])
            Assert.Equal("ok", (await Api.GetAsync(path, Cancel)).Expect(200).Text);
    }

    [Fact]
    public async Task The_core_group_is_discovered_with_kinds_verbs_and_subresources()
    {
        Assert.Equal("v1", (await Api.GetAsync("/api", Cancel)).Expect(200).TextAt("versions.0"));
        var core = (await Api.GetAsync("/api/v1", Cancel)).Expect(200);
        Assert.Equal("APIResourceList", core.TextAt("kind"));
        Assert.Equal("v1", core.TextAt("groupVersion"));
        var resources = core.Body.At("resources")!.AsArray();
        var pods = resources.Single(resource => resource.TextAt("name") == "pods");
        Assert.Equal("Pod", pods.TextAt("kind"));
        Assert.Equal("true", pods.TextAt("namespaced"));
        Assert.Equal("po", pods.TextAt("shortNames.0"));
        var verbs = pods.At("verbs")!.AsArray().Select(verb => verb!.GetValue<string>());
        Assert.Superset(new HashSet<string> { "create", "delete", "deletecollection", "get", "list", "patch", "update", "watch" }, verbs.ToHashSet());
        foreach (var name in (string[])["pods/binding", "pods/status", "pods/eviction", "nodes", "nodes/status", "namespaces", "events", "configmaps"])
            Assert.Contains(resources, resource => resource.TextAt("name") == name);
        Assert.Equal("false", resources.Single(resource => resource.TextAt("name") == "nodes").TextAt("namespaced"));
    }

    [Theory]
    [InlineData("coordination.k8s.io", "v1", "leases")]
    [InlineData("scheduling.k8s.io", "v1", "priorityclasses")]
    [InlineData("apiextensions.k8s.io", "v1", "customresourcedefinitions")]
    public async Task Other_groups_are_discovered(string group, string version, string resource)
    {
        var groups = (await Api.GetAsync("/apis", Cancel)).Expect(200);
        Assert.Equal("APIGroupList", groups.TextAt("kind"));
        var found = groups.Body.At("groups")!.AsArray().Single(item => item.TextAt("name") == group);
        Assert.Contains(found.At("versions")!.AsArray(), item => item.TextAt("groupVersion") == $"{group}/{version}");
        var resources = (await Api.GetAsync($"/apis/{group}/{version}", Cancel)).Expect(200).Body.At("resources")!.AsArray();
        Assert.Contains(resources, item => item.TextAt("name") == resource);
    }

    [Fact]
    public async Task Pods_are_told_as_a_table_to_who_asks_for_one()
    {
        await CreatePodAsync("pod");
        await PatchStatusAsync($"{Pods}/pod", """{"phase":"Pending"}""");
        var before = Revision(await Api.GetAsync(Pods, Cancel));
        var table = (await Api.SendAsync(HttpMethod.Get, Pods, null, Cancel, accept: Table)).Expect(200);
        Assert.Equal("Table", table.TextAt("kind"));
        var columns = table.Body.At("columnDefinitions")!.AsArray().Select(column => column.TextAt("name")).ToList();
        Assert.Equal(["Name", "Ready", "Status", "Restarts", "Age"], columns.Take(5));
        Assert.Contains("Node", columns);
        // A list says at which state of the whole server it was read, and others write to it meanwhile.
        Assert.InRange(Revision(table), before, Revision(await Api.GetAsync(Pods, Cancel)));
        var cells = table.Body.At("rows.0.cells")!.AsArray();
        Assert.Equal(columns.Count, cells.Count);
        Assert.Equal(["pod", "0/1", "Pending", "0"], cells.Take(4).Select(cell => cell!.ToString()));
        Assert.Equal("PartialObjectMetadata", table.TextAt("rows.0.object.kind"));
        Assert.Equal("pod", table.TextAt("rows.0.object.metadata.name"));
    }

    private static long Revision(ApiResponse list) => long.Parse(list.Version, CultureInfo.InvariantCulture);

    [Fact]
    public async Task Nodes_are_told_as_a_table_too()
    {
        var node = await CreateNodeAsync();
        await PatchStatusAsync($"/api/v1/nodes/{node}", """{"conditions":[{"type":"Ready","status":"True"}]}""");
        var table = (await Api.SendAsync(HttpMethod.Get, $"/api/v1/nodes/{node}", null, Cancel, accept: Table)).Expect(200);
        Assert.Equal(["Name", "Status", "Roles", "Age", "Version"], table.Body.At("columnDefinitions")!.AsArray().Take(5).Select(column => column.TextAt("name")));
        Assert.Equal([node, "Ready"], table.Body.At("rows.0.cells")!.AsArray().Take(2).Select(cell => cell!.ToString()));
    }

    [Fact]
    public async Task A_list_may_be_asked_for_as_metadata_only()
    {
        await CreatePodAsync("pod", """{"a":"b"}""");
        var list = (await Api.SendAsync(HttpMethod.Get, Pods, null, Cancel,
            accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")).Expect(200);
        Assert.Equal("PartialObjectMetadataList", list.TextAt("kind"));
        Assert.Equal("b", list.TextAt("items.0.metadata.labels.a"));
        Assert.Null(list.Body.At("items.0.spec"));
    }

    [Fact]
    public async Task A_body_may_be_yaml()
    {
        var created = (await Api.SendAsync(HttpMethod.Post, ConfigMaps, """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: from-yaml}
            data:
              key: "1"
            """, Cancel, "application/yaml")).Expect(201);
        Assert.Equal("1", created.TextAt("data.key"));
    }

    [Fact]
    public async Task A_body_of_another_kind_is_400() =>
        (await Api.PostAsync(Pods, ConfigMap("x"), Cancel)).ExpectFailure(400, "BadRequest");

    [Fact]
    public async Task A_verb_that_a_resource_does_not_have_is_405() =>
        (await Api.PostAsync($"{Pods}/pod", Pod("pod"), Cancel)).ExpectFailure(405, "MethodNotAllowed");
}
