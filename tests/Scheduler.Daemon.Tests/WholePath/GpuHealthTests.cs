using Grpc.Core;
using Grpc.Net.Client;
using Scheduler.Daemon.Hosting;
using Scheduler.Daemon.Options;
using Scheduler.SimulatedCluster;
using Weir.V1;
using static Scheduler.Daemon.Tests.WholePath.ClusterFixture;

namespace Scheduler.Daemon.Tests.WholePath;

/// <summary>
/// Sick GPUs from the exporter's page to the pod that moves: the simulated cluster serves metrics, the daemon finds its exporters by
/// their labels and reads them each second.
/// </summary>
public class GpuHealthTests
{
    private const string Nodes = "/api/v1/nodes";
    private const string NodeEvents = "/api/v1/namespaces/default/events";

    [Fact]
    public async Task A_device_with_XID_79_loses_its_pod_gets_no_other_and_is_used_again_after_a_clean_time()
    {
        await using var fixture = await ClusterFixture.StartAsync(nodes: 1, gpus: 6, servesGpuMetrics: true);
        var host = await StartAsync(fixture, telemetry => (telemetry.CleanSeconds, telemetry.ProbationSeconds) = (6, 1));
        fixture.Cluster.Create(Job("train", 1, "search", ("preemption-grace", "1s")));
        var pod = await fixture.UntilPodOfAsync("train", pod => Text(pod, "status", "phase") == "Running", "search");
        var device = int.Parse(Annotation(pod, "gpu-devices")!, null);
        await HeardAsync(host);

        fixture.Cluster.Faults.Xid("n0", device, 79);

        var told = await fixture.UntilAsync(NodeEvents, happened => Text(happened, "reason") == "GpuQuarantined");
        Assert.Equal("n0", Text(told, "involvedObject", "name"));
        Assert.Contains($"GPU {device}: XID 79", Text(told, "message"), StringComparison.Ordinal);
        var moved = await fixture.UntilPodOfAsync(
            "train", other => Text(other, "metadata", "uid") != Text(pod, "metadata", "uid") && Text(other, "status", "phase") == "Running", "search");
        Assert.NotEqual($"{device}", Annotation(moved, "gpu-devices"));
        await UntilCycleAsync(host, cycle => cycle.Snapshot.Nodes[0].HealthyMilliGpu == 5000);

        await fixture.UntilAsync(NodeEvents, happened => Text(happened, "reason") == "GpuOnProbation");
        await UntilCycleAsync(host, cycle => cycle.Snapshot.Nodes[0].HealthyMilliGpu == 6000);
        var metrics = await MetricsAsync(host);
        Assert.Contains("weir_gpu_health_changes_total{subject=\"device\",to=\"quarantined\"} 1", metrics, StringComparison.Ordinal);
        Assert.Contains("weir_gpu_health_changes_total{subject=\"device\",to=\"probation\"} 1", metrics, StringComparison.Ordinal);
        Assert.Contains("weir_evacuated_pods_total 1", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fault_of_a_program_is_told_and_changes_nothing()
    {
        await using var fixture = await ClusterFixture.StartAsync(nodes: 1, gpus: 6, servesGpuMetrics: true);
        var host = await StartAsync(fixture);
        await HeardAsync(host);

        fixture.Cluster.Faults.Xid("n0", 0, 31);

        await fixture.UntilAsync(NodeEvents, happened => Text(happened, "reason") == "GpuProgramFault");
        Assert.All(Assert.Single(await ListAsync(host)).Gpus, gpu => Assert.Equal(GpuState.Healthy, gpu.Condition.State));
        fixture.Cluster.Create(Pod("next"));
        await fixture.UntilPodAsync("next", pod => Text(pod, "status", "phase") == "Running");
    }

    [Fact]
    public async Task A_node_that_turns_every_pod_away_costs_three_pods()
    {
        await using var fixture = await ClusterFixture.StartAsync(nodes: 1, gpus: 4, servesGpuMetrics: true);
        await StartAsync(fixture);
        fixture.Cluster.Faults.Reject("n0");
        fixture.Cluster.Create(Job("train", 1, "search"));

        var told = await fixture.UntilAsync(NodeEvents, happened => Text(happened, "reason") == "NodeQuarantined");
        Assert.Contains("UnexpectedAdmissionError", Text(told, "message"), StringComparison.Ordinal);
        await fixture.UntilPodOfAsync("train", pod => Text(Condition(pod, "PodScheduled"), "status") == "False", "search");
        fixture.Cluster.AddNode(new SimulatedNode { Name = "n1", Gpus = 4, GpuModel = "H100" });

        var running = await fixture.UntilPodOfAsync("train", pod => Text(pod, "status", "phase") == "Running", "search");
        Assert.Equal("n1", Text(running, "spec", "nodeName"));
        Assert.Equal(3, fixture.Cluster.Counters.Refused);
    }

    [Fact]
    public async Task An_operators_quarantine_outlives_the_daemon_and_ends_by_his_word()
    {
        await using var fixture = await ClusterFixture.StartAsync(nodes: 1, gpus: 6, servesGpuMetrics: true);
        var first = await StartAsync(fixture);
        await HeardAsync(first);
        await CallAsync(first, client => client.QuarantineGpuAsync(new QuarantineGpuRequest { Node = "n0", Device = 0, Reason = "fan broken" }));
        await fixture.UntilAsync(Nodes, node => Annotation(node, "gpu-health")?.Contains("fan broken", StringComparison.Ordinal) == true);
        await first.StopAsync(TestContext.Current.CancellationToken);

        var second = await StartAsync(fixture);
        var cycle = await UntilCycleAsync(second, cycle => cycle.IsApplied);
        Assert.Equal(5000, Assert.Single(cycle.Snapshot.Nodes).HealthyMilliGpu);
        var gpu = Assert.Single(await ListAsync(second)).Gpus[0];
        Assert.Equal((GpuState.Quarantined, "fan broken", true), (gpu.Condition.State, gpu.Condition.Reason, gpu.Condition.ByOperator));

        await CallAsync(second, client => client.ReleaseGpuAsync(new ReleaseGpuRequest { Node = "n0", Device = 0, Reason = "fan replaced" }));
        await UntilCycleAsync(second, cycle => cycle.Snapshot.Nodes[0].HealthyMilliGpu == 6000);
    }

    [Fact]
    public async Task A_guarantee_that_failures_have_degraded_is_told_so_and_restored()
    {
        await using var fixture = await ClusterFixture.StartAsync(nodes: 1, gpus: 6, servesGpuMetrics: true);
        var host = await StartAsync(fixture);
        await HeardAsync(host);
        foreach (var device in Enumerable.Range(0, 5))
            await CallAsync(host, client => client.QuarantineGpuAsync(new QuarantineGpuRequest { Node = "n0", Device = device, Reason = "power supply" }));
        fixture.Cluster.Create(Pod("claim", 2, "search"));

        var waiting = await fixture.UntilPodAsync("claim", pod => Condition(pod, "PodScheduled") is not null);
        Assert.Equal(nameof(Core.Planning.WaitReason.GuaranteeDegraded), Text(Condition(waiting, "PodScheduled"), "reason"));
        foreach (var device in Enumerable.Range(0, 5))
            await CallAsync(host, client => client.ReleaseGpuAsync(new ReleaseGpuRequest { Node = "n0", Device = device, Reason = "repaired" }));
        await fixture.UntilPodAsync("claim", pod => Text(pod, "status", "phase") == "Running");
    }

    [Fact]
    public async Task The_list_of_GPUs_says_use_and_holder_and_what_is_not_there_is_refused()
    {
        await using var fixture = await ClusterFixture.StartAsync(nodes: 1, gpus: 2, servesGpuMetrics: true);
        var host = await StartAsync(fixture);
        var busy = Pod("busy");
        busy["metadata"]!["annotations"]!["simulation.weir.scheduler/gpu-utilisation"] = "0.5";
        fixture.Cluster.Create(busy);
        await fixture.UntilPodAsync("busy", pod => Text(pod, "status", "phase") == "Running");
        await HeardAsync(host, gpu => gpu.Pods.Count > 0 && gpu.HasActivity && gpu.Activity > 0);

        var node = Assert.Single(await ListAsync(host));
        Assert.Equal(2, node.Gpus.Count);
        var held = Assert.Single(node.Gpus, gpu => gpu.Pods.Count > 0);
        Assert.Equal(("search", "busy", "search"), (held.Pods[0].Namespace, held.Pods[0].Name, held.Pods[0].Tenant));
        Assert.Equal((0.5, "H100"), (held.Activity, held.Model));
        Assert.True(held.TemperatureCelsius > node.Gpus.Single(gpu => gpu.Pods.Count == 0).TemperatureCelsius);

        Assert.Equal(StatusCode.NotFound, await StatusAsync(host, client => client.QuarantineGpuAsync(new QuarantineGpuRequest { Node = "n0", Device = 2, Reason = "r" })));
        Assert.Equal(StatusCode.NotFound, await StatusAsync(host, client => client.QuarantineGpuAsync(new QuarantineGpuRequest { Node = "other", Reason = "r" })));
        Assert.Equal(StatusCode.InvalidArgument, await StatusAsync(host, client => client.QuarantineGpuAsync(new QuarantineGpuRequest { Node = "n0", Device = 0 })));
    }

    private static Task<DaemonHost> StartAsync(ClusterFixture fixture, Action<TelemetryOptions>? change = null) => fixture.StartDaemonAsync(settings =>
    {
        settings.Telemetry.IntervalSeconds = 1;
        settings.Leadership.Enabled = false;
        change?.Invoke(settings.Telemetry);
        return settings;
    });

    /// <summary>Waits until a GPU was read so; a fault that was there at the first read is nothing new.</summary>
    private static async Task HeardAsync(DaemonHost host, Func<Gpu, bool>? condition = null)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!(await ListAsync(host)).Any(node => node.HeardAt is not null && node.Gpus.Any(gpu => condition?.Invoke(gpu) ?? gpu.HasTemperatureCelsius)))
            await timer.WaitForNextTickAsync(limit.Token);
    }

    private static async Task<IReadOnlyList<GpuNode>> ListAsync(DaemonHost host)
    {
        using var channel = GrpcChannel.ForAddress(host.GrpcAddress);
        var answer = await new ClusterService.ClusterServiceClient(channel).ListGpusAsync(
            new ListGpusRequest(), cancellationToken: TestContext.Current.CancellationToken);
        return answer.Nodes;
    }

    private static async Task CallAsync<T>(DaemonHost host, Func<ClusterService.ClusterServiceClient, AsyncUnaryCall<T>> call)
    {
        using var channel = GrpcChannel.ForAddress(host.GrpcAddress);
        await call(new ClusterService.ClusterServiceClient(channel));
    }

    private static async Task<StatusCode> StatusAsync<T>(DaemonHost host, Func<ClusterService.ClusterServiceClient, AsyncUnaryCall<T>> call) =>
        (await Assert.ThrowsAsync<RpcException>(() => CallAsync(host, call))).StatusCode;

    private static async Task<string> MetricsAsync(DaemonHost host)
    {
        using var http = new HttpClient { BaseAddress = host.HttpAddress };
        return await http.GetStringAsync(new Uri("metrics", UriKind.Relative), TestContext.Current.CancellationToken);
    }
}
