using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Scheduler.Daemon.Hosting;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Loop;
using Scheduler.SimulatedCluster;
using Scheduler.SimulatedCluster.Access;

namespace Scheduler.Daemon.Tests.WholePath;

/// <summary>A simulated cluster with two tenants, and daemons against it.</summary>
internal sealed class ClusterFixture : IAsyncDisposable
{
    private readonly List<DaemonHost> _hosts = [];
    private readonly ApiServerClient _client;

    private ClusterFixture(SimulatedCluster.SimulatedCluster cluster)
    {
        Cluster = cluster;
        _client = new ApiServerClient(new HttpClient { BaseAddress = cluster.Address }, TimeProvider.System, TimeSpan.FromSeconds(30));
    }

    public SimulatedCluster.SimulatedCluster Cluster { get; }

    public static async Task<ClusterFixture> StartAsync(
        int nodes = 2, int gpus = 4, bool servesGpuMetrics = false, IReadOnlyDictionary<string, SimulatedUser>? tokens = null)
    {
        var cluster = await SimulatedCluster.SimulatedCluster.StartAsync(new SimulatedClusterOptions
        {
            Nodes = [.. Enumerable.Range(0, nodes).Select(index => new SimulatedNode { Name = $"n{index}", Gpus = gpus, GpuModel = "H100" })],
            Tokens = tokens ?? new Dictionary<string, SimulatedUser>(),
            Manifests = [Definition("tenants"), Definition("podgroups"), Tenants],
            ServesGpuMetrics = servesGpuMetrics,
        }, TestContext.Current.CancellationToken);
        return new ClusterFixture(cluster);
    }

    public async Task<DaemonHost> StartDaemonAsync(Func<DaemonSettings, DaemonSettings>? change = null)
    {
        var settings = new DaemonSettings
        {
            Server = Cluster.Address,
            LogLevel = LogLevel.None,
            AllowAnonymous = true,
            Api = { HttpPort = 0, GrpcPort = 0 },
            Leadership = { LeaseNamespace = "default" },
        };
        var host = DaemonHost.Build(change?.Invoke(settings) ?? settings);
        _hosts.Add(host);
        await host.StartAsync(TestContext.Current.CancellationToken);
        return host;
    }

    public static JsonObject Pod(string name, int gpus = 1, string @namespace = "search", params (string Name, string Value)[] annotations)
    {
        var pod = JsonNode.Parse($$"""
            {"apiVersion":"v1","kind":"Pod","metadata":{"name":"{{name}}","namespace":"{{@namespace}}","annotations":{} },
             "spec":{"schedulerName":"weir","containers":[{"name":"c","image":"i","resources":{"limits":{"nvidia.com/gpu":"{{gpus}}"},"requests":{"cpu":"1"} } }]} }
            """)!.AsObject();
        foreach (var (key, value) in annotations)
            pod["metadata"]!["annotations"]![$"weir.scheduler/{key}"] = value;
        return pod;
    }

    /// <summary>A job with one pod, which its controller recreates.</summary>
    public static JsonObject Job(string name, int gpus, string @namespace, params (string Name, string Value)[] annotations)
    {
        var pod = Pod("unused", gpus, @namespace, annotations);
        var template = new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = pod["metadata"]!["annotations"]!.DeepClone() }, ["spec"] = pod["spec"]!.DeepClone() };
        template["spec"]!["restartPolicy"] = "Never";
        return new JsonObject
        {
            ["apiVersion"] = "batch/v1",
            ["kind"] = "Job",
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = @namespace },
            ["spec"] = new JsonObject { ["template"] = template, ["backoffLimit"] = 10 },
        };
    }

    /// <summary>Waits until a pod whose name begins so satisfies the condition.</summary>
    public Task<JsonNode> UntilPodOfAsync(string owner, Func<JsonNode, bool> condition, string @namespace) => UntilAsync(
        $"/api/v1/namespaces/{@namespace}/pods", pod => Text(pod, "metadata", "name")!.StartsWith(owner + "-", StringComparison.Ordinal) && condition(pod));

    public static string? Annotation(JsonNode pod, string name) => pod["metadata"]?["annotations"]?[$"weir.scheduler/{name}"]?.ToString();

    /// <summary>Waits, by a watch, until an object of the collection satisfies the condition.</summary>
    public async Task<JsonNode> UntilAsync(string collection, Func<JsonNode, bool> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        // A watch without a version begins with all that there is.
        using var response = await _client.OpenAsync($"{collection}?watch=true", limit.Token);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(limit.Token));
        while (await reader.ReadLineAsync(limit.Token) is { } line)
        {
            var changed = JsonNode.Parse(line)!["object"]!;
            if (condition(changed))
                return changed;
        }

        throw new InvalidOperationException($"the watch of {collection} ended");
    }

    public Task<JsonNode> UntilPodAsync(string name, Func<JsonNode, bool> condition, string @namespace = "search") =>
        UntilAsync($"/api/v1/namespaces/{@namespace}/pods", pod => Text(pod, "metadata", "name") == name && condition(pod));

    public static async Task<PublishedCycle> UntilCycleAsync(DaemonHost host, Func<PublishedCycle, bool> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        var seen = 0L;
        while (true)
        {
            var cycle = await host.ReadModel.WaitForNextAsync(seen, limit.Token);
            if (condition(cycle))
                return cycle;
            seen = cycle.Number;
        }
    }

    public static string? Text(JsonNode? node, params string[] path)
    {
        foreach (var part in path)
            node = node?[part];
        return node?.ToString();
    }

    public static JsonNode? Condition(JsonNode node, string type) =>
        (node["status"]?["conditions"] as JsonArray)?.FirstOrDefault(condition => condition!["type"]!.ToString() == type);

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts)
            await host.DisposeAsync();
        _client.Dispose();
        await Cluster.DisposeAsync();
    }

    private static string Definition(string name) => File.ReadAllText(TestKit.Repository.PathOf("deploy", "crds", $"{name}.yaml"));

    private const string Tenants = """
        apiVersion: v1
        kind: Namespace
        metadata: {name: search}
        ---
        apiVersion: v1
        kind: Namespace
        metadata: {name: vision}
        ---
        apiVersion: weir.scheduler/v1
        kind: Tenant
        metadata: {name: search}
        spec:
          namespaces: [search]
          quotas: [{flavor: "*", guaranteed: 4, burst: 4}]
        ---
        apiVersion: weir.scheduler/v1
        kind: Tenant
        metadata: {name: vision}
        spec:
          namespaces: [vision]
          quotas: [{flavor: "*", guaranteed: 2, burst: 0}]
        """;
}
