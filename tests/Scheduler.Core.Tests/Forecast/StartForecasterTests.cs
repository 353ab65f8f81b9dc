using System.Collections.Immutable;
using Scheduler.Core.Forecast;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Core.Tests.Forecast;

/// <summary>Clusters that run forward.</summary>
public class StartForecasterTests
{
    private readonly DurationHistory _history = new();

    [Fact]
    public void Who_waits_for_one_that_ends_in_an_hour_starts_in_an_hour()
    {
        var forecast = Of(Compute(Tree(), Running("r", "a", gpus: 8, minutes: 90, ranMinutes: 30), Make.Waiting("w", "a", Make.Shape(gpus: 8))), "w");

        Assert.Equal(new StartForecast(Make.Now.AddMinutes(60), Make.Now.AddMinutes(60), Make.Now.AddMinutes(60)), forecast);
    }

    [Fact]
    public void Each_in_a_queue_waits_for_those_before_it()
    {
        var forecasts = Compute(
            Tree(), Running("r", "a", gpus: 8, minutes: 60), Declared(Make.Waiting("w1", "a", Make.Shape(gpus: 8), submittedMinutesAgo: 20), 30),
            Declared(Make.Waiting("w2", "a", Make.Shape(gpus: 8), submittedMinutesAgo: 10), 30));

        Assert.Equal(Make.Now.AddMinutes(60), Of(forecasts, "w1").P50);
        Assert.Equal(Make.Now.AddMinutes(90), Of(forecasts, "w2").P50);
    }

    [Fact]
    public void Behind_work_of_which_nothing_is_known_the_start_is_unknown()
    {
        var forecast = Of(Compute(Tree(), Running("r", "a", gpus: 8, minutes: null), Make.Waiting("w", "a", Make.Shape(gpus: 8))), "w");

        Assert.Equal(default, forecast);
    }

    [Fact]
    public void What_was_learned_is_an_interval()
    {
        for (var run = 0; run < 100; run++)
        {
            _history.Learn(new DurationKind(new TenantId("a"), "a", GpuRequest.Whole(8), 1), TimeSpan.FromMinutes(30 + run), declared: null);
        }

        var forecast = Of(Compute(Tree(), Running("r", "a", gpus: 8, minutes: null), Make.Waiting("w", "a", Make.Shape(gpus: 8))), "w");

        Assert.InRange(forecast.P10!.Value, Make.Now.AddMinutes(30), Make.Now.AddMinutes(65));
        Assert.InRange(forecast.P50!.Value, Make.Now.AddMinutes(60), Make.Now.AddMinutes(105));
        Assert.InRange(forecast.P90!.Value, Make.Now.AddMinutes(95), Make.Now.AddMinutes(130));
    }

    [Fact]
    public void A_guarantee_takes_back_what_was_borrowed_and_the_borrower_waits_again()
    {
        var tree = Make.Tree(Make.Tenant("a", guaranteed: 8), Make.Tenant("b", guaranteed: 0, burst: 8));
        var forecasts = Compute(
            tree, Running("r", "b", gpus: 8, minutes: 600), Declared(Make.Waiting("w", "a", Make.Shape(gpus: 8)), 60),
            Declared(Make.Waiting("v", "b", Make.Shape(gpus: 8)), 60));

        // r goes at once for w, waits again, and comes before v: an hour for w, then the ten hours of r.
        Assert.Equal(Make.Now, Of(forecasts, "w").P50);
        Assert.InRange(Of(forecasts, "v").P50!.Value, Make.Now.AddMinutes(650), Make.Now.AddMinutes(661));
    }

    [Fact]
    public void Nobody_makes_way_in_vain_again_and_again()
    {
        // With r gone w would have the GPUs, but not the CPU, of which c holds too much.
        var tree = Make.Tree(Make.Tenant("a", guaranteed: 0, burst: 16), Make.Tenant("b", guaranteed: 0));
        var forecast = Of(Compute(
            tree, Running("r", "a", gpus: 8, minutes: 600), Running("c", "b", gpus: 0, minutes: 30),
            Declared(Make.Waiting("w", "a", Make.Shape(gpus: 8, milliCpu: 64_000), priority: 100), 60)), "w");

        Assert.Equal(Make.Now.AddMinutes(30), forecast.P50);
    }

    [Fact]
    public void At_its_limit_a_tenant_waits_for_its_own_work_though_there_is_room()
    {
        var tree = Make.Tree(Make.Tenant("a", guaranteed: 4, burst: 0), Make.Tenant("b", guaranteed: 4));
        var forecast = Of(Compute(tree, Running("r", "a", gpus: 4, minutes: 45), Make.Waiting("w", "a", Make.Shape(gpus: 4))), "w");

        Assert.Equal(Make.Now.AddMinutes(45), forecast.P50);
    }

    [Fact]
    public void A_gang_starts_when_there_is_room_for_all_of_it()
    {
        ImmutableArray<Workload> workloads =
        [
            Running("r1", "a", gpus: 8, minutes: 30, node: 0), Running("r2", "a", gpus: 8, minutes: 50, node: 1),
            Make.Waiting("w", "a", Make.Shape(gpus: 8), pods: 2),
        ];

        Assert.Equal(Make.Now.AddMinutes(50), Of(Compute(Tree(16), workloads, nodes: 2), "w").P50);
    }

