using k8s.Models;
using Scheduler.EndToEnd.Tests.Running;
using Xunit;

namespace Scheduler.EndToEnd.Tests;

/// <summary>
/// The main job on real input: a hundred nodes and five hundred pods of the openb trace on a real control plane, with the daemon as
/// a process that has the rights of deploy/base/rbac.yaml only. Judged by what the API server says.
/// </summary>
public sealed class OpenbDaemonTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_fits_is_bound_and_the_rest_waits_with_a_reason()
    {
        await using var run = await OpenbRun.StartAsync(Cancel);
        await run.Scenario.CreatePodsAsync(Cancel);

        await AssertEndAsync(run);
        Assert.Equal(0, await run.Daemon.TerminateAsync());
    }

    [Fact]
    public async Task A_daemon_killed_in_the_middle_and_started_again_ends_in_such_a_state_too()
    {
        await using var run = await OpenbRun.StartAsync(Cancel);
        await run.Scenario.CreatePodsAsync(..300, Cancel);
        await run.Watch.UntilBoundAsync(150, Patience, Cancel);
        await run.Daemon.KillAsync();
        await run.Scenario.CreatePodsAsync(300.., Cancel);

        var (killed, _) = await run.Scenario.ReadAsync(Cancel);
        var before = killed.Count(OpenbRun.IsBound);
        Assert.Equal(OpenbRun.Pods, killed.Count);
        await run.Daemon.StartAsync(Cancel);

        var after = await AssertEndAsync(run);
        Assert.InRange(before, 150, after - 1);
    }

    /// <summary>Waits for the end state and looks at all of it. Returns how many pods are bound.</summary>
    private static async Task<int> AssertEndAsync(OpenbRun run)
    {
        var pods = await run.SettleAsync(Cancel);
        Assert.Equal(OpenbRun.Pods, pods.Count);
        Assert.Empty(run.Watch.Changes);

        // Only tenant d can come to its limit: what the others want altogether is less than theirs. They wait for room.
        var waiting = pods.Where(pod => !OpenbRun.IsBound(pod)).ToLookup(pod => pod.Metadata.NamespaceProperty == "d", ReasonOf);
        Assert.Contains("LimitReached", waiting[true]);
        Assert.NotEmpty(waiting[false]);
        // No kubelet runs the pods: what is told to make way for inference never goes, and its room stays kept.
        Assert.Empty(waiting[false].Except(
            ["BurstPoolBusy", "InsufficientGpu", "Fragmented", "NodeConstraints", "WaitingForVictims", "ReservedForOthers"]));

        // A right that is missing does not stop the daemon, it only says so in its log.
        Assert.DoesNotContain("forbidden", await run.Daemon.ReadLogAsync(Cancel), StringComparison.OrdinalIgnoreCase);
        return pods.Count(OpenbRun.IsBound);
    }

    private static string ReasonOf(V1Pod pod) => pod.Status.Conditions.Single(condition => condition.Type == "PodScheduled").Reason;
}
