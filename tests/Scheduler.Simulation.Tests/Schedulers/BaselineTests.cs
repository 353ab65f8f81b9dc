using Scheduler.Core.Planning;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Schedulers;
using Scheduler.Simulation.Schedulers.Baselines;
using Scheduler.Simulation.Tests.Engine;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Simulation.Tests.Schedulers;

/// <summary>Two nodes of 8 GPUs, red and blue with a guarantee of 8 each.</summary>
public sealed class BaselineTests
{
    [Fact]
    public void Fifo_lets_the_head_of_the_line_block_what_would_fit()
    {
        var sketch = new Sketch();
        sketch.Add("first", "red", gpus: 8, minutes: 60);
        sketch.Add("gang", "red", gpus: 8, minutes: 10, atMinute: 1, pods: 2);
        sketch.Add("small", "blue", gpus: 1, minutes: 10, atMinute: 2);
        sketch.Run(scheduler: new Fifo());

        Assert.Equal((60, 70), (StartMinute(sketch, "gang"), StartMinute(sketch, "small")));
    }

    [Fact]
    public void Static_partition_leaves_idle_what_its_owner_does_not_use()
    {
        var sketch = new Sketch();
        sketch.Add("one", "red", gpus: 8, minutes: 60);
        sketch.Add("two", "red", gpus: 8, minutes: 60, atMinute: 1);
        sketch.Add("other", "blue", gpus: 8, minutes: 60, atMinute: 2);
        sketch.Run(scheduler: new StaticPartition());

        Assert.Equal((60, 2), (StartMinute(sketch, "two"), StartMinute(sketch, "other")));
    }

    [Fact]
    public void Drf_serves_the_smallest_dominant_share_first()
    {
        var sketch = new Sketch();
        sketch.Add("red-runs", "red", gpus: 8, minutes: 60);
        sketch.Add("blue-fills", "blue", gpus: 8, minutes: 30);
        sketch.Add("red-next", "red", gpus: 8, minutes: 60, atMinute: 1);
        sketch.Add("blue-next", "blue", gpus: 8, minutes: 60, atMinute: 2);
        sketch.Run(scheduler: new DominantShare());

        // At minute 30 red has half of the GPUs and blue none: blue's, though it came later.
        Assert.Equal((60, 30), (StartMinute(sketch, "red-next"), StartMinute(sketch, "blue-next")));
    }

    [Fact]
    public void Priority_preempts_the_lowest_and_spares_who_need_not_go()
    {
        var sketch = new Sketch();
        sketch.Add("low-half", "red", gpus: 4, changeWorkload: low => low with { Priority = 1 });
        sketch.Add("lower-half", "red", gpus: 4, changeWorkload: low => low with { Priority = 0 });
        sketch.Add("middle", "blue", gpus: 8, changeWorkload: middle => middle with { Priority = 5 });
        sketch.Add("high", "blue", gpus: 4, atMinute: 10, changeWorkload: high => high with { Priority = 10 });
        sketch.Add("equal", "blue", gpus: 4, atMinute: 20, minutes: 1, changeWorkload: equal => equal with { Priority = 0 });
        sketch.Run(scheduler: new PriorityPreemption());

        Assert.Equal((0, 1, 0, 10), (sketch["low-half"].Preemptions, sketch["lower-half"].Preemptions, sketch["middle"].Preemptions, StartMinute(sketch, "high")));
        Assert.Equal(60, StartMinute(sketch, "equal"));
    }

    [Fact]
    public void A_gang_preempts_for_all_of_its_pods_or_for_none()
    {
        var sketch = new Sketch();
        sketch.Add("low", "red", gpus: 8, minutes: 60);
        sketch.Add("same", "red", gpus: 8, minutes: 60, changeWorkload: same => same with { Priority = 10 });
        sketch.Add("gang", "blue", gpus: 8, minutes: 60, atMinute: 5, pods: 2, changeWorkload: gang => gang with { Priority = 10 });
        sketch.Run(scheduler: new PriorityPreemption());

        Assert.Equal((0, 60), (sketch["low"].Preemptions, StartMinute(sketch, "gang")));
    }

