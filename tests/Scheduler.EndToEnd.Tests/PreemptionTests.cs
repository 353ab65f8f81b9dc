using System.Diagnostics;
using System.Globalization;
using k8s;
using k8s.Models;
using Scheduler.EndToEnd.Tests.Deploying;
using Scheduler.EndToEnd.Tests.Openb;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.EndToEnd.Tests;

/// <summary>Evictions by the daemon on a real API server, which before 1.22 knows them as policy/v1beta1 only.</summary>
public sealed class PreemptionTests
{
    private const string Pod = "/api/v1/namespaces/a/pods/old";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_notice_that_ran_out_while_no_daemon_was_there_is_carried_out_by_the_next_one()
    {
        ControlPlaneFixture.Require();
        await using var plane = await ControlPlane.StartAsync(Cancel);
        using var client = plane.CreateClient();
        using var api = new ApiClient(plane.Endpoint);
        await Manifests.ApplyAsync(api, Cancel, "crds");
        await Manifests.ApplyAsync(api, Cancel, "base");
        await client.CoreV1.CreateNamespaceAsync(new V1Namespace { Metadata = new() { Name = "a" } }, cancellationToken: Cancel);
        await client.CoreV1.CreateNodeAsync(OpenbObjects.Node(new OpenbNode("n", 8000, 8192, 1, "T4")), cancellationToken: Cancel);
        const string Tenant = """
            {"apiVersion":"weir.scheduler/v1","kind":"Tenant","metadata":{"name":"a"},
             "spec":{"namespaces":["a"],"quotas":[{"flavor":"*","guaranteed":1}]}}
            """;
        (await api.PostAsync("/apis/weir.scheduler/v1/tenants", Tenant, Cancel)).Expect(201);

        // With an hour of grace nobody but the notice that ran out can be the reason.
        var pod = OpenbObjects.Pod(new OpenbPod("old", 1000, 1024, 1, 1000, [], "BE"), "a");
        pod.Metadata.Annotations["weir.scheduler/preemption-grace"] = "1h";
        await client.CoreV1.CreateNamespacedPodAsync(pod, "a", cancellationToken: Cancel);
        const string Binding = """
            {"apiVersion":"v1","kind":"Binding","metadata":{"name":"old","annotations":{"weir.scheduler/gpu-devices":"0"}},"target":{"kind":"Node","name":"n"}}
            """;
        (await api.PostAsync($"{Pod}/binding", Binding, Cancel)).Expect(201);

        await client.CoreV1.CreateNamespacedPodAsync(OpenbObjects.Pod(new OpenbPod("new", 1000, 1024, 1, 1000, [], "LS"), "a"), "a", cancellationToken: Cancel);

        // A notice is given after the start; one from before came with a template and counts for nothing.
        var deadline = DateTimeOffset.UtcNow.AddSeconds(1).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        var notice = $$"""
            {"metadata":{"annotations":{"weir.scheduler/preempt-by":"{{deadline}}","weir.scheduler/preempted-for":"a/pod/new"} } }
            """;
        (await api.PatchAsync(Pod, ApiClient.MergePatch, notice, Cancel)).Expect(200);

        await using var daemon = await DaemonProcess.StartAsync(plane, Cancel);
        await UntilAsync(api, Pod, read => read.TextAt("metadata.deletionTimestamp") is not null, daemon);
        await UntilAsync(api, "/api/v1/namespaces/a/events", read => read.Items.Any(item => item.TextAt("reason") == "Preempted"), daemon);
        Assert.DoesNotContain("forbidden", await daemon.ReadLogAsync(Cancel), StringComparison.OrdinalIgnoreCase);
    }

    private static async Task UntilAsync(ApiClient api, string path, Func<ApiResponse, bool> holds, DaemonProcess daemon)
    {
        for (var clock = Stopwatch.StartNew(); ;)
        {
            var read = (await api.GetAsync(path, Cancel)).Expect(200);
            if (holds(read)) return;
            Assert.True(clock.Elapsed < Patience, $"not after {Patience}: {read.Text}\n{daemon.Log()}");
            await Task.Delay(TimeSpan.FromMilliseconds(100), Cancel);
        }
    }
}
