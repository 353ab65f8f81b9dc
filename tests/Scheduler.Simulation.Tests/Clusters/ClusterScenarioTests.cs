using System.Collections.Immutable;
using Scheduler.Simulation.Checking;
using Scheduler.Simulation.Clusters;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Results;
using Scheduler.Simulation.Schedulers;
using Xunit;

namespace Scheduler.Simulation.Tests.Clusters;

/// <summary>An exported cluster goes on: four GPUs, a job on two of them, and one that waits for three.</summary>
public class ClusterScenarioTests
{
    private const string File =
        """
        apiVersion: weir.scheduler/v1
        kind: Tenant
        metadata: {name: lab}
        spec: {namespaces: [lab], quotas: [{flavor: "*", guaranteed: 4}]}
        ---
        apiVersion: weir.scheduler/v1
        kind: ClusterExport
        metadata: {name: small}
        spec:
          takenAt: "2026-01-31T12:00:00Z"
          historySince: "2026-01-31T02:00:00Z"
          nodes:
          - {name: a, gpus: 4, cpu: 64, memory: 512Gi, maxPods: 110}
          shapes:
          - {name: s1, gpus: 2, cpu: 8}
          - {name: s2, gpus: 3, cpu: 8}
          workloads:
          - {name: runs, namespace: lab, submitted: "2026-01-31T10:00:00Z", started: "2026-01-31T11:00:00Z", declared: 3h, pods: [{name: runs, shape: s1, node: a, gpus: [1, 3]}]}
          - {name: waits, namespace: lab, submitted: "2026-01-31T11:30:00Z", declared: 1h, pods: [{name: waits, shape: s2}]}
          history:
          - {name: old, namespace: lab, submitted: "2026-01-31T03:00:00Z", started: "2026-01-31T03:00:00Z", ended: "2026-01-31T04:30:00Z", pods: [{shape: s1, count: 1}]}
        """;

    [Fact]
    public void What_runs_goes_on_for_the_rest_of_its_time_and_what_waits_has_waited_since_it_was_submitted()
    {
        var (result, notes) = Run(File);

        Assert.Empty(notes);
        var runs = result.Runs!.Value;
        Assert.Equal([("lab/pod/runs", 0m, 7200m), ("lab/pod/waits", 7200m, 10800m)], runs.Select(run => (run.Job, run.FromSeconds, run.ToSeconds)));
        Assert.Equal([1, 3], Assert.Single(runs[0].Parts).Devices);
        Assert.Equal(9000, result.Jobs.Wait.Mean);
        Assert.Equal(1, result.Jobs.Wait.Count);
    }

    [Theory]
    [InlineData("gpus: [1, 3]}", "gpus: [1, 4]}", "a GPU that is not there")]
    [InlineData("node: a, gpus: [1, 3]", "node: b, gpus: [1, 3]", "a node that is not there")]
    [InlineData("maxPods: 110}", "maxPods: 110, quarantined: [3]}", "a GPU that has failed")]
    public void A_pod_whose_place_was_edited_away_waits_again_and_that_is_told(string old, string changed, string why)
    {
        var (result, notes) = Run(File.Replace(old, changed, StringComparison.Ordinal));

        Assert.Contains("1 running pods of 1 workloads (lab/pod/runs) wait again", Assert.Single(notes), StringComparison.Ordinal);
        Assert.True(result.Jobs.Wait.Count == 2, why);
        Assert.Equal(2, result.Jobs.Done);
    }

    [Fact]
    public void On_a_cordoned_node_what_runs_goes_on_and_nothing_else_starts()
    {
        var (result, _) = Run(File.Replace("maxPods: 110}", "maxPods: 110, cordoned: true}", StringComparison.Ordinal));

        Assert.Equal((1, 1), (result.Jobs.Done, result.Jobs.StillWaiting));
        Assert.Equal((4m, 4m, 0m), (result.Cluster.UsedGpuHours, result.Cluster.InstalledGpuHours - result.Cluster.UnhealthyGpuHours, result.Cluster.IdleGpuHours));
    }