    [Fact]
    public void Tiresias_demotes_preempts_and_resumes_at_its_rounds()
    {
        // 16 GPUs for an hour are 16 GPU-hours: at minute 61 the long job, which started at minute 1, gives way to the short one.
        var sketch = new Sketch();
        sketch.Add("long", "red", gpus: 1, minutes: 90, pods: 16, change: job => job with
        {
            SubmitAt = TimeSpan.FromSeconds(10),
            CheckpointOnNotice = TimeSpan.Zero,
            RestartTime = TimeSpan.FromSeconds(30),
        });
        sketch.Add("short", "blue", gpus: 1, minutes: 5, atMinute: 20);
        sketch.Run(setup => setup with { CycleInterval = TimeSpan.Zero }, new Tiresias());

        Assert.Equal(1, sketch["long"].Preemptions);
        Assert.Equal(TimeSpan.FromSeconds(60), sketch["long"].FirstStart);
        Assert.Equal(61, StartMinute(sketch, "short"));

        // The short one ends just after round 66, so the long one goes on at round 67: 30 s to start again, 30 of 90 minutes left.
        Assert.Equal(67 + 30.5, sketch["long"].EndedAt!.Value.TotalMinutes, tolerance: 0.01);
    }

    [Fact]
    public void Shortest_first_preempts_long_work_for_short_and_not_the_other_way_round()
    {
        var sketch = new Sketch { Tenants = Make.Tree(Make.Tenant("red", 16)) };
        sketch.Add("long", "red", gpus: 8, minutes: 6000, pods: 2, change: Saves, changeWorkload: Expects(6000));
        sketch.Add("short", "red", gpus: 8, minutes: 10, atMinute: 5, changeWorkload: Expects(10));
        sketch.Add("longer", "red", gpus: 8, minutes: 90_000, atMinute: 6, change: Saves, changeWorkload: Expects(90_000));
        sketch.Run(scheduler: new ShortestFirst(new WeirScheduler(SchedulingPolicy.Default)));

        Assert.Equal(5, StartMinute(sketch, "short"));
        Assert.Equal(1, sketch["long"].Preemptions);
        Assert.True(sketch["longer"].EndedAt > sketch["long"].EndedAt);

        static Func<Core.Model.Workload, Core.Model.Workload> Expects(int minutes) => workload => workload with { ExpectedDuration = TimeSpan.FromMinutes(minutes) };

        static Simulation.Jobs.Job Saves(Simulation.Jobs.Job job) => job with { CheckpointOnNotice = TimeSpan.Zero };
    }

    [Fact]
    public void Every_scheduler_of_the_catalogue_finishes_a_mixed_day_and_is_refused_nothing()
    {
        foreach (var name in SchedulerCatalogue.Names)
        {
            Assert.True(SchedulerCatalogue.TryMake(name, SchedulingPolicy.Default, out var scheduler));
            Assert.Equal(name, scheduler.Name);
            var sketch = new Sketch();
            for (var number = 0; number < 40; number++)
            {
                sketch.Add(
                    $"job-{number:00}", number % 3 == 0 ? "red" : "blue", gpus: 1 + (number * 5 % 8), minutes: 1 + (number * 7 % 50), atMinute: number,
                    changeWorkload: workload => workload with { Priority = number % 4 });
            }

            var end = sketch.Run(scheduler: scheduler);
            Assert.True(end is { Outcome: SimulationOutcome.AllDone, RefusedDecisions: 0 }, $"{name}: {end}");
        }
    }

    private static double StartMinute(Sketch sketch, string job) => Math.Round(sketch[job].FirstStart!.Value.TotalMinutes, 1);
}
