using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Results;
using Scheduler.Simulation.Tests.Engine;
using Xunit;

namespace Scheduler.Simulation.Tests.Results;

public class ResultCollectorTests
{
    private static SimulationResult Borrowed(int seriesPoints = 0, bool keepsRuns = false)
    {
        var sketch = new Sketch();
        sketch.Add("one", "red");
        sketch.Add("two", "red", changeWorkload: workload => workload with { PreemptionGrace = TimeSpan.FromMinutes(2) });
        sketch.Add("claim", "blue", atMinute: 30);
        var collector = new ResultCollector("weir", seriesPoints, keepsRuns);
        sketch.Run(sinks: collector);
        return collector.Result;
    }

    [Fact]
    public void Figures_of_a_small_run_are_what_one_works_out_by_hand()
    {
        var result = Borrowed();

        var red = result.Tenants.Single(tenant => tenant.Name == "red");
        var blue = result.Tenants.Single(tenant => tenant.Name == "blue");
        // Red holds both nodes for 32 minutes, one until 1:00, and one again from 1:00 to 2:00.
        Assert.Equal(16m, red.GuaranteedGpuHours);
        Assert.Equal(8 * 32 / 60m, red.BurstGpuHours, 3);
        Assert.Equal(8m, blue.GuaranteedGpuHours, 3);
        Assert.Equal(0m, blue.BurstGpuHours);
        Assert.Equal(1, red.Jobs.Preemptions);
        Assert.Equal(8 * 32 / 60m, red.Jobs.LostToPreemptionGpuHours, 3);
        Assert.Equal(120m, blue.Jobs.Wait.Mean);
        Assert.Equal(120m, blue.Jobs.TimeToGuarantee.Longest);
        Assert.Equal(0m, red.Jobs.Wait.Longest);
        Assert.Equal(7200m, result.Jobs.MakespanSeconds);
        Assert.Equal((3600m + 7200 + (62 * 60)) / 3, result.Jobs.Completion.Mean, 3);
        Assert.Equal(2m, red.Jobs.SlowdownP95);
        Assert.Equal(32m, result.Cluster.InstalledGpuHours);
        Assert.Equal(result.Cluster.InstalledGpuHours, result.Cluster.UsedGpuHours + result.Cluster.IdleGpuHours + result.Cluster.UnhealthyGpuHours);
    }

    [Fact]
    public void Runs_tell_where_and_how_long_each_job_ran()
    {
        var runs = Borrowed(keepsRuns: true).Runs!.Value;

        Assert.Equal(
            [("one", 0m, 3600m, StopCause.Done), ("two", 0m, 1920m, StopCause.Preempted), ("claim", 1920m, 5520m, StopCause.Done), ("two", 3600m, 7200m, StopCause.Done)],
            runs.Select(run => (run.Job, run.FromSeconds, run.ToSeconds, run.EndedBy!.Value)));
        Assert.Equal(["b"], runs[1].Nodes);
    }

    [Fact]
    public void A_series_has_at_most_as_many_points_as_asked_for_and_loses_no_use()
    {
        var result = Borrowed(seriesPoints: 64);

        var series = result.Series!;
        Assert.InRange(series.UsedGpus.Length, 32, 64);
        Assert.Equal(result.Cluster.UsedGpuHours, Hours(series.UsedGpus), 1);
        Assert.Equal(16m, series.UsedGpus[0]);

        decimal Hours(IEnumerable<decimal> gpus) => gpus.Select((gpu, index) =>
            gpu * Math.Min(series.StepSeconds, result.EndSeconds - (index * series.StepSeconds))).Sum() / 3600;
    }

    [Fact]
    public void Jobs_that_the_horizon_cuts_off_are_counted_apart()
    {
        var sketch = new Sketch();
        sketch.Add("runs", "red", minutes: 90);
        sketch.Add("waits", "red", gpus: 9);
        var collector = new ResultCollector("weir");
        sketch.Run(setup => setup with { Horizon = TimeSpan.FromHours(1) }, sinks: collector);

        var jobs = collector.Result.Jobs;
        Assert.Equal((2, 0, 1, 1, 3600m), (jobs.Submitted, jobs.Done, jobs.StillRunning, jobs.StillWaiting, jobs.LongestStillWaitingSeconds));
        Assert.Equal(8m, collector.Result.Cluster.UsedGpuHours);
    }

    [Fact]
    public void The_same_run_gives_the_same_bytes()
    {
        Assert.Equal(SimulationJson.Write(Borrowed(64, keepsRuns: true)), SimulationJson.Write(Borrowed(64, keepsRuns: true)));
        Assert.Contains("\"endedBy\": \"Preempted\"", SimulationJson.Write(Borrowed(64, keepsRuns: true)), StringComparison.Ordinal);
    }
}