    [Fact]
    public void The_same_cluster_has_the_same_forecast()
    {
        for (var run = 0; run < 50; run++)
        {
            _history.Learn(new DurationKind(new TenantId("a"), "a", GpuRequest.Whole(8), 1), TimeSpan.FromMinutes(30 + (7 * run)), declared: null);
        }

        Workload[] workloads = [Running("r", "a", gpus: 8, minutes: null), .. Enumerable.Range(0, 20).Select(index => Make.Waiting($"w{index:00}", "a", Make.Shape(gpus: 8)))];

        Assert.Equal(
            Compute(Tree(), workloads).Forecasts.OrderBy(pair => pair.Key), Compute(Tree(), workloads).Forecasts.OrderBy(pair => pair.Key));
    }

    [Fact]
    public void Futures_that_run_at_once_tell_the_same()
    {
        for (var run = 0; run < 50; run++)
        {
            _history.Learn(new DurationKind(new TenantId("a"), "a", GpuRequest.Whole(8), 1), TimeSpan.FromMinutes(30 + (7 * run)), declared: null);
        }

        var snapshot = Snapshot(
            Tree(), nodes: 1,
            [Running("r", "a", gpus: 8, minutes: null), .. Enumerable.Range(0, 20).Select(index => Make.Waiting($"w{index:00}", "a", Make.Shape(gpus: 8)))]);
        var atOnce = new StartForecaster(
            SchedulingPolicy.Default, ForecastSettings.Default with { Workers = 3 }, (count, body) => Parallel.For(0, count, body)).Compute(snapshot, _history);
        var oneByOne = new StartForecaster(SchedulingPolicy.Default, ForecastSettings.Default).Compute(snapshot, _history);

        Assert.Equal(ForecastSettings.Default.Samples, atOnce.Samples);
        Assert.Equal(oneByOne.Forecasts.OrderBy(pair => pair.Key), atOnce.Forecasts.OrderBy(pair => pair.Key));
    }

    [Fact]
    public void The_lowest_priority_makes_way_first_though_another_is_newer()
    {
        var tree = Make.Tree(Make.Tenant("a", guaranteed: 0, burst: 24));
        ImmutableArray<Workload> workloads =
        [
            Running("r1", "a", gpus: 8, minutes: 600, ranMinutes: 30, node: 0),
            Running("r2", "a", gpus: 8, minutes: 20, node: 1, priority: 50),
            Declared(Make.Waiting("w", "a", Make.Shape(gpus: 8), priority: 100), 60),
            Make.Waiting("x", "a", Make.Shape(gpus: 8)),
        ];

        // r1 goes for w and has the place of r2 in twenty minutes; x has that of w. Had r2 gone, it would come before x.
        Assert.Equal(Make.Now.AddMinutes(60), Of(Compute(tree, workloads, nodes: 2), "x").P50);
    }

    [Fact]
    public void When_time_is_up_what_there_is_is_told_and_how_much_that_is()
    {
        var forecasts = new StartForecaster(SchedulingPolicy.Default, ForecastSettings.Default).Compute(
            Snapshot(Tree(), nodes: 1, Make.Waiting("w", "a", Make.Shape(gpus: 8))), _history, isDue: () => true);

        Assert.Equal(ForecastSettings.LeastSamples, forecasts.Samples);
        Assert.Equal(Make.Now, Of(forecasts, "w").P50);
    }

    [Fact]
    public void Who_is_held_back_is_counted_and_not_forecast()
    {
        var forecasts = Compute(Tree(), Make.Waiting("held", "a", Make.Shape(gpus: 8), hold: Hold.VolumePending), Make.Waiting("w", "a", Make.Shape(gpus: 8)));

        Assert.Equal(1, forecasts.NotForecast);
        Assert.Equal(["w"], forecasts.Forecasts.Keys.Select(id => id.Value));
    }

    private static TenantTree Tree(int guaranteed = 8) => Make.Tree(Make.Tenant("a", guaranteed));

    private static StartForecast Of(StartForecasts forecasts, string workload) => forecasts.Forecasts[new WorkloadId(workload)];

    private static Workload Declared(Workload workload, int minutes) => workload with { ExpectedDuration = TimeSpan.FromMinutes(minutes) };

    private static Workload Running(string name, string tenant, int gpus, int? minutes, int ranMinutes = 0, int node = 0, int priority = 0)
    {
        var workload = Make.Waiting(name, tenant, Make.Shape(gpus: gpus), submittedMinutesAgo: 60, priority: priority);
        return workload with
        {
            StartedAt = Make.Now.AddMinutes(-ranMinutes),
            ExpectedDuration = minutes is { } known ? TimeSpan.FromMinutes(known) : null,
            Pods =
            [
                workload.Pods[0] with
                {
                    State = PodState.Placed,
                    Placement = new PodPlacement(new NodeName($"h100-{node:000}"), [.. Enumerable.Range(0, gpus)]),
                },
            ],
        };
    }

    private static ClusterSnapshot Snapshot(TenantTree tree, int nodes, params IEnumerable<Workload> workloads) =>
        Make.Snapshot(Make.Nodes(nodes), tree, workloads);

    private StartForecasts Compute(TenantTree tree, params Workload[] workloads) => Compute(tree, [.. workloads], nodes: 1);

    private StartForecasts Compute(TenantTree tree, ImmutableArray<Workload> workloads, int nodes) =>
        new StartForecaster(SchedulingPolicy.Default, ForecastSettings.Default).Compute(Snapshot(tree, nodes, workloads), _history);
}
