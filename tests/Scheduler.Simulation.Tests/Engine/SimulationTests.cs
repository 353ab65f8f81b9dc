using Scheduler.Core.Model;
using Scheduler.Simulation.Engine;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Simulation.Tests.Engine;

public class SimulationTests
{
    private static readonly string[] BorrowedAndTakenBack =
    [
        "0.00:00:00 one submitted",
        "0.00:00:00 two submitted",
        "0.00:00:00 one started on a",
        "0.00:00:00 two started on b",
        "0.00:30:00 claim submitted",
        "0.00:30:00 two noticed for claim",
        "0.00:32:00 two Preempted, 15360 GPU-s lost",
        "0.00:32:00 claim started on b",
        "0.01:00:00 one Done",
        "0.01:00:00 two started on a",
        "0.01:32:00 claim Done",
        "0.02:00:00 two Done",
    ];

    [Fact]
    public void Borrowed_GPUs_are_taken_back_with_notice_and_the_work_since_the_start_is_lost()
    {
        var sketch = new Sketch();
        sketch.Add("one", "red");
        sketch.Add("two", "red", changeWorkload: workload => workload with { PreemptionGrace = TimeSpan.FromMinutes(2) });
        sketch.Add("claim", "blue", atMinute: 30);

        var end = sketch.Run();

        Assert.Equal(BorrowedAndTakenBack, sketch.Lines);
        Assert.Equal(SimulationOutcome.AllDone, end.Outcome);
        Assert.Equal(8 * 32 * 60 * 1_000_000L, sketch["two"].LostMilliGpuMilliseconds);
        Assert.Equal(8 * 92 * 60 * 1_000_000L, sketch["two"].HeldMilliGpuMilliseconds);
    }

    [Theory]
    // Written at minutes 10, 20 and 30; evicted at 30 + 2: what was done since minute 30 is lost.
    [InlineData(10, null, 120, "0.00:32:00 two Preempted, 960 GPU-s lost", 60 + 30 + 60 - 30 - 30)]
    // On notice it writes for one minute, leaves at once and loses nothing.
    [InlineData(null, 60, 120, "0.00:31:00 two PreemptedAfterCheckpoint", 60 + 30 + 60 - 30 - 30)]
    // Just in time.
    [InlineData(null, 120, 120, "0.00:32:00 two PreemptedAfterCheckpoint", 60 + 30 + 60 - 30 - 30)]
    // Two minutes and a second are too long: it works on to the end.
    [InlineData(null, 121, 120, "0.00:32:00 two Preempted, 15360 GPU-s lost", 120)]
    // A checkpoint of its own, written after the notice, lets it go at once.
    [InlineData(31, null, 120, "0.00:31:00 two PreemptedAfterCheckpoint", 60 + 29)]
    // No grace.
    [InlineData(null, null, 0, "0.00:30:00 two Preempted, 14400 GPU-s lost", 120)]
    public void What_is_lost_depends_on_when_it_was_saved(int? everyMinutes, int? onNoticeSeconds, int graceSeconds, string stopped, int endMinute)
    {
        var sketch = new Sketch();
        sketch.Add("one", "red");
        sketch.Add(
            "two", "red",
            change: job => job with
            {
                CheckpointEvery = everyMinutes is { } minutes ? TimeSpan.FromMinutes(minutes) : null,
                CheckpointOnNotice = onNoticeSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
            },
            changeWorkload: workload => workload with { PreemptionGrace = TimeSpan.FromSeconds(graceSeconds) });
        sketch.Add("claim", "blue", atMinute: 30);

        sketch.Run();

        Assert.Contains(stopped, sketch.Lines);
        Assert.Equal(TimeSpan.FromMinutes(endMinute), sketch["two"].EndedAt);
    }

    [Fact]
    public void Starting_again_takes_its_time_and_holds_GPUs_without_progress()
    {
        var sketch = new Sketch { Nodes = [Make.Node("a")], Faults = new FaultModel { Planned = [Hour(1, "a", device: 3)] } };
        sketch.Add("job", "red", gpus: 4, minutes: 100, change: job => job with { CheckpointEvery = TimeSpan.FromMinutes(25), RestartTime = TimeSpan.FromMinutes(3) });

        sketch.Run();

        // 50 minutes of the 60 were saved. On the 4 devices that are left it starts again at once.
        Assert.Equal(
            [
                "0.00:00:00 job submitted", "0.00:00:00 job started on a", "0.01:00:00 job DeviceFailure, 2400 GPU-s lost",
                "0.01:00:00 job started on a", "0.01:53:00 job Done",
            ],
            sketch.Lines);
        Assert.Equal(4 * 3 * 60 * 1_000_000L, sketch["job"].StalledMilliGpuMilliseconds);
        Assert.Equal(4 * 113 * 60 * 1_000_000L, sketch["job"].HeldMilliGpuMilliseconds);
    }

    [Fact]
    public void Two_jobs_of_one_name_are_refused()
    {
        var sketch = new Sketch();
        sketch.Add("job", "red");
        sketch.Add("job", "red");

        Assert.Throws<ArgumentException>(() => sketch.Run());
    }

