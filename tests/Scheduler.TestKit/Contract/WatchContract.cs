using System.Diagnostics;
using System.Globalization;
using k8s;
using k8s.Models;
using Xunit;

namespace Scheduler.TestKit;

/// <summary>Watches: where they start, what they tell, and when they end.</summary>
public abstract class WatchContract(IContractServer server) : ContractTest(server)
{
    [Fact]
    public async Task A_watch_tells_what_happened_after_its_version_in_order()
    {
        await CreatePodAsync("before");
        var list = (await Api.GetAsync(Pods, Cancel)).Expect(200);
        await CreatePodAsync("one");
        using var watch = await WatchAsync($"resourceVersion={list.Version}");
        await watch.ExpectAsync("ADDED", "one", Cancel);
        (await Api.PatchAsync($"{Pods}/before", ApiClient.MergePatch, """{"metadata":{"labels":{"a":"b"}}}""", Cancel)).Expect(200);
        var modified = await watch.ExpectAsync("MODIFIED", "before", Cancel);
        Assert.Equal("b", modified.Object.TextAt("metadata.labels.a"));
        (await Api.DeleteAsync($"{Pods}/before?gracePeriodSeconds=0", Cancel)).Expect(200);
        var deleted = await watch.ExpectPodRemovedAsync("before", Cancel);
        Assert.Equal("b", deleted.Object.TextAt("metadata.labels.a"));
        Assert.Equal("Pod", deleted.Object.TextAt("kind"));
        Assert.True(VersionOf(modified) > long.Parse(list.Version, CultureInfo.InvariantCulture));
        Assert.True(VersionOf(deleted) > VersionOf(modified), "a deletion has a version of its own");
    }

    [Theory]
    [InlineData("")]
    [InlineData("resourceVersion=0")]
    public async Task A_watch_without_a_version_begins_with_what_is_there(string start)
    {
        await CreatePodAsync("a");
        await CreatePodAsync("b");
        using var watch = await WatchAsync(start);
        string[] initial = [(await watch.NextAsync(Cancel)).ToString(), (await watch.NextAsync(Cancel)).ToString()];
        Assert.Equal(["ADDED a", "ADDED b"], initial.Order(StringComparer.Ordinal));
        await CreatePodAsync("c");
        await watch.ExpectAsync("ADDED", "c", Cancel);
    }

    [Fact]
    public async Task A_watch_of_a_namespace_says_nothing_about_others()
    {
        var other = Unique("contract");
        (await Api.PostAsync("/api/v1/namespaces", $$$"""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"{{{other}}}"}}""", Cancel)).Expect(201);
        using var watch = await WatchAsync($"resourceVersion={(await Api.GetAsync(Pods, Cancel)).Version}");
        (await Api.PostAsync($"/api/v1/namespaces/{other}/pods", Pod("elsewhere"), Cancel)).Expect(201);
        await CreatePodAsync("here");
        await watch.ExpectAsync("ADDED", "here", Cancel);
    }

    [Fact]
    public async Task A_watch_with_a_label_selector_turns_entering_and_leaving_into_added_and_deleted()
    {
        await CreatePodAsync("pod");
        using var watch = await WatchAsync($"labelSelector=in%3Dyes&resourceVersion={(await Api.GetAsync(Pods, Cancel)).Version}");
        await LabelAsync("pod", "\"no\"");
        await LabelAsync("pod", "\"yes\"");
        await watch.ExpectAsync("ADDED", "pod", Cancel);
        (await Api.PatchAsync($"{Pods}/pod", ApiClient.MergePatch, """{"metadata":{"labels":{"more":"x"}}}""", Cancel)).Expect(200);
        await watch.ExpectAsync("MODIFIED", "pod", Cancel);
        var left = await LabelAsync("pod", "null");
        var deleted = await watch.ExpectAsync("DELETED", "pod", Cancel);
        Assert.Equal("yes", deleted.Object.TextAt("metadata.labels.in"));
        Assert.Equal(left.Version, deleted.Version);
        await CreatePodAsync("next", """{"in":"yes"}""");
        await watch.ExpectAsync("ADDED", "next", Cancel);
    }

    [Fact]
    public async Task A_watch_of_the_pods_of_no_node_sees_a_bound_pod_leave_and_that_of_the_node_sees_it_come()
    {
        var node = await CreateNodeAsync();
        await CreatePodAsync("pod");
        var version = (await Api.GetAsync(Pods, Cancel)).Version;
        using var unbound = await WatchAsync($"fieldSelector=spec.nodeName%3D&resourceVersion={version}");
        using var onNode = await WatchAsync($"fieldSelector=spec.nodeName%3D{node}&resourceVersion={version}");
        (await BindAsync("pod", node)).Expect(201);
        await unbound.ExpectAsync("DELETED", "pod", Cancel);
        var added = await onNode.ExpectAsync("ADDED", "pod", Cancel);
        Assert.Equal(node, added.Object.TextAt("spec.nodeName"));
    }

