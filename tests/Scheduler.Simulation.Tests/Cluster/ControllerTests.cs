using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;
using Xunit;

namespace Scheduler.Simulation.Tests.Cluster;

public sealed class ControllerTests
{
    private const string Pods = "/api/v1/namespaces/default/pods";
    private const string Jobs = "/apis/batch/v1/namespaces/default/jobs";
    private const string Deployments = "/apis/apps/v1/namespaces/default/deployments";

    private static string Job(string spec) =>
        $"{{apiVersion: batch/v1, kind: Job, metadata: {{name: j}}, spec: {{{spec}, template: {{metadata: {{annotations: {{simulation.weir.scheduler/duration: 1s}}}}, spec: {{restartPolicy: Never, containers: [{{name: c, image: x}}]}}}}}}}}";

    /// <summary>Binds every pod that comes, as the simplest of all schedulers.</summary>
    private static async Task BindAllAsync(TestCluster cluster, CancellationToken ct)
    {
        try
        {
            await foreach (var (type, pod) in cluster.WatchWhileAsync(Pods + "?fieldSelector=spec.nodeName%3D", ct))
            {
                if (type == "ADDED")
                    await cluster.BindAsync(pod.StringAt("metadata", "name")!, "n1");
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // The test is over.
        }
    }

    [Fact]
    public async Task A_job_runs_its_pods_and_completes()
    {
        await using var cluster = await TestCluster.StartAsync(o => o.TimeScale = 100);
        using var over = new CancellationTokenSource();
        var binding = BindAllAsync(cluster, over.Token);
        await cluster.CreateAsync(Jobs, Job("parallelism: 2, completions: 5"));
        var job = await cluster.UntilAsync(Jobs, "j", j => j.ObjectsAt("status", "conditions").Any(c => c.StringAt("type") == "Complete"));
        Assert.Equal(5, job.LongAt("status", "succeeded"));
        Assert.NotNull(job.StringAt("status", "completionTime"));
        var pods = (await cluster.GetAsync(Pods + "?labelSelector=job-name%3Dj")).ObjectsAt("items").ToList();
        Assert.Equal(5, pods.Count);
        Assert.All(pods, p => Assert.Equal("Job", p.ObjectsAt("metadata", "ownerReferences").Single().StringAt("kind")));
        await over.CancelAsync();
        await binding;
    }

    [Fact]
    public async Task An_indexed_job_gives_each_pod_its_index()
    {
        await using var cluster = await TestCluster.StartAsync(o => o.TimeScale = 100);
        using var over = new CancellationTokenSource();
        var binding = BindAllAsync(cluster, over.Token);
        await cluster.CreateAsync(Jobs, Job("parallelism: 2, completions: 3, completionMode: Indexed"));
        var job = await cluster.UntilAsync(Jobs, "j", j => j.ObjectsAt("status", "conditions").Any(c => c.StringAt("type") == "Complete"));
        Assert.Equal("0-2", job.StringAt("status", "completedIndexes"));
        await over.CancelAsync();
        await binding;
    }

    [Fact]
    public async Task An_evicted_pod_of_a_job_is_replaced_and_is_no_failure()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.CreateAsync(Jobs, Job("parallelism: 1, completions: 1, backoffLimit: 0"));
        var job = await cluster.UntilAsync(Jobs, "j", j => j.LongAt("status", "active") == 1);
        var pod = (await cluster.GetAsync(Pods)).ObjectsAt("items").Single().StringAt("metadata", "name")!;
        await cluster.ExpectAsync(201, "POST", $"{Pods}/{pod}/eviction", TestCluster.Yaml($"{{apiVersion: policy/v1, kind: Eviction, metadata: {{name: {pod}}}}}"));
        await foreach (var (type, other) in cluster.WatchAsync(Pods))
        {
            if (type == "ADDED" && other.StringAt("metadata", "name") != pod)
                break;
        }

        Assert.Null((await cluster.GetAsync(Jobs + "/j")).LongAt("status", "failed"));
        Assert.Equal(job.StringAt("metadata", "uid"), (await cluster.GetAsync(Jobs + "/j")).StringAt("metadata", "uid"));
    }

    [Fact]
    public async Task A_job_whose_pods_fail_too_often_fails()
    {
        await using var cluster = await TestCluster.StartAsync(o => o.TimeScale = 100);
        using var over = new CancellationTokenSource();
        var binding = BindAllAsync(cluster, over.Token);
        await cluster.CreateAsync(Jobs, Job("backoffLimit: 1").Replace("duration: 1s", "duration: 1s, simulation.weir.scheduler/exit-code: '3'", StringComparison.Ordinal));
        var job = await cluster.UntilAsync(Jobs, "j", j => j.ObjectsAt("status", "conditions").Any(c => c.StringAt("type") == "Failed"));
        Assert.Equal(2, job.LongAt("status", "failed"));
        await over.CancelAsync();
        await binding;
    }

