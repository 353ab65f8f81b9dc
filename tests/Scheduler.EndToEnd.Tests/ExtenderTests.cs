using k8s.Models;
using Scheduler.EndToEnd.Tests.Openb;
using Scheduler.EndToEnd.Tests.Running;
using Xunit;

namespace Scheduler.EndToEnd.Tests;

/// <summary>The real kube-scheduler asks the daemon through the extender.</summary>
public sealed class ExtenderTests
{
    // kube-scheduler looks at a pod that it could not place again after a minute at the latest; what is shown here is faster.
    private static readonly TimeSpan BeforeTheFlush = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_pod_over_the_limit_waits_with_the_reason_and_starts_when_the_quota_is_raised()
    {
        await using var run = await ExtenderRun.StartAsync(nodes: 2, [("a", 2, 0)], Cancel);
        await run.CreateAsync([ExtenderRun.Pod("a", "first", 2)], Cancel);
        var first = (await run.UntilAsync(pods => pods.All(ExtenderRun.IsBound), BeforeTheFlush, Cancel)).Single();
        Assert.Equal(2, first.Metadata.Annotations[OpenbObjects.GpuDevices].Split(',').Length);

        await run.CreateAsync([ExtenderRun.Pod("a", "second", 1)], Cancel);
        var waiting = (await run.UntilAsync(pods => pods.Any(pod => Why(pod) is not null), BeforeTheFlush, Cancel)).Single(pod => !ExtenderRun.IsBound(pod));
        Assert.Contains("LimitReached: ", Why(waiting), StringComparison.Ordinal);
        Assert.Contains("0/2 nodes are available", Why(waiting), StringComparison.Ordinal);

        await run.SetQuotaAsync("a", guaranteed: 2, burst: 1, Cancel);
        await run.UntilAsync(pods => pods.All(ExtenderRun.IsBound), BeforeTheFlush, Cancel);
        Assert.DoesNotContain("forbidden", await run.Daemon.ReadLogAsync(Cancel), StringComparison.OrdinalIgnoreCase);
    }

    private static string? Why(V1Pod pod) =>
        pod.Status.Conditions?.SingleOrDefault(condition => condition is { Type: "PodScheduled", Status: "False" })?.Message;
}
