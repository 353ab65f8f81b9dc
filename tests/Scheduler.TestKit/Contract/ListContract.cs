using System.Text.Json.Nodes;
using Xunit;

namespace Scheduler.TestKit;

/// <summary>Lists: paging, consistency, selectors.</summary>
public abstract class ListContract(IContractServer server) : ContractTest(server)
{
    [Fact]
    public async Task A_list_names_its_kind_and_version_and_is_ordered_by_name()
    {
        foreach (var name in (string[])["b", "c", "a"]) await CreateConfigMapAsync(name);
        var list = (await Api.GetAsync(ConfigMaps, Cancel)).Expect(200);
        Assert.Equal("ConfigMapList", list.TextAt("kind"));
        Assert.Equal("v1", list.TextAt("apiVersion"));
        Assert.Equal(["a", "b", "c"], list.Names.Where(IsOurs));
        Assert.True(ulong.Parse(list.Version, System.Globalization.CultureInfo.InvariantCulture) > 0);
        Assert.Null(list.TextAt("metadata.continue"));
    }

    [Fact]
    public async Task An_empty_list_has_an_empty_array_of_items()
    {
        var list = (await Api.GetAsync(Pods, Cancel)).Expect(200);
        Assert.Empty(Assert.IsType<JsonArray>(list.Body["items"]));
    }

    [Fact]
    public async Task A_list_over_all_namespaces_holds_those_of_each()
    {
        await CreatePodAsync("one");
        var all = (await Api.GetAsync($"/api/v1/pods?fieldSelector=metadata.namespace%3D{Namespace}", Cancel)).Expect(200);
        Assert.Equal(["one"], all.Names);
        all = (await Api.GetAsync("/api/v1/pods", Cancel)).Expect(200);
        Assert.Contains(all.Items, pod => pod.TextAt("metadata.namespace") == Namespace && pod.TextAt("metadata.name") == "one");
    }

    [Fact]
    public async Task Pages_follow_each_other_and_show_the_state_at_the_time_of_the_first()
    {
        foreach (var name in (string[])["a", "b", "c", "d", "e"]) await CreatePodAsync(name);
        var first = (await Api.GetAsync($"{Pods}?limit=2", Cancel)).Expect(200);
        Assert.Equal(["a", "b"], first.Names);
        Assert.Equal("3", first.TextAt("metadata.remainingItemCount"));

        // What changes between the pages must not show: c goes, cc comes, and e gets a label.
        (await Api.DeleteAsync($"{Pods}/c?gracePeriodSeconds=0", Cancel)).Expect(200);
        await CreatePodAsync("cc");
        (await Api.PatchAsync($"{Pods}/e", ApiClient.MergePatch, """{"metadata":{"labels":{"late":"yes"}}}""", Cancel)).Expect(200);

        var second = (await Api.GetAsync($"{Pods}?limit=2&continue={first.TextAt("metadata.continue")}", Cancel)).Expect(200);
        Assert.Equal(["c", "d"], second.Names);
        Assert.Equal(first.Version, second.Version);
        var third = (await Api.GetAsync($"{Pods}?limit=2&continue={second.TextAt("metadata.continue")}", Cancel)).Expect(200);
        Assert.Equal(["e"], third.Names);
        Assert.Null(third.Items.Single().TextAt("metadata.labels.late"));
        Assert.Equal(first.Version, third.Version);
        Assert.True(string.IsNullOrEmpty(third.TextAt("metadata.continue")));
    }

    [Fact]
    public async Task A_page_of_a_selected_list_is_full_while_there_is_more()
    {
        for (var i = 0; i < 6; i++) await CreatePodAsync($"p{i}", labels: $$"""{"parity":"{{(i % 2 == 0 ? "even" : "odd")}}"}""");
        var first = (await Api.GetAsync($"{Pods}?limit=2&labelSelector=parity%3Dodd", Cancel)).Expect(200);
        Assert.Equal(["p1", "p3"], first.Names);
        var second = (await Api.GetAsync(
            $"{Pods}?limit=2&labelSelector=parity%3Dodd&continue={first.TextAt("metadata.continue")}", Cancel)).Expect(200);
        Assert.Equal(["p5"], second.Names);
    }

    [Fact]
    public async Task A_continue_token_from_before_a_compaction_is_410_and_comes_with_a_way_on()
    {
        foreach (var name in (string[])["a", "b", "c"]) await CreateConfigMapAsync(name);
        var first = (await Api.GetAsync($"{ConfigMaps}?limit=1", Cancel)).Expect(200);
        await CreateConfigMapAsync("later");
        await Server.CompactHistoryAsync(Cancel);

        var refused = (await Api.GetAsync($"{ConfigMaps}?limit=1&continue={first.TextAt("metadata.continue")}", Cancel)).ExpectFailure(410, "Expired");
        var wayOn = refused.TextAt("metadata.continue");
        Assert.False(string.IsNullOrEmpty(wayOn), refused.Text);
        var rest = (await Api.GetAsync($"{ConfigMaps}?continue={wayOn}", Cancel)).Expect(200);
        Assert.Contains("later", rest.Names);
        Assert.DoesNotContain(first.Names.Single(), rest.Names);
    }

    [Fact]
    public async Task A_list_at_an_exact_version_from_before_a_compaction_is_410()
    {
        var old = (await CreateConfigMapAsync("a")).Version;
        await CreateConfigMapAsync("b");
        await Server.CompactHistoryAsync(Cancel);
        (await Api.GetAsync($"{ConfigMaps}?limit=5&resourceVersion={old}&resourceVersionMatch=Exact", Cancel)).ExpectFailure(410, "Expired");
    }

