using System.Net;
using System.Text;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Scheduler.Core.Model;
using Scheduler.Daemon.Hosting;
using Weir.V1;
using static Scheduler.Daemon.Tests.WholePath.ClusterFixture;

namespace Scheduler.Daemon.Tests.WholePath;

public class WholePathTests
{
    [Fact]
    public async Task A_pod_is_bound_with_its_devices_runs_and_gets_an_event()
    {
        await using var fixture = await ClusterFixture.StartAsync();
        await fixture.StartDaemonAsync();
        fixture.Cluster.Create(Pod("train", 2));
        var pod = await fixture.UntilPodAsync("train", pod => Text(pod, "spec", "nodeName") is not null);
        Assert.Equal("0,1", Text(pod["metadata"]!["annotations"]!["weir.scheduler/gpu-devices"]));
        await fixture.UntilPodAsync("train", pod => Text(pod, "status", "phase") == "Running");
        var written = await fixture.UntilAsync("/api/v1/namespaces/search/events", candidate =>
            Text(candidate, "reason") == "Scheduled" && Text(candidate, "involvedObject", "name") == "train" && Text(candidate, "source", "component") == "weir");
        Assert.StartsWith("assigned to n", Text(written, "message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pod_beyond_the_limit_is_told_why_it_waits_and_starts_when_there_is_room()
    {
        await using var fixture = await ClusterFixture.StartAsync();
        await fixture.StartDaemonAsync();
        fixture.Cluster.Create(Pod("a", 2, "vision"));
        await fixture.UntilPodAsync("a", pod => Text(pod, "spec", "nodeName") is not null, "vision");
        fixture.Cluster.Create(Pod("b", 1, "vision"));
        var waiting = await fixture.UntilPodAsync("b", pod => Condition(pod, "PodScheduled") is not null, "vision");
        Assert.Equal("LimitReached", Text(Condition(waiting, "PodScheduled"), "reason"));
        await fixture.UntilAsync("/api/v1/namespaces/vision/events", candidate => Text(candidate, "reason") == "FailedScheduling");
        fixture.Cluster.Delete("v1", "Pod", "vision", "a");
        await fixture.UntilPodAsync("b", pod => Text(pod, "spec", "nodeName") is not null, "vision");
    }

    [Fact]
    public async Task A_pod_with_malformed_annotations_is_told_all_of_them_and_is_scheduled_once_mended()
    {
        await using var fixture = await ClusterFixture.StartAsync();
        var host = await fixture.StartDaemonAsync();
        fixture.Cluster.Create(Pod("odd", 1, "search", ("expected-duration", "soon"), ("preemptible", "yes")));
        var told = await fixture.UntilPodAsync("odd", pod => Condition(pod, "PodScheduled") is not null);
        var condition = Condition(told, "PodScheduled")!;
        Assert.Equal(("False", "InvalidPod"), (Text(condition, "status"), Text(condition, "reason")));
        Assert.Contains("weir.scheduler/expected-duration: 'soon' is not a duration", Text(condition, "message"), StringComparison.Ordinal);
        Assert.Contains("weir.scheduler/preemptible: 'yes'", Text(condition, "message"), StringComparison.Ordinal);
        Assert.Single((await UntilCycleAsync(host, cycle => !cycle.Unqueued.IsEmpty)).Unqueued);
        await PatchAsync(fixture, "/api/v1/namespaces/search/pods/odd",
            """{"metadata":{"annotations":{"weir.scheduler/expected-duration":"1h","weir.scheduler/preemptible":"true"}}}""");
        await fixture.UntilPodAsync("odd", pod => Text(pod, "spec", "nodeName") is not null);
    }

    [Fact]
    public async Task A_gang_waits_until_it_is_complete_and_then_starts_whole()
    {
        await using var fixture = await ClusterFixture.StartAsync();
        var host = await fixture.StartDaemonAsync();
        (string, string)[] gang = [("pod-group", "g"), ("min-member", "3"), ("preemptible", "true")];
        fixture.Cluster.Create(Pod("g0", 2, "search", gang));
        fixture.Cluster.Create(Pod("g1", 2, "search", gang));
        var cycle = await UntilCycleAsync(host, cycle => cycle.FindWaiting(new WorkloadId("search/podgroup/g")) is { Workload.Pods.Length: 2 });
        Assert.Equal(Core.Planning.WaitReason.GangIncomplete, cycle.Queue[0].Reason);
        fixture.Cluster.Create(Pod("g2", 2, "search", gang));
        foreach (var name in new[] { "g0", "g1", "g2" })
            await fixture.UntilPodAsync(name, pod => Text(pod, "spec", "nodeName") is not null);
    }

    [Fact]
    public async Task Tenants_show_what_they_use_and_a_mistake_leaves_the_accepted_set_in_force()
    {
        await using var fixture = await ClusterFixture.StartAsync();
        var host = await fixture.StartDaemonAsync();
        fixture.Cluster.Create(Pod("a", 3));
        var tenant = await fixture.UntilAsync("/apis/weir.scheduler/v1/tenants", tenant =>
            Text(tenant, "metadata", "name") == "search" && Text(tenant, "status", "used") == "3");
        Assert.Equal(("4", "8"), (Text(tenant, "status", "guaranteed"), Text(tenant, "status", "limit")));
        Assert.Equal("True", Text(Condition(tenant, "Accepted"), "status"));

        await PatchAsync(fixture, "/apis/weir.scheduler/v1/tenants/vision", """{"spec":{"parent":"nobody","namespaces":["search","vision"]}}""");
        tenant = await fixture.UntilAsync("/apis/weir.scheduler/v1/tenants", tenant => Text(Condition(tenant, "Accepted"), "status") == "False");
        Assert.Equal("vision", Text(tenant, "metadata", "name"));
        Assert.Contains("nobody", Text(Condition(tenant, "Accepted"), "message"), StringComparison.Ordinal);
        Assert.Contains("belongs to tenant 'search' already", Text(Condition(tenant, "Accepted"), "message"), StringComparison.Ordinal);
        fixture.Cluster.Create(Pod("b", 1, "vision"));
        await fixture.UntilPodAsync("b", pod => Text(pod, "spec", "nodeName") is not null, "vision");
        Assert.Equal(2, host.ReadModel.Current!.Snapshot.Tenants.Nodes.Length);
    }

    [Fact]
    public async Task Of_two_replicas_one_writes_and_the_other_takes_over_when_it_stops()
    {
        await using var fixture = await ClusterFixture.StartAsync();
        var a = await fixture.StartDaemonAsync(Named("a"));
        await UntilCycleAsync(a, cycle => cycle.IsApplied);
        var b = await fixture.StartDaemonAsync(Named("b"));
        await UntilCycleAsync(b, cycle => cycle.Leader == "a");
        Assert.Contains("standing by, a leads", b.Readiness.Text, StringComparison.Ordinal);
        Assert.True(b.Readiness.IsOk);
        fixture.Cluster.Create(Pod("p1"));
        await fixture.UntilPodAsync("p1", pod => Text(pod, "spec", "nodeName") is not null);
        // The standby saw the same, and planned nothing into the cluster.
        await UntilCycleAsync(b, cycle => cycle.Snapshot.TryGetWorkload(new WorkloadId("search/pod/p1"), out var seen) && !seen.IsPending && !cycle.IsApplied);
        await a.StopAsync(TestContext.Current.CancellationToken);
        await UntilCycleAsync(b, cycle => cycle.IsApplied);
        fixture.Cluster.Create(Pod("p2"));
        await fixture.UntilPodAsync("p2", pod => Text(pod, "spec", "nodeName") is not null);

        static Func<DaemonSettings, DaemonSettings> Named(string identity) => settings =>
        {
            settings.Leadership.Identity = identity;
            settings.Leadership.RetryPeriodSeconds = 1;
            return settings;
        };
    }

    [Fact]
    public async Task Grpc_answers_positions_lists_watches_and_tenants()
    {
        await using var fixture = await ClusterFixture.StartAsync();
        var host = await fixture.StartDaemonAsync();
        for (var index = 0; index < 5; index++)
            fixture.Cluster.Create(Pod($"big{index}", 4, "vision"));
        await UntilCycleAsync(host, cycle => cycle.Queue.Length == 5);
        using var channel = GrpcChannel.ForAddress(host.GrpcAddress);
        var queue = new QueueService.QueueServiceClient(channel);
        var cancellation = TestContext.Current.CancellationToken;

        var position = await queue.GetPositionAsync(new GetPositionRequest { Pod = new PodRef { Namespace = "vision", Name = "big3" } }, cancellationToken: cancellation);
        Assert.Equal((WorkloadState.Waiting, WaitReason.LimitReached, 4000L, "vision"), (position.State, position.Reason, position.MilliGpu, position.Tenant));
        Assert.Equal(5, position.WaitingInTenant);

        var first = await queue.ListQueueAsync(new ListQueueRequest { PageSize = 3, Tenant = "vision" }, cancellationToken: cancellation);
        var second = await queue.ListQueueAsync(new ListQueueRequest { PageSize = 3, Tenant = "vision", PageToken = first.NextPageToken }, cancellationToken: cancellation);
        Assert.Equal([1, 2, 3, 4, 5], first.Entries.Concat(second.Entries).Select(entry => entry.PlaceOverall));
        Assert.Equal("", second.NextPageToken);

        await AssertStatusAsync(StatusCode.NotFound, queue.GetPositionAsync(new GetPositionRequest { Workload = "vision/pod/none" }, cancellationToken: cancellation));
        await AssertStatusAsync(StatusCode.InvalidArgument, queue.GetPositionAsync(new GetPositionRequest { Workload = "x" }, cancellationToken: cancellation));
        await AssertStatusAsync(StatusCode.InvalidArgument, queue.GetPositionAsync(new GetPositionRequest(), cancellationToken: cancellation));
        await AssertStatusAsync(StatusCode.InvalidArgument, queue.ListQueueAsync(new ListQueueRequest { PageToken = "?" }, cancellationToken: cancellation));
        await AssertStatusAsync(StatusCode.NotFound, queue.ListQueueAsync(new ListQueueRequest { Tenant = "none" }, cancellationToken: cancellation));

        using var watch = queue.WatchPosition(new GetPositionRequest { Workload = "vision/pod/big0" }, cancellationToken: cancellation);
        Assert.True(await watch.ResponseStream.MoveNext(cancellation));
        Assert.Equal(WorkloadState.Waiting, watch.ResponseStream.Current.State);
        fixture.Cluster.Delete("v1", "Pod", "vision", "big0");
        while (await watch.ResponseStream.MoveNext(cancellation) && watch.ResponseStream.Current.State != WorkloadState.Gone)
        {
        }

        Assert.Equal(WorkloadState.Gone, watch.ResponseStream.Current.State);
        var tenants = new TenantService.TenantServiceClient(channel);
        var list = await tenants.ListTenantsAsync(new ListTenantsRequest(), cancellationToken: cancellation);
        Assert.Equal(["search", "vision"], list.Tenants.Select(tenant => tenant.Name));
        var vision = await tenants.GetTenantAsync(new GetTenantRequest { Name = "vision" }, cancellationToken: cancellation);
        Assert.Equal((2000L, 2000L), (vision.Total.GuaranteedMilliGpu, vision.Total.LimitMilliGpu));
        var health = await new Health.HealthClient(channel).CheckAsync(new HealthCheckRequest(), cancellationToken: cancellation);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, health.Status);
    }

    [Fact]
    public async Task Http_answers_health_and_metrics()
    {
        await using var fixture = await ClusterFixture.StartAsync();
        var host = await fixture.StartDaemonAsync();
        fixture.Cluster.Create(Pod("a"));
        fixture.Cluster.Create(Pod("b", 8, "vision"));
        await fixture.UntilPodAsync("a", pod => Text(pod, "spec", "nodeName") is not null);
        await UntilCycleAsync(host, cycle => cycle.IsApplied && cycle.Queue.Length == 1);
        using var http = new HttpClient { BaseAddress = host.HttpAddress };
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(new Uri("healthz", UriKind.Relative), TestContext.Current.CancellationToken)).StatusCode);
        var ready = await http.GetAsync(new Uri("readyz", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        Assert.Contains("pods: listed", await ready.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        var metrics = await http.GetStringAsync(new Uri("metrics", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Contains("weir_leader 1", metrics, StringComparison.Ordinal);
        Assert.Contains("weir_tenant_guaranteed_gpus{tenant=\"search\",flavor=\"*\"} 4", metrics, StringComparison.Ordinal);
        Assert.Contains("weir_cycle_duration_seconds_count", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_in_use_is_one_clear_line()
    {
        await using var fixture = await ClusterFixture.StartAsync();
        var first = await fixture.StartDaemonAsync();
        var failure = await Assert.ThrowsAsync<StartupException>(() => fixture.StartDaemonAsync(settings =>
        {
            settings.Api.HttpPort = first.HttpAddress.Port;
            return settings;
        }));
        Assert.Contains("is in use", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure.Message);
    }

    private static async Task AssertStatusAsync<T>(StatusCode expected, AsyncUnaryCall<T> call) =>
        Assert.Equal(expected, (await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync)).StatusCode);

    private static async Task PatchAsync(ClusterFixture fixture, string path, string patch)
    {
        using var http = new HttpClient { BaseAddress = fixture.Cluster.Address };
        using var content = new StringContent(patch, Encoding.UTF8, "application/merge-patch+json");
        using var response = await http.PatchAsync(new Uri(path, UriKind.Relative), content, TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
    }
}