    [Fact]
    public async Task A_deployment_keeps_its_pods_and_takes_them_with_it()
    {
        await using var cluster = await TestCluster.StartAsync();
        using var over = new CancellationTokenSource();
        var binding = BindAllAsync(cluster, over.Token);
        await cluster.CreateAsync(Deployments, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {replicas: 3, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: x}]}}}}");
        await cluster.UntilAsync(Deployments, "d", d => d.LongAt("status", "readyReplicas") == 3);
        await cluster.ExpectAsync(200, "PATCH", Deployments + "/d/scale", TestCluster.Yaml("spec: {replicas: 1}"), "application/merge-patch+json");
        await cluster.UntilAsync(Deployments, "d", d => d.LongAt("status", "replicas") == 1);
        await cluster.ExpectAsync(200, "PATCH", Deployments + "/d", TestCluster.Yaml("spec: {template: {metadata: {annotations: {v: '2'}}}}"), "application/merge-patch+json");
        await cluster.UntilAsync(Deployments, "d", d => d.StringAt("metadata", "annotations", "deployment.kubernetes.io/revision") == "2" && d.LongAt("status", "readyReplicas") == 1);
        await cluster.ExpectAsync(200, "DELETE", Deployments + "/d");
        foreach (var pod in (await cluster.GetAsync(Pods)).ObjectsAt("items").ToList())
            await cluster.UntilGoneAsync(Pods, pod.StringAt("metadata", "name")!);
        await over.CancelAsync();
        await binding;
    }

    [Theory]
    [InlineData("Background")]
    [InlineData("Foreground")]
    public async Task Dependents_go_with_their_owner(string propagation)
    {
        await using var cluster = await TestCluster.StartAsync();
        await OwnedPodAsync(cluster);
        await cluster.ExpectAsync(200, "DELETE", "/api/v1/namespaces/default/configmaps/owner", new JsonObject { ["propagationPolicy"] = propagation });
        await cluster.UntilGoneAsync(Pods, "owned");
        await cluster.UntilGoneAsync("/api/v1/namespaces/default/configmaps", "owner");
    }

    [Fact]
    public async Task Orphans_stay_when_their_owner_is_deleted_so()
    {
        await using var cluster = await TestCluster.StartAsync();
        await OwnedPodAsync(cluster);
        await cluster.ExpectAsync(200, "DELETE", "/api/v1/namespaces/default/configmaps/owner", new JsonObject { ["propagationPolicy"] = "Orphan" });
        await cluster.UntilGoneAsync("/api/v1/namespaces/default/configmaps", "owner");
        Assert.Null((await cluster.GetAsync(Pods + "/owned")).At("metadata", "ownerReferences"));
    }

    [Fact]
    public async Task An_object_whose_owner_never_existed_goes_and_one_whose_owner_cannot_be_looked_for_stays()
    {
        await using var cluster = await TestCluster.StartAsync();
        const string Body = "apiVersion: v1, kind: Pod, spec: {containers: [{name: c, image: x}]}";
        await cluster.CreateAsync(Pods, $"{{{Body}, metadata: {{name: stays, ownerReferences: [{{apiVersion: nobody.example/v1, kind: Thing, name: t, uid: u1}}]}}}}");
        await cluster.CreateAsync(Pods, $"{{{Body}, metadata: {{name: goes, ownerReferences: [{{apiVersion: v1, kind: ConfigMap, name: never, uid: u2}}]}}}}");
        await cluster.UntilGoneAsync(Pods, "goes");
        await cluster.GetAsync(Pods + "/stays");
    }

    private static async Task OwnedPodAsync(TestCluster cluster)
    {
        var owner = await cluster.CreateAsync("/api/v1/namespaces/default/configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: owner}}");
        await cluster.CreateAsync(Pods, $"{{apiVersion: v1, kind: Pod, metadata: {{name: owned, ownerReferences: [{{apiVersion: v1, kind: ConfigMap, name: owner, uid: {owner.StringAt("metadata", "uid")}}}]}}, spec: {{containers: [{{name: c, image: x}}]}}}}");
    }

    [Fact]
    public async Task A_namespace_takes_its_content_with_it()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.CreateAsync("/api/v1/namespaces", "{apiVersion: v1, kind: Namespace, metadata: {name: team}}");
        await cluster.CreateAsync("/api/v1/namespaces/team/pods", "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {nodeName: n1, containers: [{name: c, image: x}]}}");
        await cluster.CreateAsync("/api/v1/namespaces/team/configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: m}}");
        var marked = await cluster.ExpectAsync(200, "DELETE", "/api/v1/namespaces/team");
        Assert.Equal("Terminating", marked.StringAt("status", "phase"));
        await cluster.UntilGoneAsync("/api/v1/namespaces", "team");
        Assert.Empty((await cluster.GetAsync("/api/v1/namespaces/team/pods")).ArrayAt("items")!);
    }
}
