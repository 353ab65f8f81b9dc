using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;
using Xunit;

namespace Scheduler.Simulation.Tests.Cluster;

public sealed class ListAndWatchTests
{
    private const string Pods = "/api/v1/namespaces/default/pods";
    private const string Maps = "/api/v1/namespaces/default/configmaps";

    private static string Names(JsonObject list) => string.Join(',', list.ObjectsAt("items").Select(i => i.StringAt("metadata", "name")));

    [Theory]
    [InlineData("labelSelector=app%3Da", "p1,p2")]
    [InlineData("labelSelector=app!%3Da", "p3")]
    [InlineData("labelSelector=app%20in%20(a,b),tier%3Dx", "p1")]
    [InlineData("labelSelector=app%20notin%20(a)", "p3")]
    [InlineData("labelSelector=tier", "p1")]
    [InlineData("labelSelector=!tier", "p2,p3")]
    [InlineData("fieldSelector=metadata.name%3Dp2", "p2")]
    [InlineData("fieldSelector=spec.nodeName%3D", "p2,p3")]
    [InlineData("fieldSelector=spec.nodeName%3D%3Dn1,metadata.namespace%3Ddefault", "p1")]
    [InlineData("fieldSelector=metadata.name!%3Dp1,spec.schedulerName%3Dweir", "p3")]
    public async Task Selectors_select(string query, string expected)
    {
        await using var cluster = await TestCluster.StartAsync(o => o.Kubelets.IsEnabled = false);
        await cluster.CreatePodAsync("p1", labels: "{app: a, tier: x}");
        await cluster.CreatePodAsync("p2", labels: "{app: a}");
        await cluster.CreatePodAsync("p3", "schedulerName: weir", labels: "{app: b}");
        Assert.Equal(201, (await cluster.BindAsync("p1", "n1")).Code);
        Assert.Equal(expected, Names(await cluster.GetAsync($"{Pods}?{query}")));
    }

    [Fact]
    public async Task An_unknown_field_cannot_select()
    {
        await using var cluster = await TestCluster.StartAsync();
        var status = await cluster.ExpectAsync(400, "GET", Pods + "?fieldSelector=spec.foo%3Dx");
        Assert.Equal("field label not supported: spec.foo", status.StringAt("message"));
    }

    [Fact]
    public async Task Pages_show_one_moment_whatever_happens_between_them()
    {
        await using var cluster = await TestCluster.StartAsync();
        for (var i = 0; i < 5; i++)
            await cluster.CreateAsync(Maps, $"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: m{i}}}}}");
        var first = await cluster.GetAsync(Maps + "?limit=2");
        Assert.Equal("m0,m1", Names(first));
        Assert.Equal(3, first.LongAt("metadata", "remainingItemCount"));
        await cluster.ExpectAsync(200, "DELETE", Maps + "/m3");
        var second = await cluster.GetAsync($"{Maps}?limit=2&continue={first.StringAt("metadata", "continue")}");
        Assert.Equal("m2,m3", Names(second));
        var third = await cluster.GetAsync($"{Maps}?limit=2&continue={second.StringAt("metadata", "continue")}");
        Assert.Equal("m4", Names(third));
        Assert.Null(third.StringAt("metadata", "continue"));
        Assert.Equal(first.StringAt("metadata", "resourceVersion"), third.StringAt("metadata", "resourceVersion"));
    }

    [Fact]
    public async Task A_continue_token_of_another_server_is_gone()
    {
        await using var cluster = await TestCluster.StartAsync();
        // 99 is a list that this server never held, as after a restart.
        var token = Convert.ToBase64String("""{"List":99,"Offset":2,"Namespace":"default","Name":"m"}"""u8).TrimEnd('=');
        Assert.Equal("Expired", (await cluster.ExpectAsync(410, "GET", $"{Maps}?limit=2&continue={token}")).StringAt("reason"));
    }

    [Fact]
    public async Task A_watch_from_a_list_shows_every_later_change_once_and_in_order()
    {
        await using var cluster = await TestCluster.StartAsync();
        var from = (await cluster.GetAsync(Maps)).StringAt("metadata", "resourceVersion");
        await cluster.CreateAsync(Maps, "{apiVersion: v1, kind: ConfigMap, metadata: {name: m}}");
        await cluster.ExpectAsync(200, "PATCH", Maps + "/m", TestCluster.Yaml("data: {a: b}"), "application/merge-patch+json");
        await cluster.ExpectAsync(200, "DELETE", Maps + "/m");
        var seen = new List<string>();
        var versions = new List<long>();
        await foreach (var (type, obj) in cluster.WatchAsync($"{Maps}?resourceVersion={from}"))
        {
            seen.Add(type);
            versions.Add(long.Parse(obj.StringAt("metadata", "resourceVersion")!, System.Globalization.CultureInfo.InvariantCulture));
            if (type == "DELETED")
                break;
        }

        Assert.Equal(["ADDED", "MODIFIED", "DELETED"], seen);
        Assert.Equal(versions.Order(), versions);
        Assert.Equal(3, versions.Distinct().Count());
    }

