using System.Net;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Tests.Support;

namespace Scheduler.Daemon.Tests.Constraints;

/// <summary>A pod whose claim waits for its first pod: the node on the claim first, then the volume, then the binding.</summary>
public class ClaimBinderTests
{
    private static readonly ClaimRecord Claim = new("ns", "data", "uid-data", null, "fast", null, IsLeaving: false);

    private static WriterFixture Start()
    {
        var fixture = new WriterFixture();
        fixture.Cache.StorageClasses.Upsert(new StorageClassRecord("fast", "csi.example.com", WaitsForPod: true, []));
        fixture.Cache.Claims.Upsert(Claim);
        fixture.Cache.Volumes.Upsert(new VolumeRecord("pv", ("ns", "data"), null, []));
        fixture.Cache.Pods.Upsert(Pods.Map(
            $$"""{{Pods.Gpus(1)}},"volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"data"} }]"""));
        fixture.Leadership.Lead();
        fixture.Run(fixture.Binds.RunAsync);
        return fixture;
    }

    private static async Task<SeenRequest> BindAsync(WriterFixture fixture)
    {
        fixture.RunLoop();
        var patch = await fixture.Server.NextRequestAsync();
        Assert.Equal("PATCH /api/v1/namespaces/ns/persistentvolumeclaims/data", patch.ToString());
        return patch;
    }

    [Fact]
    public async Task The_claim_gets_the_node_and_the_pod_is_bound_once_the_claim_is()
    {
        await using var fixture = Start();
        fixture.Server.Answer("{}").Answer("{}", HttpStatusCode.Created);
        var patch = await BindAsync(fixture);
        Assert.Equal("""{"metadata":{"uid":"uid-data","annotations":{"volume.kubernetes.io/selected-node":"n0"}}}""", patch.Body);
        Assert.Equal(1, fixture.Cache.AssumedCount);
        fixture.Cache.Claims.Upsert(Claim with { SelectedNode = "n0" });
        Assert.Single(fixture.Server.Requests);

        fixture.Cache.Claims.Upsert(Claim with { SelectedNode = "n0", Volume = "pv" });
        Assert.Equal("POST /api/v1/namespaces/ns/pods/p/binding", (await fixture.Server.NextRequestAsync()).ToString());
    }

    [Fact]
    public async Task A_provisioner_that_refuses_the_node_gives_the_room_back()
    {
        await using var fixture = Start();
        fixture.Server.Answer("{}");
        await BindAsync(fixture);
        var forgotten = new TaskCompletionSource();
        fixture.Cache.Claims.Upsert(Claim with { SelectedNode = "n0" });
        fixture.Cache.Changed += () =>
        {
            if (fixture.Cache.AssumedCount == 0)
                forgotten.TrySetResult();
        };
        fixture.Cache.Claims.Upsert(Claim);
        await forgotten.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.NotNull(fixture.Cache.NextDue);
        Assert.Single(fixture.Server.Requests);
    }

    [Fact]
    public async Task A_refusal_that_is_here_before_the_answer_to_the_write_counts()
    {
        await using var fixture = Start();
        var (isRefused, forgotten) = (false, new TaskCompletionSource());
        fixture.Cache.Changed += () =>
        {
            if (isRefused && fixture.Cache.AssumedCount == 0)
                forgotten.TrySetResult();
        };
        fixture.Server.Answer(_ =>
        {
            fixture.Cache.Claims.Upsert(Claim with { SelectedNode = "n0" });
            fixture.Cache.Claims.Upsert(Claim);
            isRefused = true;
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("{}") };
        });
        await BindAsync(fixture);
        await forgotten.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.Single(fixture.Server.Requests);
    }

    [Fact]
    public async Task A_write_that_fails_is_tried_again_and_a_refusal_ends_it()
    {
        await using var fixture = Start();
        fixture.Server.Refuse(HttpStatusCode.ServiceUnavailable).Refuse(HttpStatusCode.Forbidden);
        await BindAsync(fixture);
        var forgotten = new TaskCompletionSource();
        fixture.Cache.Changed += () =>
        {
            if (fixture.Cache.AssumedCount == 0)
                forgotten.TrySetResult();
        };
        await fixture.Time.AdvanceWhenArmedAsync(TimeSpan.FromMilliseconds(100));
        await fixture.Server.NextRequestAsync();
        await forgotten.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.Equal(2, fixture.Server.Requests.Count);
    }

    [Fact]
    public async Task A_daemon_that_stops_gives_up_waiting_and_leaves_the_node_on_the_claim()
    {
        var fixture = Start();
        fixture.Server.Answer("{}");
        await BindAsync(fixture);
        await fixture.DisposeAsync();
        Assert.Equal(0, fixture.Cache.AssumedCount);
        Assert.Single(fixture.Server.Requests);
    }
}
