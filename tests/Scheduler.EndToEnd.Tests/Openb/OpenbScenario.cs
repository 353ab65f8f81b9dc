using System.Globalization;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using Scheduler.EndToEnd.Tests.Checking;
using Scheduler.TestKit;

namespace Scheduler.EndToEnd.Tests.Openb;

/// <summary>
/// A hundred nodes and five hundred pods of the openb trace, under four tenants: a, b and c with a quarter of the GPUs
/// guaranteed to each and as much again on top, d with so little that pods of it must wait.
/// </summary>
public sealed class OpenbScenario(IKubernetes client, ApiClient api, IReadOnlyList<OpenbNode> nodes, IReadOnlyList<OpenbPod> pods)
{
    private const string TenantsPath = "/apis/weir.scheduler/v1/tenants";
    private const int RequestsAtOnce = 16;

    /// <summary>The namespaces, one for each tenant of the same name.</summary>
    public static IReadOnlyList<string> Spaces { get; } = ["a", "b", "c", "d"];

    /// <summary>The tenants as custom resources.</summary>
    public IReadOnlyList<JsonNode> Tenants { get; } = [.. Spaces.Select(space => Tenant(space, nodes.Sum(node => node.Gpus)))];

    /// <summary>The limits that follow from them.</summary>
    public IReadOnlyList<TenantLimit> Limits => [.. Tenants.SelectMany(TenantLimit.Of)];

    /// <summary>Creates namespaces, priority classes and nodes.</summary>
    public async Task CreateClusterAsync(CancellationToken cancellationToken)
    {
        foreach (var space in Spaces)
            await client.CoreV1.CreateNamespaceAsync(new V1Namespace { Metadata = new() { Name = space } }, cancellationToken: cancellationToken);
        await Manifests.ApplyAsync(api, cancellationToken, "base", "priorityclasses.yaml");
        await ForEachAsync(nodes, (node, cancel) => client.CoreV1.CreateNodeAsync(OpenbObjects.Node(node), cancellationToken: cancel), cancellationToken);
    }

    /// <summary>Creates the tenants; their custom resource must be there.</summary>
    public async Task CreateTenantsAsync(CancellationToken cancellationToken)
    {
        foreach (var tenant in Tenants) (await api.PostAsync(TenantsPath, tenant.ToJsonString(), cancellationToken)).Expect(201);
    }

    /// <summary>Creates the pods, those of the four namespaces in turn.</summary>
    public Task CreatePodsAsync(CancellationToken cancellationToken) => CreatePodsAsync(.., cancellationToken);

    /// <summary>Creates some of the pods.</summary>
    public Task CreatePodsAsync(Range which, CancellationToken cancellationToken) => ForEachAsync(
        pods.Select((pod, i) => OpenbObjects.Pod(pod, Spaces[i % Spaces.Count])).Take(which),
        (pod, cancel) => client.CoreV1.CreateNamespacedPodAsync(pod, pod.Metadata.NamespaceProperty, cancellationToken: cancel), cancellationToken);

    /// <summary>Reads back what the API server says, for the checker.</summary>
    public async Task<(IReadOnlyList<V1Pod> Pods, IReadOnlyList<V1Node> Nodes)> ReadAsync(CancellationToken cancellationToken)
    {
        var read = await client.CoreV1.ListPodForAllNamespacesAsync(cancellationToken: cancellationToken);
        var onNodes = await client.CoreV1.ListNodeAsync(cancellationToken: cancellationToken);
        return ([.. read.Items], [.. onNodes.Items]);
    }

    private static Task ForEachAsync<T>(IEnumerable<T> items, Func<T, CancellationToken, Task> act, CancellationToken cancellationToken) =>
        Parallel.ForEachAsync(
            items,
            new ParallelOptions { MaxDegreeOfParallelism = RequestsAtOnce, CancellationToken = cancellationToken },
            async (item, cancel) => await act(item, cancel));

    private static JsonObject Tenant(string name, int gpus)
    {
        var (guaranteed, burst) = name == "d" ? (10, 10) : (gpus / 4 - 4, gpus / 4);
        return new JsonObject
        {
            ["apiVersion"] = "weir.scheduler/v1",
            ["kind"] = "Tenant",
            ["metadata"] = new JsonObject { ["name"] = name },
            ["spec"] = new JsonObject
            {
                ["namespaces"] = new JsonArray(name),
                ["quotas"] = new JsonArray(new JsonObject
                {
                    ["flavor"] = "*",
                    ["guaranteed"] = guaranteed,
                    ["burst"] = burst.ToString(CultureInfo.InvariantCulture),
                }),
            },
        };
    }
}