    [Fact]
    public async Task An_object_that_enters_or_leaves_the_selection_is_added_or_deleted()
    {
        await using var cluster = await TestCluster.StartAsync(o => o.Kubelets.IsEnabled = false);
        var from = (await cluster.GetAsync(Pods)).StringAt("metadata", "resourceVersion");
        await cluster.CreatePodAsync("a");
        await cluster.BindAsync("a", "n1");
        await cluster.CreatePodAsync("b");
        var unbound = new List<string>();
        await foreach (var (type, obj) in cluster.WatchAsync($"{Pods}?fieldSelector=spec.nodeName%3D&resourceVersion={from}"))
        {
            unbound.Add($"{type} {obj.StringAt("metadata", "name")}");
            if (obj.StringAt("metadata", "name") == "b")
                break;
        }

        Assert.Equal(["ADDED a", "DELETED a", "ADDED b"], unbound);
        await foreach (var (type, obj) in cluster.WatchAsync($"{Pods}?fieldSelector=spec.nodeName%3Dn1&resourceVersion={from}"))
        {
            Assert.Equal("ADDED a", $"{type} {obj.StringAt("metadata", "name")}");
            break;
        }
    }

    [Fact]
    public async Task A_watch_from_before_the_history_gets_410_as_an_error_event()
    {
        await using var cluster = await TestCluster.StartAsync(o => o.WatchHistoryLength = 2);
        var from = (await cluster.GetAsync(Maps)).StringAt("metadata", "resourceVersion");
        for (var i = 0; i < 4; i++)
            await cluster.CreateAsync(Maps, $"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: m{i}}}}}");
        var events = new List<(string Type, JsonObject Object)>();
        await foreach (var change in cluster.WatchAsync($"{Maps}?resourceVersion={from}"))
            events.Add(change);
        var (type, status) = Assert.Single(events);
        Assert.Equal("ERROR", type);
        Assert.Equal(410, status.LongAt("code"));
        Assert.Equal("Expired", status.StringAt("reason"));
    }

    [Fact]
    public async Task A_watch_from_version_one_is_too_old_on_a_fresh_cluster_too()
    {
        await using var cluster = await TestCluster.StartAsync();
        await foreach (var (type, status) in cluster.WatchAsync(Maps + "?resourceVersion=1"))
        {
            Assert.Equal("ERROR", type);
            Assert.Equal(410, status.LongAt("code"));
        }
    }

    [Fact]
    public async Task A_watcher_that_falls_behind_the_history_is_cut_off_and_counted()
    {
        await using var cluster = await TestCluster.StartAsync(o => o.WatchHistoryLength = 8);
        var from = (await cluster.GetAsync(Maps)).StringAt("metadata", "resourceVersion");
        using var response = await cluster.Http.GetAsync($"{Maps}?watch=true&resourceVersion={from}", HttpCompletionOption.ResponseHeadersRead, TestCluster.Ct);
        // Big objects fill the connection that nobody reads, so the watcher stops while the writers go on.
        var filler = new string('x', 500_000);
        for (var i = 0; i < 60 && cluster.Cluster.Counters.WatchesCutOff == 0; i++)
            await cluster.CreateAsync(Maps, $"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: m{i}}}, data: {{a: {filler}}}}}");
        var text = await response.Content.ReadAsStringAsync(TestCluster.Ct);
        Assert.Contains("\"code\":410", text, StringComparison.Ordinal);
        Assert.Equal(1, cluster.Cluster.Counters.WatchesCutOff);
    }

    [Fact]
    public async Task A_quiet_watch_gets_bookmarks_when_it_asks_for_them()
    {
        await using var cluster = await TestCluster.StartAsync(o => o.BookmarkInterval = TimeSpan.FromMilliseconds(50));
        var from = (await cluster.GetAsync(Maps)).StringAt("metadata", "resourceVersion")!;
        await cluster.CreatePodAsync("elsewhere");
        await foreach (var (type, obj) in cluster.WatchAsync($"{Maps}?allowWatchBookmarks=true&resourceVersion={from}"))
        {
            Assert.Equal("BOOKMARK", type);
            Assert.Equal("ConfigMap", obj.StringAt("kind"));
            Assert.True(long.Parse(obj.StringAt("metadata", "resourceVersion")!, System.Globalization.CultureInfo.InvariantCulture) > long.Parse(from, System.Globalization.CultureInfo.InvariantCulture));
            break;
        }
    }

    [Fact]
    public async Task A_watch_ends_when_its_time_is_up()
    {
        await using var cluster = await TestCluster.StartAsync();
        var seen = 0;
        await foreach (var _ in cluster.WatchAsync(Maps + "?timeoutSeconds=1"))
            seen++;
        Assert.Equal(0, seen);
    }

    [Fact]
    public async Task Initial_events_end_with_a_marked_bookmark()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.CreateAsync(Maps, "{apiVersion: v1, kind: ConfigMap, metadata: {name: m}}");
        var types = new List<string>();
        await foreach (var (type, obj) in cluster.WatchAsync(Maps + "?sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"))
        {
            types.Add(type);
            if (type == "BOOKMARK")
            {
                Assert.Equal("true", obj.StringAt("metadata", "annotations", "k8s.io/initial-events-end"));
                break;
            }
        }

        Assert.Equal(["ADDED", "BOOKMARK"], types);
    }

    [Fact]
    public async Task A_table_has_the_columns_that_kubectl_prints()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.CreatePodAsync("a");
        var (_, table) = await cluster.SendAsync("GET", Pods, accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
        Assert.Equal("Table", table.StringAt("kind"));
        Assert.Equal(["Name", "Ready", "Status", "Restarts", "Age", "IP", "Node", "Nominated Node", "Readiness Gates"], table.ObjectsAt("columnDefinitions").Select(c => c.StringAt("name")));
        Assert.Equal("Pending", table.ObjectsAt("rows").Single().ArrayAt("cells")![2]!.GetValue<string>());
    }
}