    [Fact]
    public async Task A_watch_of_one_name_tells_about_that_object_only()
    {
        using var watch = await WatchAsync($"fieldSelector=metadata.name%3Db&resourceVersion={(await Api.GetAsync(Pods, Cancel)).Version}");
        foreach (var name in (string[])["a", "b", "c"]) await CreatePodAsync(name);
        await watch.ExpectAsync("ADDED", "b", Cancel);
        (await Api.DeleteAsync($"{Pods}/a?gracePeriodSeconds=0", Cancel)).Expect(200);
        (await Api.DeleteAsync($"{Pods}/b?gracePeriodSeconds=0", Cancel)).Expect(200);
        await watch.ExpectPodRemovedAsync("b", Cancel);
    }

    [Fact]
    public async Task A_watch_ends_after_its_timeout()
    {
        var clock = Stopwatch.StartNew();
        using var watch = await WatchAsync($"resourceVersion={(await Api.GetAsync(Pods, Cancel)).Version}", timeoutSeconds: 1);
        Assert.Null(await watch.NextOrEndAsync(Cancel));
        Assert.InRange(clock.Elapsed.TotalSeconds, 0.9, 20);
    }

    [Fact]
    public async Task Bookmarks_come_before_the_end_where_they_are_allowed_and_carry_only_a_version()
    {
        // Allowed for a watch of 4 s, whose bookmark is due at the latest just before its end. The server may send more of them.
        var version = (await Api.GetAsync(Pods, Cancel)).Version;
        using var watch = await WatchAsync($"allowWatchBookmarks=true&resourceVersion={version}", timeoutSeconds: 4);
        var pod = await CreatePodAsync("pod");
        WatchEvent? last = null;
        var bookmarks = 0;
        while (await watch.NextOrEndAsync(Cancel) is { } read)
        {
            last = read;
            if (read.Type != "BOOKMARK") continue;
            bookmarks++;
            Assert.Equal("Pod", read.Object.TextAt("kind"));
            Assert.Equal("v1", read.Object.TextAt("apiVersion"));
            Assert.Null(read.Name);
        }
        Assert.True(bookmarks > 0, "no bookmark came");
        Assert.Equal("BOOKMARK", last?.Type);
        Assert.True(VersionOf(last!) >= long.Parse(pod.Version, CultureInfo.InvariantCulture), "the bookmark is older than an event before it");

        // A watch may go on from there, and misses nothing.
        await CreatePodAsync("next");
        using var resumed = await WatchAsync($"resourceVersion={last!.Version}");
        await resumed.ExpectAsync("ADDED", "next", Cancel);
    }

    [Fact]
    public async Task Bookmarks_do_not_come_where_they_are_not_asked_for()
    {
        using var watch = await WatchAsync($"resourceVersion={(await Api.GetAsync(Pods, Cancel)).Version}", timeoutSeconds: 4);
        await CreatePodAsync("pod");
        await watch.ExpectAsync("ADDED", "pod", Cancel);
        Assert.Null(await watch.NextOrEndAsync(Cancel));
    }

    [Fact]
    public async Task The_typed_client_reads_a_watch()
    {
        using var client = Server.Endpoint.CreateClient();
        var list = await client.CoreV1.ListNamespacedPodAsync(Namespace, cancellationToken: Cancel);
        await CreatePodAsync("pod");
        var watch = client.CoreV1.WatchListNamespacedPodAsync(Namespace, resourceVersion: list.ResourceVersion(), cancellationToken: Cancel);
        await foreach (var (type, pod) in watch)
        {
            Assert.Equal(WatchEventType.Added, type);
            Assert.Equal("pod", pod.Name());
            break;
        }
    }

    private Task<WatchStream> WatchAsync(string query, int timeoutSeconds = 60) =>
        Api.WatchAsync($"{Pods}?watch=true&timeoutSeconds={timeoutSeconds}&{query}", Cancel);

    private async Task<ApiResponse> LabelAsync(string pod, string value) =>
        (await Api.PatchAsync($"{Pods}/{pod}", ApiClient.MergePatch, $$"""{"metadata":{"labels":{"in":{{value}} } } }""", Cancel)).Expect(200);

    private static long VersionOf(WatchEvent read) => long.Parse(read.Version, CultureInfo.InvariantCulture);
}
