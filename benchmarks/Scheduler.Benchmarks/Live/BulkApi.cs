using System.Globalization;
using System.Text.Json.Nodes;
using Scheduler.Benchmarks.Commands;
using Scheduler.TestKit;

namespace Scheduler.Benchmarks.Live;

/// <summary>Objects in bulk on an API server, with so many requests at once.</summary>
internal sealed class BulkApi(ApiEndpoint endpoint) : IDisposable
{
    public const int Connections = 64;

    private readonly ApiClient _api = new(endpoint);

    public ApiClient Client => _api;

    public Task CreateAsync(string path, IEnumerable<string> bodies, CancellationToken cancellationToken) => ForEachAsync(
        bodies, body => _api.PostAsync(path, body, cancellationToken), [201], cancellationToken);

    /// <summary>What binds without a scheduler: one request for each pod, and nothing else.</summary>
    public Task BindAsync(string space, IEnumerable<(string Pod, string Node)> bindings, CancellationToken cancellationToken) => ForEachAsync(
        bindings,
        binding => _api.PostAsync(
            $"/api/v1/namespaces/{space}/pods/{binding.Pod}/binding",
            $$$"""{"apiVersion":"v1","kind":"Binding","metadata":{"name":"{{{binding.Pod}}}"},"target":{"apiVersion":"v1","kind":"Node","name":"{{{binding.Node}}}"}}""",
            cancellationToken),
        [201], cancellationToken);

    /// <summary>Deletes at once, without grace.</summary>
    public Task DeleteAsync(IEnumerable<string> paths, CancellationToken cancellationToken) => ForEachAsync(
        paths, path => _api.DeleteAsync(path, cancellationToken, """{"apiVersion":"v1","kind":"DeleteOptions","gracePeriodSeconds":0}"""), [200, 202, 404], cancellationToken);

    public async Task<long> CountAsync(string path, CancellationToken cancellationToken)
    {
        var page = (await _api.GetAsync($"{path}?limit=1", cancellationToken)).Body;
        var rest = page.TextAt("metadata.remainingItemCount");
        return page["items"]!.AsArray().Count + (rest is null ? 0 : long.Parse(rest, CultureInfo.InvariantCulture));
    }

    public void Dispose() => _api.Dispose();

    private static Task ForEachAsync<T>(IEnumerable<T> items, Func<T, Task<ApiResponse>> send, int[] good, CancellationToken cancellationToken) =>
        Parallel.ForEachAsync(items, new ParallelOptions { MaxDegreeOfParallelism = Connections, CancellationToken = cancellationToken }, async (item, _) =>
        {
            var answer = await send(item);
            if (!good.Contains(answer.Code)) throw new MeasurementException($"{answer.Request} answered {answer.Code}: {answer.Text}");
        });
}

/// <summary>The objects that the measurements of a live cluster create.</summary>
internal static class LiveObjects
{
    public const int GpusPerNode = 8;

    public static string Name(string prefix, int number) => string.Create(CultureInfo.InvariantCulture, $"{prefix}-{number:00000}");

    public static string Namespace(string name) => new JsonObject
    {
        ["apiVersion"] = "v1",
        ["kind"] = "Namespace",
        ["metadata"] = new JsonObject { ["name"] = name },
    }.ToJsonString();

    /// <summary>A tenant that owns the namespace of its name and is guaranteed so many GPUs, and no more.</summary>
    public static string Tenant(string name, int gpus) => new JsonObject
    {
        ["apiVersion"] = "weir.scheduler/v1",
        ["kind"] = "Tenant",
        ["metadata"] = new JsonObject { ["name"] = name },
        ["spec"] = new JsonObject
        {
            ["namespaces"] = new JsonArray(name),
            ["quotas"] = new JsonArray(new JsonObject { ["flavor"] = "*", ["guaranteed"] = gpus, ["burst"] = 0 }),
        },
    }.ToJsonString();

    public static string Node(string name)
    {
        static JsonObject Resources() => new() { ["cpu"] = "96", ["memory"] = "1Ti", ["pods"] = "110", ["nvidia.com/gpu"] = "8" };
        return new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Node",
            ["metadata"] = new JsonObject
            {
                ["name"] = name,
                ["labels"] = new JsonObject { ["kubernetes.io/hostname"] = name, ["nvidia.com/gpu.product"] = "NVIDIA-H100-80GB-HBM3" },
            },
            ["status"] = new JsonObject
            {
                ["capacity"] = Resources(),
                ["allocatable"] = Resources(),
                ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = "True", ["reason"] = "KubeletReady" }),
            },
        }.ToJsonString();
    }

    /// <summary>A pod of one GPU; on a node already, if one is named.</summary>
    public static JsonObject Pod(string space, string name, string scheduler, string? node = null, int device = 0)
    {
        static JsonObject Resources() => new() { ["cpu"] = "1", ["memory"] = "1Gi", ["nvidia.com/gpu"] = "1" };
        var pod = new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Pod",
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = space },
            ["spec"] = new JsonObject
            {
                ["schedulerName"] = scheduler,
                ["containers"] = new JsonArray(new JsonObject
                {
                    ["name"] = "main",
                    ["image"] = "example.com/main:1",
                    ["resources"] = new JsonObject { ["requests"] = Resources(), ["limits"] = Resources() },
                }),
            },
        };
        if (node is not null)
        {
            pod["spec"]!["nodeName"] = node;
            pod["metadata"]!["annotations"] = new JsonObject { ["weir.scheduler/gpu-devices"] = device.ToString(CultureInfo.InvariantCulture) };
        }

        return pod;
    }
}
