using System.Collections.Immutable;
using Scheduler.Core.Forecast;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Api;
using Scheduler.Daemon.Forecasts;
using Scheduler.Daemon.Loop;
using Scheduler.TestKit.Clusters;

namespace Scheduler.Daemon.Tests.Forecasts;

public class ForecastRecordTests
{
    private readonly ForecastRecord _record = new(SchedulingPolicy.Default);

    [Fact]
    public void What_waits_is_told_when_it_is_expected_to_start_and_what_runs_is_not()
    {
        var snapshot = Snapshot(0, Running(declaredMinutes: 60), Make.Waiting("w", "a", Make.Shape(gpus: 8)));
        var told = _record.Refresh(snapshot, [], () => true);
        var cycle = Cycle(snapshot);

        var position = ApiMapping.Position(snapshot.Workloads.Single(workload => workload.Name == "w"), cycle, told);
        Assert.Equal(Make.Now.AddMinutes(60), position.ExpectedStart.P10.ToDateTimeOffset());
        Assert.Equal(Make.Now.AddMinutes(60), position.ExpectedStart.P50.ToDateTimeOffset());
        Assert.Equal(Make.Now.AddMinutes(60), position.ExpectedStart.P90.ToDateTimeOffset());
        Assert.Equal((Make.Now, ForecastSettings.LeastSamples), (position.ExpectedStart.MadeAt.ToDateTimeOffset(), position.ExpectedStart.Samples));
        Assert.Null(ApiMapping.Position(snapshot.Workloads.Single(workload => workload.Name == "r"), cycle, told).ExpectedStart);
    }

    [Fact]
    public void Behind_what_nobody_knows_the_start_is_told_as_unknown_and_what_is_held_back_gets_none()
    {
        var snapshot = Snapshot(
            0, Running(declaredMinutes: null), Make.Waiting("w", "a", Make.Shape(gpus: 8)), Make.Waiting("held", "a", Make.Shape(gpus: 8), hold: Hold.VolumePending));
        var told = _record.Refresh(snapshot, [], () => true);
        var cycle = Cycle(snapshot);

        var unknown = ApiMapping.Position(snapshot.Workloads.Single(workload => workload.Name == "w"), cycle, told).ExpectedStart;
        Assert.NotNull(unknown);
        Assert.Null(unknown.P10);
        Assert.Null(unknown.P90);
        Assert.Null(ApiMapping.Position(snapshot.Workloads.Single(workload => workload.Name == "held"), cycle, told).ExpectedStart);
    }

    [Fact]
    public void Durations_are_learned_from_what_ended_once_and_not_from_what_had_to_make_way()
    {
        var running = Running(declaredMinutes: null);
        ImmutableArray<EndedWorkload> ended =
        [
            .. Enumerable.Range(0, 10).Select(index => Ended($"e{index}", ranMinutes: 40, at: index)),
            Ended("evicted", ranMinutes: 1, at: 10, wasPreempted: true),
        ];
        var snapshot = Snapshot(11, running, Make.Waiting("w", "a", Make.Shape(gpus: 8)));
        _record.Refresh(snapshot, ended, () => true);
        Assert.Equal(10, _record.Observations);
        var told = _record.Refresh(snapshot, [.. ended, Ended("last", ranMinutes: 40, at: 11)], () => true);

        Assert.Equal(11, _record.Observations);
        Assert.Equal(running.StartedAt!.Value.AddMinutes(40), told.Starts[new WorkloadId("w")].P50);
    }

    [Fact]
    public void The_first_forecast_of_a_workload_is_held_against_its_start()
    {
        var waiting = Make.Waiting("w", "a", Make.Shape(gpus: 8), submittedMinutesAgo: 0);
        _record.Refresh(Snapshot(0, Running(declaredMinutes: 40), waiting), [], () => true);
        Assert.Null(_record.Score);
        // Forecast for minute 40, it starts at minute 20: outside the interval, and off by as much as it waited.
        var started = waiting.RunningOn("h100-000") with { StartedAt = Make.Now.AddMinutes(20) };
        _record.Refresh(Snapshot(21, started), [], () => true);
        Assert.Equal(new ForecastScore(1, 0, 1), _record.Score);

        // The next one comes and goes between two refreshes, as forecast.
        var next = Make.Waiting("x", "a", Make.Shape(gpus: 8), submittedMinutesAgo: -22);
        _record.Refresh(Snapshot(22, Running(declaredMinutes: 40), next), [], () => true);
        _record.Refresh(Snapshot(60, Running(declaredMinutes: 40)), [Ended("x", ranMinutes: 10, at: 50) with { Workload = next with { Pods = [], StartedAt = Make.Now.AddMinutes(40) } }], () => true);
        Assert.Equal((2, 0.5), (_record.Score!.Scored, _record.Score.Coverage));
    }

    private static Workload Running(int? declaredMinutes) =>
        Make.Waiting("r", "a", Make.Shape(gpus: 8), submittedMinutesAgo: 0).RunningOn("h100-000") with
        {
            ExpectedDuration = declaredMinutes is { } minutes ? TimeSpan.FromMinutes(minutes) : null,
        };

    private static EndedWorkload Ended(string name, int ranMinutes, int at, bool wasPreempted = false)
    {
        var workload = Make.Waiting(name, "a", Make.Shape(gpus: 8));
        return new EndedWorkload(
            workload with { Pods = [], StartedAt = Make.Now.AddMinutes(at - ranMinutes) }, [(workload.Pods[0].Shape, 1)], Make.Now.AddMinutes(at), wasPreempted);
    }

    private static ClusterSnapshot Snapshot(int minute, params IEnumerable<Workload> workloads) =>
        new ClusterSnapshotBuilder { Now = Make.Now.AddMinutes(minute), Generation = minute + 1 }
            .Add(Make.Nodes(1)).Add(workloads).With(Make.Tree(Make.Tenant("a", 8))).Build();

    internal static PublishedCycle Cycle(ClusterSnapshot snapshot) => new(
        snapshot.Generation, snapshot, Planner.Compute(snapshot, SchedulingPolicy.Default), true, null, TimeSpan.Zero, [], [], []);
}