    [Fact]
    public void A_job_that_says_nothing_takes_as_long_as_those_like_it_and_without_any_it_is_endless_unless_assumed_otherwise()
    {
        var silent = File.Replace("declared: 3h, ", "", StringComparison.Ordinal);
        var (learned, told) = Run(silent);
        var (endless, never) = Run(silent.Replace("namespace: lab, submitted: \"2026-01-31T03", "namespace: other, submitted: \"2026-01-31T03", StringComparison.Ordinal));
        var (assumed, _) = Run(
            silent.Replace("namespace: lab, submitted: \"2026-01-31T03", "namespace: other, submitted: \"2026-01-31T03", StringComparison.Ordinal), TimeSpan.FromHours(2));

        Assert.Contains("take the mean of those like them", Assert.Single(told), StringComparison.Ordinal);
        Assert.Equal(1800, learned.Runs!.Value[0].ToSeconds);
        Assert.Contains("never end; --assume-duration", Assert.Single(never), StringComparison.Ordinal);
        Assert.Equal(1, endless.Jobs.StillRunning);
        Assert.Equal(3600, assumed.Runs!.Value[0].ToSeconds);
    }

    [Fact]
    public void What_has_outrun_its_time_runs_as_long_as_those_like_it_that_took_longer_else_as_long_again()
    {
        var late = File.Replace("declared: 3h", "declared: 30m", StringComparison.Ordinal);
        var (alike, _) = Run(late);
        var (alone, _) = Run(late.Replace("namespace: lab, submitted: \"2026-01-31T03", "namespace: other, submitted: \"2026-01-31T03", StringComparison.Ordinal));

        Assert.Equal(1800, alike.Runs!.Value[0].ToSeconds);
        Assert.Equal(3600, alone.Runs!.Value[0].ToSeconds);
    }

    [Fact]
    public void As_in_the_history_comes_as_much_an_hour_as_came_and_the_same_for_the_same_seed()
    {
        var scenario = ClusterScenario.Make(ClusterStateTests.Good(File), new ClusterFuture(TimeSpan.FromDays(100), null, LikeHistory: true), out var notes);
        var jobs = scenario.Make(1).Jobs;
        var coming = jobs.Where(job => job.SubmitAt > TimeSpan.Zero).ToList();

        Assert.Contains("0.3 jobs an hour come as in the 10h0m of the history", Assert.Single(notes), StringComparison.Ordinal);
        Assert.InRange(coming.Count, 600, 840);
        Assert.All(coming, job => Assert.Equal((TimeSpan.FromMinutes(90), 2000), (job.Duration, (int)job.Workload.Pods.Sum(pod => pod.Shape.Gpu.MilliGpu))));
        Assert.Equal(jobs.Select(job => (job.Workload.Id, job.SubmitAt)), scenario.Make(1).Jobs.Select(job => (job.Workload.Id, job.SubmitAt)));
        Assert.NotEqual(jobs.Select(job => job.SubmitAt), scenario.Make(2).Jobs.Select(job => job.SubmitAt));
    }

    [Fact]
    public void A_running_job_that_is_preempted_loses_what_it_did_before_the_beginning_since_its_checkpoint()
    {
        var text = File
            .Replace("guaranteed: 4}", "guaranteed: 0, burst: 4}", StringComparison.Ordinal)
            .Replace("- {name: waits, namespace: lab", "- {name: waits, namespace: boss", StringComparison.Ordinal)
            .Replace("started: \"2026-01-31T11:00:00Z\"", "started: \"2026-01-31T11:00:00Z\", checkpointed: \"2026-01-31T11:45:00Z\"", StringComparison.Ordinal)
            + "\n---\napiVersion: weir.scheduler/v1\nkind: Tenant\nmetadata: {name: boss}\nspec: {namespaces: [boss], quotas: [{flavor: \"*\", guaranteed: 4}]}\n";
        var (result, _) = Run(text);

        Assert.Equal(1, result.Jobs.Preemptions);
        Assert.Equal(0.5m, result.Jobs.LostToPreemptionGpuHours);
        Assert.Equal(2, result.Jobs.Done);
    }

    private static (SimulationResult Result, ImmutableArray<string> Notes) Run(string text, TimeSpan? assumed = null)
    {
        var scenario = ClusterScenario.Make(ClusterStateTests.Good(text), new ClusterFuture(TimeSpan.FromDays(1), assumed, LikeHistory: false), out var notes);
        var scheduler = new WeirScheduler(scenario.Policy);
        var (collector, checker) = (new ResultCollector("weir", keepsRuns: true), new InvariantChecker(scheduler));
        Simulator.Run(scenario.Make(1), scheduler, [collector, checker], TestContext.Current.CancellationToken);
        Assert.Empty(checker.Violations);
        return (collector.Result, notes);
    }
}
