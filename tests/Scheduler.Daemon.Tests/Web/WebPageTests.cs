using System.Net;
using System.Text.Json;
using Scheduler.Daemon.Hosting;
using static Scheduler.Daemon.Tests.WholePath.ClusterFixture;

namespace Scheduler.Daemon.Tests.Web;

public class WebPageTests
{
    [Fact]
    public async Task The_page_is_served_with_its_files_and_loads_nothing_from_elsewhere()
    {
        await using var fixture = await StartAsync();
        using var http = Client(await fixture.StartDaemonAsync(WithPage()));
        using var page = await http.GetAsync(new Uri("/", UriKind.Relative), Stop);
        Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
        Assert.Contains("default-src 'none'", page.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        foreach (var file in new[] { "/", "/page.css", "/page.js" })
        {
            using var answer = await http.GetAsync(new Uri(file, UriKind.Relative), Stop);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.DoesNotContain("http", await answer.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
            using var again = new HttpRequestMessage(HttpMethod.Get, file);
            again.Headers.IfNoneMatch.Add(answer.Headers.ETag!);
            using var unchanged = await http.SendAsync(again, Stop);
            Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);
        }
    }

    [Fact]
    public async Task It_is_not_served_where_the_API_asks_who_calls()
    {
        await using var fixture = await StartAsync();
        using var http = Client(await fixture.StartDaemonAsync(settings => settings with { AllowAnonymous = false }));
        foreach (var path in new[] { "/", "/state" })
        {
            using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), Stop);
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }
    }

    [Fact]
    public async Task The_state_tells_tenants_queue_GPUs_and_what_was_decided()
    {
        await using var fixture = await StartAsync();
        var host = await fixture.StartDaemonAsync(WithPage());
        using var http = Client(host);
        fixture.Cluster.Create(Pod("a", 2, "vision"));
        await fixture.UntilPodAsync("a", pod => Text(pod, "spec", "nodeName") is not null, "vision");
        fixture.Cluster.Create(Pod("b", 1, "vision"));
        await UntilCycleAsync(host, cycle => cycle.Queue.Length == 1);

        var state = await StateAsync(http, "/state");
        var vision = state.GetProperty("tenants").EnumerateArray().Single(tenant => tenant.GetProperty("name").GetString() == "vision");
        Assert.Equal(2000, vision.GetProperty("usedGuaranteed").GetInt64() + vision.GetProperty("usedBurst").GetInt64());
        Assert.Equal(1, vision.GetProperty("waiting").GetInt32());
        Assert.Equal(2000, state.GetProperty("capacity").GetProperty("used").GetInt64());
        var waiting = Assert.Single(state.GetProperty("queue").GetProperty("entries").EnumerateArray());
        Assert.Equal(("vision/pod/b", "LimitReached"), (waiting.GetProperty("id").GetString(), waiting.GetProperty("reason").GetString()));
        var used = state.GetProperty("nodes").EnumerateArray().SelectMany(node => node.GetProperty("d").EnumerateArray())
            .Where(device => device.GetProperty("u").GetArrayLength() > 0).ToList();
        Assert.Equal(2, used.Count);
        Assert.Contains(state.GetProperty("decisions").EnumerateArray(), decision =>
            decision.GetProperty("text").GetString()!.StartsWith("vision/a of vision starts on n", StringComparison.Ordinal));

        Assert.Equal(0, (await StateAsync(http, "/state?tenant=search")).GetProperty("queue").GetProperty("matching").GetInt32());
        Assert.Equal(1, (await StateAsync(http, "/state?search=POD/B")).GetProperty("queue").GetProperty("matching").GetInt32());
    }

    [Theory]
    [InlineData("after=soon", "after must be the number of a cycle")]
    [InlineData("count=0", "count must be from 1 to 1000")]
    [InlineData("count=1001", "count must be from 1 to 1000")]
    public async Task A_bad_question_gets_one_clear_error(string query, string message)
    {
        await using var fixture = await StartAsync();
        using var http = Client(await fixture.StartDaemonAsync(WithPage()));
        using var answer = await http.GetAsync(new Uri($"/state?{query}", UriKind.Relative), Stop);
        Assert.Equal((HttpStatusCode.BadRequest, message), (answer.StatusCode, await answer.Content.ReadAsStringAsync(Stop)));
    }

    [Fact]
    public async Task Viewers_beyond_the_bound_are_sent_away()
    {
        await using var fixture = await StartAsync();
        var host = await fixture.StartDaemonAsync(WithPage(maxWatchers: 1));
        using var http = Client(host);
        var first = await StateAsync(http, "/state");
        using var closed = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        // Nothing happens in this cluster: the first viewer waits for a cycle far ahead, and holds the only place.
        var waiting = new Uri($"/state?after={first.GetProperty("number").GetInt64() + 1_000_000}", UriKind.Relative);
        var viewer = http.GetAsync(waiting, closed.Token);
        HttpResponseMessage? refused = null;
        while (refused is null)
        {
            // One of the requests below may have been there first, and the viewer refused.
            if (viewer.IsCompleted)
            {
                (await viewer).Dispose();
                viewer = http.GetAsync(waiting, closed.Token);
            }

            var answer = await http.GetAsync(new Uri("/state", UriKind.Relative), Stop);
            if (answer.StatusCode == HttpStatusCode.TooManyRequests)
                refused = answer;
            else
                answer.Dispose();
        }

        Assert.Contains("api.maxWatchers", await refused.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
        refused.Dispose();
        await closed.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => viewer);
    }

    private static Func<DaemonSettings, DaemonSettings> WithPage(int maxWatchers = 1000) => settings =>
    {
        settings.Api.MaxWatchers = maxWatchers;
        return settings with { AllowAnonymous = true };
    };

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static HttpClient Client(DaemonHost host) => new() { BaseAddress = host.HttpAddress };

    private static async Task<JsonElement> StateAsync(HttpClient http, string path)
    {
        while (true)
        {
            using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), Stop);
            // 503 until the first cycle is done.
            if (answer.StatusCode == HttpStatusCode.ServiceUnavailable)
                continue;
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            using var document = JsonDocument.Parse(await answer.Content.ReadAsStreamAsync(Stop));
            return document.RootElement.Clone();
        }
    }
}
