using System.Globalization;
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

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

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

    [Fact]
    public async Task A_thousand_pods_of_four_tenants_keep_limits_and_guarantees_and_nobody_asks_for_ever()
    {
        // 400 GPUs, all guaranteed; a, b and c may borrow. Together they want more than twice of what there is.
        string[] borrowers = ["a", "b", "c"];
        await using var run = await ExtenderRun.StartAsync(nodes: 50, [("a", 100, 60), ("b", 100, 60), ("c", 100, 60), ("d", 100, 0)], Cancel);
        var demand = borrowers.SelectMany(space => Enumerable.Range(0, 300).Select(index => index < 32
            ? ExtenderRun.Pod(space, $"gang{index / 8}-{index % 8}", 1, annotations: [("pod-group", $"gang{index / 8}"), ("min-member", "8")])
            : ExtenderRun.Pod(space, $"pod{index:000}", 1)));
        await run.CreateAsync(demand.OrderBy(pod => pod.Metadata.Name, StringComparer.Ordinal), Cancel);
        await run.UntilAsync(pods => Used(pods) == 400, Patience, Cancel, AssertLimits);

        // d wants its guarantee back from those who borrowed it. Its priority is higher, so kube-scheduler would kill for it by itself.
        await run.CreateAsync(Enumerable.Range(0, 100).Select(index => ExtenderRun.Pod("d", $"pod{index:00}", 1, isInference: true)), Cancel);
        var end = await run.UntilAsync(pods => Used(pods, "d") == 100 && Used(pods) == 400, Patience, Cancel, AssertLimits);

        Assert.Equal(900, end.Count);
        foreach (var space in borrowers)
            Assert.Equal(100, Used(end, space));
        foreach (var gang in end.Where(pod => pod.Metadata.Annotations.ContainsKey("weir.scheduler/pod-group"))
            .GroupBy(pod => (pod.Metadata.NamespaceProperty, pod.Metadata.Annotations["weir.scheduler/pod-group"])))
        {
            Assert.True(gang.All(ExtenderRun.IsBound) || !gang.Any(ExtenderRun.IsBound), $"of the gang {gang.Key} only a part is bound");
        }

        foreach (var node in end.Where(ExtenderRun.IsBound).GroupBy(pod => pod.Spec.NodeName))
        {
            var devices = node.SelectMany(pod => pod.Metadata.Annotations[OpenbObjects.GpuDevices].Split(',')).ToList();
            Assert.True(devices.Distinct().Count() == devices.Count, $"a device of {node.Key} was given twice: {string.Join(' ', devices)}");
        }

        var metrics = await run.Daemon.ReadMetricsAsync(Cancel);
        var (bound, attempts) = (Metric(metrics, "weir_extender_attempts_count"), Metric(metrics, "weir_extender_attempts_sum"));
        var most = Metric(metrics, "weir_extender_attempts_bucket{le=\"64\"}");
        TestContext.Current.TestOutputHelper?.WriteLine($"{bound} pods bound, {attempts / bound:0.00} attempts for each\n{Extender(metrics)}");
        Assert.Equal(500, bound);
        Assert.True(attempts / bound < 8, Extender(metrics));
        Assert.True(most == bound, $"a pod was asked about more than 64 times before it was bound\n{Extender(metrics)}");
        // Who went had a notice of Weir, and no more went than were needed: 100 of the 1,000 are gone, as counted above.
        Assert.Equal(100, Metric(metrics, "weir_evictions_total{result=\"evicted\"}"));
        Assert.Equal(0, Metric(metrics, "weir_extender_requests_total{verb=\"preempt\",result=\"pass\"}"));
        Assert.Equal(0, Metric(metrics, "weir_invariant_violations_total"));
        var log = await run.Daemon.ReadLogAsync(Cancel);
        Assert.DoesNotContain("forbidden", log, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(" threw", log, StringComparison.Ordinal);
    }

    private static void AssertLimits(IReadOnlyList<V1Pod> pods)
    {
        foreach (var (space, limit) in (ReadOnlySpan<(string, int)>)[("a", 160), ("b", 160), ("c", 160), ("d", 100)])
            Assert.True(Used(pods, space) <= limit, $"tenant {space} uses {Used(pods, space)} GPUs, and its limit is {limit}");
    }

    private static int Used(IReadOnlyList<V1Pod> pods, string? space = null) =>
        pods.Count(pod => ExtenderRun.IsBound(pod) && (space is null || pod.Metadata.NamespaceProperty == space));

    private static double Metric(string metrics, string series) => metrics.Split('\n')
        .Where(line => line.StartsWith(series + " ", StringComparison.Ordinal))
        .Select(line => double.Parse(line[(series.Length + 1)..], CultureInfo.InvariantCulture))
        .DefaultIfEmpty(0).Single();

    private static string Extender(string metrics) =>
        string.Join('\n', metrics.Split('\n').Where(line => line.StartsWith("weir_extender", StringComparison.Ordinal) || line.StartsWith("weir_evictions", StringComparison.Ordinal)));

    private static string? Why(V1Pod pod) =>
        pod.Status.Conditions?.SingleOrDefault(condition => condition is { Type: "PodScheduled", Status: "False" })?.Message;
}
