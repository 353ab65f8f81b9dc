using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster;
using Scheduler.SimulatedCluster.Json;
using Xunit;

namespace Scheduler.Simulation.Tests.Cluster;

/// <summary>A cluster of a test's own, with short ways to talk to it over HTTP.</summary>
internal sealed class TestCluster : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private TestCluster(SimulatedCluster.SimulatedCluster cluster)
    {
        Cluster = cluster;
        Http = new HttpClient { BaseAddress = cluster.Address, Timeout = Timeout.InfiniteTimeSpan };
    }

    public SimulatedCluster.SimulatedCluster Cluster { get; }

    public HttpClient Http { get; }

    public static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Starts a cluster with two nodes of 8 GPUs whose kubelets do not dawdle.</summary>
    public static async Task<TestCluster> StartAsync(Action<SimulatedClusterOptions>? configure = null)
    {
        var options = new SimulatedClusterOptions
        {
            Nodes = [new SimulatedNode { Name = "n1", Gpus = 8, GpuModel = "A10" }, new SimulatedNode { Name = "n2", Gpus = 8, GpuModel = "A10" }],
            Kubelets = new KubeletOptions { StartDelay = TimeSpan.Zero, TerminationDelay = TimeSpan.Zero },
        };
        configure?.Invoke(options);
        return new TestCluster(await SimulatedCluster.SimulatedCluster.StartAsync(options, Ct));
    }

    public static JsonObject Yaml(string yaml) => YamlDocuments.Parse(yaml)[0].AsObject();

    public async Task<(int Code, JsonObject Body)> SendAsync(string method, string path, JsonNode? body = null, string contentType = "application/json", string? accept = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null)
        {
            request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        }

        if (accept is not null)
            request.Headers.TryAddWithoutValidation("Accept", accept);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        limit.CancelAfter(Patience);
        using var response = await Http.SendAsync(request, limit.Token);
        var text = await response.Content.ReadAsStringAsync(limit.Token);
        return ((int)response.StatusCode, JsonNode.Parse(text)!.AsObject());
    }

    public async Task<JsonObject> GetAsync(string path) => await ExpectAsync(200, "GET", path);

    public async Task<JsonObject> CreateAsync(string path, string yaml) => await ExpectAsync(201, "POST", path, Yaml(yaml));

    public async Task<JsonObject> ExpectAsync(int code, string method, string path, JsonNode? body = null, string contentType = "application/json")
    {
        var (actual, answer) = await SendAsync(method, path, body, contentType);
        Assert.True(actual == code, $"{method} {path}: {actual} instead of {code}: {answer.ToJsonString()}");
        return answer;
    }

    public Task<JsonObject> CreatePodAsync(string name, string more = "", string labels = "{}", int gpus = 1, string annotations = "{}") => CreateAsync(
        "/api/v1/namespaces/default/pods",
        $$"""
        apiVersion: v1
        kind: Pod
        metadata: {name: {{name}}, labels: {{labels}}, annotations: {{annotations}}}
        spec:
          restartPolicy: Never
          containers:
          - {name: main, image: busybox, resources: {limits: {nvidia.com/gpu: {{gpus}} } } }
          {{more}}
        """);

    public async Task<(int Code, JsonObject Body)> BindAsync(string pod, string node) => await SendAsync(
        "POST",
        $"/api/v1/namespaces/default/pods/{pod}/binding",
        new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Binding", ["metadata"] = new JsonObject { ["name"] = pod }, ["target"] = new JsonObject { ["kind"] = "Node", ["name"] = node } });

    /// <summary>The events of a watch, one by one, until the server ends it.</summary>
    public IAsyncEnumerable<(string Type, JsonObject Object)> WatchAsync(string path) => WatchWhileAsync(path, Ct);

    /// <summary>The events of a watch until the server or the caller ends it.</summary>
    public async IAsyncEnumerable<(string Type, JsonObject Object)> WatchWhileAsync(string path, [EnumeratorCancellation] CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Ct, ct);
        limit.CancelAfter(Patience);
        var separator = path.Contains('?', StringComparison.Ordinal) ? '&' : '?';
        using var response = await Http.GetAsync($"{path}{separator}watch=true", HttpCompletionOption.ResponseHeadersRead, limit.Token);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(limit.Token));
        while (await reader.ReadLineAsync(limit.Token) is { } line)
        {
            var change = JsonNode.Parse(line)!.AsObject();
            yield return (change.StringAt("type")!, change.ObjectAt("object")!);
        }
    }

    /// <summary>Watches one object of a collection until it is as wanted.</summary>
    public async Task<JsonObject> UntilAsync(string collection, string name, Func<JsonObject, bool> isAsWanted)
    {
        JsonObject? last = null;
        try
        {
            await foreach (var (type, obj) in WatchAsync($"{collection}?fieldSelector=metadata.name%3D{name}"))
            {
                last = obj;
                if (type is "ADDED" or "MODIFIED" && isAsWanted(obj))
                    return obj;
            }
        }
        catch (OperationCanceledException) when (!Ct.IsCancellationRequested)
        {
            // The patience is over; what was seen last says why.
        }

        throw new Xunit.Sdk.XunitException($"{name} never became as wanted; last seen: {last?.ToJsonString()}");
    }

    /// <summary>Watches until an object is gone.</summary>
    public async Task UntilGoneAsync(string collection, string name)
    {
        var list = await GetAsync($"{collection}?fieldSelector=metadata.name%3D{name}");
        if (list.ArrayAt("items")!.Count == 0)
            return;
        await foreach (var (type, _) in WatchAsync($"{collection}?fieldSelector=metadata.name%3D{name}&resourceVersion={list.StringAt("metadata", "resourceVersion")}"))
        {
            if (type == "DELETED")
                return;
        }
    }

    public Task<JsonObject> UntilPodAsync(string name, string phase) =>
        UntilAsync("/api/v1/namespaces/default/pods", name, p => p.StringAt("status", "phase") == phase);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Cluster.DisposeAsync();
    }
}
