using Grpc.Net.Client;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Hosting;
using Weir.V1;
using static Scheduler.Daemon.Tests.WholePath.ClusterFixture;

namespace Scheduler.Daemon.Tests.WholePath;

/// <summary>
/// search (guaranteed 4 GPUs, up to 8) borrows what vision (guaranteed 2) leaves idle on one node with six GPUs; then vision comes.
/// </summary>
public class ReclaimTests
{
    [Fact]
    public async Task What_was_borrowed_goes_back_with_notice_at_its_deadline_and_its_pod_waits_again()
    {
        await using var fixture = await ClusterFixture.StartAsync(nodes: 1, gpus: 6);
        var host = await fixture.StartDaemonAsync();
        await BorrowAsync(fixture);
        var claimed = DateTimeOffset.UtcNow;
        fixture.Cluster.Create(Pod("claim", 2, "vision"));

        var victim = await fixture.UntilPodOfAsync("b1", pod => Annotation(pod, "preempt-by") is not null, "search");
        Assert.Equal("vision/pod/claim", Annotation(victim, "preempted-for"));
        Assert.True(DateTimeOffset.Parse(Annotation(victim, "preempt-by")!, null) >= claimed.AddSeconds(1));
        await fixture.UntilPodAsync("claim", pod => Annotation(pod, "reservation") is not null, "vision");
        var waiting = await fixture.UntilPodAsync("claim", pod => Condition(pod, "PodScheduled") is not null, "vision");
        Assert.Equal(nameof(Core.Planning.WaitReason.WaitingForVictims), Text(Condition(waiting, "PodScheduled"), "reason"));
        var told = await fixture.UntilAsync("/api/v1/namespaces/search/events", candidate => Text(candidate, "reason") == "Preempting");
        Assert.Contains("preempted for vision/pod/claim", Text(told, "message"), StringComparison.Ordinal);

        await fixture.UntilPodAsync("claim", pod => Text(pod, "spec", "nodeName") is not null, "vision");
        Assert.True(DateTimeOffset.UtcNow - claimed >= TimeSpan.FromSeconds(2));
        // Its controller makes another, which waits, and takes nothing back from its evictor.
        await fixture.UntilPodOfAsync("b1", pod => Text(Condition(pod, "PodScheduled"), "status") == "False", "search");
        await fixture.UntilPodAsync("claim", pod => Text(pod, "status", "phase") == "Running" && Annotation(pod, "reservation") is null, "vision");

        var metrics = await MetricsAsync(host);
        Assert.Contains("weir_preempted_pods_total{cause=\"guarantee\"} 1", metrics, StringComparison.Ordinal);
        Assert.Contains("weir_evictions_total{result=\"evicted\"} 1", metrics, StringComparison.Ordinal);
        Assert.Contains("weir_reservations{kind=\"nomination\"} 0", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pod_without_grace_goes_at_once()
    {
        await using var fixture = await ClusterFixture.StartAsync(nodes: 1, gpus: 6);
        await fixture.StartDaemonAsync();
        await BorrowAsync(fixture, grace: "0s");
        fixture.Cluster.Create(Pod("claim", 2, "vision"));
        await fixture.UntilPodAsync("claim", pod => Text(pod, "spec", "nodeName") is not null, "vision");
    }

    [Fact]
    public async Task A_daemon_that_starts_between_notice_and_eviction_carries_it_out_for_the_same_pod()
    {
        await using var fixture = await ClusterFixture.StartAsync(nodes: 1, gpus: 6);
        var first = await fixture.StartDaemonAsync();
        await BorrowAsync(fixture, grace: "4s");
        fixture.Cluster.Create(Pod("claim", 2, "vision"));
        await fixture.UntilPodOfAsync("b1", pod => Annotation(pod, "preempt-by") is not null, "search");
        await fixture.UntilPodAsync("claim", pod => Annotation(pod, "reservation") is not null, "vision");
        await first.StopAsync(TestContext.Current.CancellationToken);

        var second = await fixture.StartDaemonAsync();
        var cycle = await UntilCycleAsync(second, cycle => cycle.IsApplied);
        Assert.Empty(cycle.Plan.Decisions.OfType<Evict>());
        Assert.Equal(ReservationKind.Nomination, Assert.Single(cycle.Plan.Decisions.OfType<Reserve>(), IsForClaim).Kind);
        await fixture.UntilPodAsync("claim", pod => Text(pod, "spec", "nodeName") is not null, "vision");
        Assert.Contains("weir_evictions_total{result=\"evicted\"} 1", await MetricsAsync(second), StringComparison.Ordinal);

        static bool IsForClaim(Reserve reserve) => reserve.Workload == new WorkloadId("vision/pod/claim");
    }

    [Fact]
    public async Task A_notice_is_taken_back_when_nobody_needs_the_room_any_more()
    {
        await using var fixture = await ClusterFixture.StartAsync(nodes: 1, gpus: 6);
        var host = await fixture.StartDaemonAsync();
        await BorrowAsync(fixture, grace: "1h");
        fixture.Cluster.Create(Pod("claim", 2, "vision"));
        await fixture.UntilPodOfAsync("b1", pod => Annotation(pod, "preempt-by") is not null, "search");
        await UntilCycleAsync(host, cycle => cycle.Snapshot.Workloads.Any(workload => workload.Pods[0].Notice is not null));
        using (var channel = GrpcChannel.ForAddress(host.GrpcAddress))
        {
            var queue = new QueueService.QueueServiceClient(channel);
            var waits = await queue.GetPositionAsync(new GetPositionRequest { Workload = "vision/pod/claim" }, cancellationToken: TestContext.Current.CancellationToken);
            Assert.Equal((WorkloadState.Waiting, Weir.V1.WaitReason.WaitingForVictims), (waits.State, waits.Reason));
            var told = host.ReadModel.Current!.Snapshot.Workloads.Single(workload => workload.Pods[0].Notice is not null);
            var leaves = await queue.GetPositionAsync(new GetPositionRequest { Workload = told.Id.Value }, cancellationToken: TestContext.Current.CancellationToken);
            Assert.Equal(WorkloadState.Leaving, leaves.State);
            Assert.StartsWith("told to make way for vision/pod/claim by ", leaves.Message, StringComparison.Ordinal);
        }

        fixture.Cluster.Delete("v1", "Pod", "vision", "claim");
        var spared = await fixture.UntilPodOfAsync("b1",
            pod => Annotation(pod, "preempt-by") is null && Text(Condition(pod, "DisruptionTarget"), "status") == "False", "search");
        Assert.Null(Annotation(spared, "preempted-for"));
        Assert.Null(Text(spared, "metadata", "deletionTimestamp"));
        await UntilCycleAsync(host, cycle => !cycle.Plan.Decisions.Any(decision => decision is Withdraw));

        // The pod shows it before the answer to the write has come back and is counted.
        var metrics = await MetricsAsync(host);
        for (var attempt = 0; attempt < 500 && !metrics.Contains("weir_evictions_total{result=\"withdrawn\"} 1", StringComparison.Ordinal); attempt++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TestContext.Current.CancellationToken);
            metrics = await MetricsAsync(host);
        }

        Assert.Contains("weir_evictions_total{result=\"withdrawn\"} 1", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disruption_budget_is_respected_told_about_and_asked_again()
    {
        await using var fixture = await ClusterFixture.StartAsync(nodes: 1, gpus: 6);
        fixture.Cluster.Create(System.Text.Json.Nodes.JsonNode.Parse("""
            {"apiVersion":"policy/v1","kind":"PodDisruptionBudget","metadata":{"name":"keep","namespace":"search"},
             "spec":{"minAvailable":2,"selector":{}}}
            """)!.AsObject());
        var host = await fixture.StartDaemonAsync();
        await BorrowAsync(fixture, grace: "0s");
        await UntilCycleAsync(host, cycle => cycle.Snapshot.DisruptionsAllowed.ContainsKey("search/keep"));
        fixture.Cluster.Create(Pod("claim", 2, "vision"));
        var refused = await fixture.UntilAsync("/api/v1/namespaces/search/events", candidate => Text(candidate, "reason") == "EvictionRefused");
        Assert.Contains("disruption budget", Text(refused, "message"), StringComparison.Ordinal);
        Assert.Contains("weir_evictions_total{result=\"refused\"}", await MetricsAsync(host), StringComparison.Ordinal);
        fixture.Cluster.Delete("policy/v1", "PodDisruptionBudget", "search", "keep");
        await fixture.UntilPodAsync("claim", pod => Text(pod, "spec", "nodeName") is not null, "vision");
    }

    /// <summary>Two jobs of search, four and two GPUs: the first is inside its guarantee, the second is on what vision lends.</summary>
    private static async Task BorrowAsync(ClusterFixture fixture, string grace = "2s")
    {
        fixture.Cluster.Create(Job("b0", 4, "search", ("preemption-grace", grace)));
        await fixture.UntilPodOfAsync("b0", pod => Text(pod, "status", "phase") == "Running", "search");
        fixture.Cluster.Create(Job("b1", 2, "search", ("preemption-grace", grace)));
        await fixture.UntilPodOfAsync("b1", pod => Text(pod, "status", "phase") == "Running", "search");
    }

    private static async Task<string> MetricsAsync(DaemonHost host)
    {
        using var http = new HttpClient { BaseAddress = host.HttpAddress };
        return await http.GetStringAsync(new Uri("metrics", UriKind.Relative), TestContext.Current.CancellationToken);
    }
}
