using System.Text;
using System.Text.Json.Nodes;
using static Scheduler.Daemon.Tests.WholePath.ClusterFixture;

namespace Scheduler.Daemon.Tests.WholePath;

/// <summary>Rules between pods, volumes and Workload objects, from the API to the binding.</summary>
public class ConstraintTests
{
    [Fact]
    public async Task Pods_that_avoid_each_other_run_on_different_nodes_and_keep_a_third_away()
    {
        await using var fixture = await ClusterFixture.StartAsync();
        await fixture.StartDaemonAsync();
        const string Apart = """
            {"affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":
              [{"topologyKey":"kubernetes.io/hostname","labelSelector":{"matchLabels":{"app":"web"}}}]}}}
            """;
        fixture.Cluster.Create(With(Pod("a"), "labels", """{"app":"web"}""", Apart));
        var first = Text(await fixture.UntilPodAsync("a", pod => Text(pod, "spec", "nodeName") is not null), "spec", "nodeName");
        fixture.Cluster.Create(With(Pod("b"), "labels", """{"app":"web"}""", Apart));
        var second = Text(await fixture.UntilPodAsync("b", pod => Text(pod, "spec", "nodeName") is not null), "spec", "nodeName");
        Assert.NotEqual(first, second);
        fixture.Cluster.Create(With(Pod("c"), "labels", """{"app":"web"}""", "{}"));
        var waiting = await fixture.UntilPodAsync("c", pod => Condition(pod, "PodScheduled") is not null);
        Assert.Contains("2 near pods that it avoids, or that avoid it", Text(Condition(waiting, "PodScheduled"), "message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_claim_that_waits_for_its_pod_is_bound_before_it()
    {
        await using var fixture = await ClusterFixture.StartAsync();
        await fixture.StartDaemonAsync();
        fixture.Cluster.Create(Object("""
            {"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":{"name":"fast"},"provisioner":"csi.example.com","volumeBindingMode":"WaitForFirstConsumer"}
            """));
        fixture.Cluster.Create(Object("""
            {"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"data","namespace":"search"},
             "spec":{"storageClassName":"fast","accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}},"status":{"phase":"Pending"}}
            """));
        fixture.Cluster.Create(With(Pod("train"), "labels", "{}", """{"volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"data"}}]}"""));
        const string Claims = "/api/v1/namespaces/search/persistentvolumeclaims";
        var claim = await fixture.UntilAsync(Claims, claim => claim["metadata"]!["annotations"]?["volume.kubernetes.io/selected-node"] is not null);
        var node = claim["metadata"]!["annotations"]!["volume.kubernetes.io/selected-node"]!.ToString();

        // What a provisioner does: the volume for that node, and the claim bound to it.
        fixture.Cluster.Create(Object($$$"""
            {"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"pv"},"spec":{"claimRef":{"namespace":"search","name":"data"},
             "csi":{"driver":"csi.example.com","volumeHandle":"h"},"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],
             "nodeAffinity":{"required":{"nodeSelectorTerms":[{"matchFields":[{"key":"metadata.name","operator":"In","values":["{{{node}}}"]}]}]} } } }
            """));
        await PatchAsync(fixture, $"{Claims}/data", """{"spec":{"volumeName":"pv"}}""");
        await PatchAsync(fixture, $"{Claims}/data/status", """{"status":{"phase":"Bound"}}""");
        await fixture.UntilPodAsync("train", pod => Text(pod, "spec", "nodeName") == node);
    }

    [Fact]
    public async Task A_gang_takes_its_size_from_a_workload_object()
    {
        await using var fixture = await ClusterFixture.StartAsync();
        var host = await fixture.StartDaemonAsync();
        fixture.Cluster.Create(Object("""
            {"apiVersion":"scheduling.k8s.io/v1alpha1","kind":"Workload","metadata":{"name":"train","namespace":"search"},
             "spec":{"podGroups":[{"name":"workers","policy":{"gang":{"minCount":2}}}]}}
            """));
        const string Of = """{"workloadRef":{"name":"train","podGroup":"workers"}}""";
        fixture.Cluster.Create(With(Pod("w0"), "labels", "{}", Of));
        await UntilCycleAsync(host, cycle => cycle.Queue.Any(queued => queued.Reason == Core.Planning.WaitReason.GangIncomplete));
        fixture.Cluster.Create(With(Pod("w1"), "labels", "{}", Of));
        foreach (var name in new[] { "w0", "w1" })
            await fixture.UntilPodAsync(name, pod => Text(pod, "spec", "nodeName") is not null);
    }

    private static async Task PatchAsync(ClusterFixture fixture, string path, string patch)
    {
        using var http = new HttpClient { BaseAddress = fixture.Cluster.Address };
        using var content = new StringContent(patch, Encoding.UTF8, "application/merge-patch+json");
        using var response = await http.PatchAsync(new Uri(path, UriKind.Relative), content, TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
    }

    private static JsonObject Object(string json) => JsonNode.Parse(json)!.AsObject();

    private static JsonObject With(JsonObject pod, string meta, string value, string spec)
    {
        pod["metadata"]![meta] = JsonNode.Parse(value);
        foreach (var (key, member) in JsonNode.Parse(spec)!.AsObject())
            pod["spec"]![key] = member?.DeepClone();
        return pod;
    }
}
