using System.Net;
using k8s;
using k8s.Autorest;
using k8s.Models;
using Xunit;

namespace Scheduler.Simulation.Tests.Cluster;

/// <summary>The C# client library against the embedded server.</summary>
public sealed class ClientLibraryTests
{
    private static Kubernetes Client(TestCluster cluster) => new(new KubernetesClientConfiguration { Host = cluster.Cluster.Address.ToString() });

    private static V1Pod Pod(string name) => new()
    {
        Metadata = new V1ObjectMeta { Name = name, Labels = new Dictionary<string, string> { ["app"] = "x" } },
        Spec = new V1PodSpec
        {
            SchedulerName = "weir",
            Containers = [new V1Container { Name = "c", Image = "x", Resources = new V1ResourceRequirements { Limits = new Dictionary<string, ResourceQuantity> { ["nvidia.com/gpu"] = new("2") } } }],
        },
    };

    [Fact]
    public async Task A_scheduler_written_with_it_lists_watches_binds_patches_and_evicts()
    {
        await using var cluster = await TestCluster.StartAsync();
        using var client = Client(cluster);
        var ct = TestCluster.Ct;
        Assert.Equal(2, (await client.CoreV1.ListNodeAsync(cancellationToken: ct)).Items.Count);
        await client.CoreV1.CreateNamespacedPodAsync(Pod("a"), "default", cancellationToken: ct);
        var list = await client.CoreV1.ListPodForAllNamespacesAsync(fieldSelector: "spec.schedulerName=weir", limit: 10, cancellationToken: ct);
        Assert.Equal("a", Assert.Single(list.Items).Name());

        await client.CoreV1.CreateNamespacedPodBindingAsync(
            new V1Binding { Metadata = new V1ObjectMeta { Name = "a" }, Target = new V1ObjectReference { Kind = "Node", Name = "n1" } }, "a", "default", cancellationToken: ct);
        var conflict = await Assert.ThrowsAsync<HttpOperationException>(() => client.CoreV1.CreateNamespacedPodBindingAsync(
            new V1Binding { Metadata = new V1ObjectMeta { Name = "a" }, Target = new V1ObjectReference { Kind = "Node", Name = "n2" } }, "a", "default", cancellationToken: ct));
        Assert.Equal(HttpStatusCode.Conflict, conflict.Response.StatusCode);

        await foreach (var (_, pod) in client.CoreV1.WatchListPodForAllNamespacesAsync(resourceVersion: list.ResourceVersion(), allowWatchBookmarks: true, cancellationToken: ct))
        {
            if (pod.Status.Phase == "Running")
                break;
        }

        var patch = new V1Patch("{\"metadata\":{\"annotations\":{\"weir.scheduler/preempt-by\":\"2030-01-01T00:00:00Z\"}}}", V1Patch.PatchType.StrategicMergePatch);
        var patched = await client.CoreV1.PatchNamespacedPodAsync(patch, "a", "default", cancellationToken: ct);
        Assert.Equal("2030-01-01T00:00:00Z", patched.GetAnnotation("weir.scheduler/preempt-by"));
        await client.CoreV1.CreateNamespacedPodEvictionAsync(new V1Eviction { Metadata = new V1ObjectMeta { Name = "a" } }, "a", "default", cancellationToken: ct);
        await cluster.UntilGoneAsync("/api/v1/namespaces/default/pods", "a");
    }

    [Fact]
    public async Task A_lease_is_taken_once()
    {
        await using var cluster = await TestCluster.StartAsync();
        using var client = Client(cluster);
        var ct = TestCluster.Ct;
        var lease = await client.CoordinationV1.CreateNamespacedLeaseAsync(
            new V1Lease { Metadata = new V1ObjectMeta { Name = "l" }, Spec = new V1LeaseSpec { HolderIdentity = "one", LeaseDurationSeconds = 15, RenewTime = DateTime.UtcNow } }, "kube-system", cancellationToken: ct);
        lease.Spec.HolderIdentity = "two";
        await client.CoordinationV1.ReplaceNamespacedLeaseAsync(lease, "l", "kube-system", cancellationToken: ct);
        lease.Spec.HolderIdentity = "three";
        var conflict = await Assert.ThrowsAsync<HttpOperationException>(() => client.CoordinationV1.ReplaceNamespacedLeaseAsync(lease, "l", "kube-system", cancellationToken: ct));
        Assert.Equal(HttpStatusCode.Conflict, conflict.Response.StatusCode);
    }
}