    [Fact]
    public void A_failed_node_stops_the_whole_gang_that_has_a_pod_there()
    {
        var sketch = new Sketch
        {
            Tenants = Make.Tree(Make.Tenant("red", 24)),
            Nodes = [.. Make.Nodes(3)],
            Faults = new FaultModel { Planned = [Minutes(30, "h100-000", minutes: 60)] },
        };
        sketch.Add("gang", "red", pods: 2);

        sketch.Run();

        Assert.Equal(
            [
                "0.00:00:00 gang submitted", "0.00:00:00 gang started on h100-000,h100-001", "0.00:30:00 gang NodeFailure, 28800 GPU-s lost",
                "0.00:30:00 gang started on h100-001,h100-002", "0.01:30:00 gang Done",
            ],
            sketch.Lines);
        Assert.Equal(1, sketch["gang"].Failures);
    }

    [Fact]
    public void An_elastic_gang_goes_on_with_fewer_pods_at_their_pace_and_loses_nothing()
    {
        var sketch = new Sketch { Tenants = Make.Tree(Make.Tenant("red", 16)), Faults = new FaultModel { Planned = [Minutes(30, "b", minutes: 20)] } };
        sketch.Add("elastic", "red", pods: 2, changeWorkload: workload => workload with { MinMember = 1 });

        sketch.Run();

        // An hour on two: half an hour on two, twenty minutes on one (ten on two), then twenty on two again.
        Assert.Equal(
            [
                "0.00:00:00 elastic submitted", "0.00:00:00 elastic started on a,b", "0.00:30:00 elastic NodeFailure, 1 pods",
                "0.00:50:00 elastic grew to 2", "0.01:10:00 elastic Done",
            ],
            sketch.Lines);
        Assert.Equal(0, sketch["elastic"].LostMilliGpuMilliseconds);
    }

    [Fact]
    public void A_job_that_lies_on_more_nodes_than_it_needs_takes_as_long_as_it_does_spread()
    {
        var sketch = new Sketch { Tenants = Make.Tree(Make.Tenant("red", 16)) };
        sketch.Add("left", "red", gpus: 4, minutes: 600);
        sketch.Add("right", "red", gpus: 5, minutes: 600);
        sketch.Add("gang", "red", gpus: 3, minutes: 60, atMinute: 1, pods: 2, change: job => job with { SpreadDuration = TimeSpan.FromMinutes(90) });

        sketch.Run();

        Assert.False(sketch["gang"].IsPacked);
        Assert.Equal(TimeSpan.FromMinutes(91), sketch["gang"].EndedAt);
    }

    [Fact]
    public void What_comes_within_the_cycle_interval_is_planned_together()
    {
        var sketch = new Sketch();
        sketch.Add("first", "red", gpus: 1);
        sketch.Add("second", "red", gpus: 1, change: job => job with { SubmitAt = TimeSpan.FromSeconds(3) });
        sketch.Add("third", "red", gpus: 1, change: job => job with { SubmitAt = TimeSpan.FromSeconds(4) });

        var end = sketch.Run(setup => setup with { CycleInterval = TimeSpan.FromSeconds(10) });

        Assert.Equal(TimeSpan.Zero, sketch["first"].FirstStart);
        Assert.Equal(TimeSpan.FromSeconds(10), sketch["second"].FirstStart);
        Assert.Equal(TimeSpan.FromSeconds(10), sketch["third"].FirstStart);
        Assert.Equal(2, end.Cycles);
    }

    [Fact]
    public void A_simulation_in_which_nothing_more_can_start_ends()
    {
        var sketch = new Sketch();
        sketch.Add("fits", "red");
        sketch.Add("never", "red", gpus: 9);

        Assert.Equal(SimulationOutcome.NothingCanStart, sketch.Run().Outcome);
        Assert.Equal(JobPhase.Waiting, sketch["never"].Phase);
    }

    [Theory]
    [InlineData(DurationKnowledge.Unknown, null)]
    [InlineData(DurationKnowledge.Declared, 7200)]
    [InlineData(DurationKnowledge.DeclaredOrLearned, 7200)]
    [InlineData(DurationKnowledge.Learned, 2700)]
    public void Durations_are_learned_from_jobs_of_the_same_application_that_have_ended(DurationKnowledge knowledge, int? expectedSeconds)
    {
        var sketch = new Sketch();
        sketch.Add("first", "red", gpus: 1, minutes: 60, change: job => job with { Application = "train" });
        sketch.Add("second", "red", gpus: 1, minutes: 30, change: job => job with { Application = "train" });
        sketch.Add("other", "red", gpus: 1, minutes: 5, change: job => job with { Application = "convert" });
        sketch.Add("running", "red", gpus: 1, minutes: 500, change: job => job with { Application = "train" });
        sketch.Add(
            "next", "red", atMinute: 61, change: job => job with { Application = "train" },
            changeWorkload: workload => workload with { ExpectedDuration = TimeSpan.FromHours(2) });

        sketch.Run(setup => setup with { Durations = knowledge });

        Assert.Equal(expectedSeconds, sketch["next"].Workload.ExpectedDuration?.TotalSeconds);
    }

    private static PlannedFault Hour(int hour, string node, int? device = null) => new(TimeSpan.FromHours(hour), new NodeName(node), device, TimeSpan.FromHours(10));

    private static PlannedFault Minutes(int at, string node, int minutes) => new(TimeSpan.FromMinutes(at), new NodeName(node), null, TimeSpan.FromMinutes(minutes));
}