    [Fact]
    public async Task A_watch_from_before_a_compaction_is_an_error_event_with_410()
    {
        // Events are the resource that kube-apiserver does not cache, so its watch sees the compaction at once.
        var events = $"/api/v1/namespaces/{Namespace}/events";
        var old = (await CreateConfigMapAsync("a")).Version;
        for (var i = 0; i < 3; i++) await CreateConfigMapAsync($"more{i}");
        await Server.CompactHistoryAsync(Cancel);
        await ExpectGoneAsync($"{events}?watch=true&resourceVersion={old}&timeoutSeconds=10");
    }

    [Fact]
    public async Task A_watch_from_the_first_version_of_all_is_an_error_event_with_410()
    {
        await CreatePodAsync("a");
        await Server.CompactHistoryAsync(Cancel);
        await ExpectGoneAsync($"{Pods}?watch=true&resourceVersion=1&timeoutSeconds=10");
    }

    [Fact]
    public async Task A_continue_token_that_is_not_one_is_400() =>
        (await Api.GetAsync($"{Pods}?limit=1&continue=nonsense", Cancel)).ExpectFailure(400, "BadRequest");

    [Theory]
    [InlineData("app=web", "web1 web2")]
    [InlineData("app==web,tier=front", "web1")]
    [InlineData("app!=web", "db none")]
    [InlineData("app in (web,db)", "db web1 web2")]
    [InlineData("app notin (web)", "db none")]
    [InlineData("tier", "db web1")]
    [InlineData("!tier", "none web2")]
    [InlineData("app,tier notin (front)", "db web2")]
    public async Task Label_selectors_choose(string selector, string expected)
    {
        await CreatePodAsync("web1", """{"app":"web","tier":"front"}""");
        await CreatePodAsync("web2", """{"app":"web"}""");
        await CreatePodAsync("db", """{"app":"db","tier":"back"}""");
        await CreatePodAsync("none");
        var list = (await Api.GetAsync($"{Pods}?labelSelector={Uri.EscapeDataString(selector)}", Cancel)).Expect(200);
        Assert.Equal(expected, string.Join(' ', list.Names));
    }

    [Fact]
    public async Task A_label_selector_that_cannot_be_read_is_400() =>
        (await Api.GetAsync($"{Pods}?labelSelector={Uri.EscapeDataString("a in (")}", Cancel)).ExpectFailure(400, "BadRequest");

    [Fact]
    public async Task Field_selectors_choose_pods_by_name_node_phase_and_scheduler()
    {
        var node = await CreateNodeAsync();
        foreach (var name in (string[])["bound", "waiting", "done"]) await CreatePodAsync(name);
        (await Api.PostAsync(Pods, Pod("foreign").Replace("\"schedulerName\":\"contract\"", "\"schedulerName\":\"other\"", StringComparison.Ordinal), Cancel))
            .Expect(201);
        (await BindAsync("bound", node)).Expect(201);
        await PatchStatusAsync($"{Pods}/done", """{"phase":"Succeeded"}""");

        Assert.Equal("waiting", await SelectedAsync("metadata.name=waiting"));
        Assert.Equal("bound", await SelectedAsync($"spec.nodeName={node}"));
        Assert.Equal("done foreign waiting", await SelectedAsync("spec.nodeName="));
        Assert.Equal("done foreign waiting", await SelectedAsync($"spec.nodeName!={node}"));
        Assert.Equal("bound foreign waiting", await SelectedAsync("status.phase=Pending"));
        Assert.Equal("bound foreign waiting", await SelectedAsync("status.phase!=Succeeded,status.phase!=Failed"));
        Assert.Equal("done waiting", await SelectedAsync("spec.schedulerName=contract,spec.nodeName="));
    }

    [Fact]
    public async Task A_field_that_cannot_be_selected_is_400() =>
        (await Api.GetAsync($"{Pods}?fieldSelector=spec.hostname%3Dx", Cancel)).ExpectFailure(400, "BadRequest");

    [Fact]
    public async Task A_node_is_selected_by_its_name()
    {
        var node = await CreateNodeAsync();
        var list = (await Api.GetAsync($"/api/v1/nodes?fieldSelector=metadata.name%3D{node}", Cancel)).Expect(200);
        Assert.Equal("NodeList", list.TextAt("kind"));
        Assert.Equal([node], list.Names);
    }

    private async Task<string> SelectedAsync(string selector)
    {
        var list = (await Api.GetAsync($"{Pods}?fieldSelector={Uri.EscapeDataString(selector)}", Cancel)).Expect(200);
        return string.Join(' ', list.Names);
    }

    private async Task ExpectGoneAsync(string path)
    {
        using var watch = await Api.WatchAsync(path, Cancel);
        var read = await watch.NextAsync(Cancel);
        Assert.Equal("ERROR", read.Type);
        Assert.Equal("Status", read.Object.TextAt("kind"));
        Assert.Equal("410", read.Object.TextAt("code"));
        Assert.Equal("Expired", read.Object.TextAt("reason"));
        Assert.Null(await watch.NextOrEndAsync(Cancel));
    }

    // Newer servers put a config map with their root certificate into every namespace.
    private static bool IsOurs(string configMap) => !configMap.StartsWith("kube-", StringComparison.Ordinal);
}
