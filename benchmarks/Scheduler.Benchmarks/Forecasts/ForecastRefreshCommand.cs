using System.CommandLine;
using Scheduler.Benchmarks.Clusters;
using Scheduler.Benchmarks.Commands;
using Scheduler.Benchmarks.Measuring;
using Scheduler.Core.Forecast;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Benchmarks.Forecasts;

/// <summary><c>forecast-refresh</c>: what new forecasts of everything that waits cost.</summary>
internal static class ForecastRefreshCommand
{
    private const int Learned = 5000;

    public static Command Create()
    {
        var nodes = CommonOptions.Whole("--nodes", "Nodes of eight GPUs", 1000, 1, CommonOptions.MostNodes);
        var waiting = CommonOptions.Whole("--waiting", "Workloads that come to a full cluster and wait", 10_000, 1, 100_000);
        var tenants = CommonOptions.Whole("--tenants", "Tenants", 50, 2, 1000);
        var samples = CommonOptions.Whole("--samples", "Futures that are drawn", ForecastSettings.Default.Samples, ForecastSettings.LeastSamples, 1000);
        var runs = CommonOptions.Whole("--runs", "Refreshes that count, after one that warms up", 5, 1, 1000);
        var output = CommonOptions.Output();
        var command = new Command("forecast-refresh", "Forecasts of everything that waits, made anew") { nodes, waiting, tenants, samples, runs, output };
        command.SetAction(result =>
        {
            Run(
                result.GetValue(nodes), result.GetValue(waiting), result.GetValue(tenants), result.GetValue(samples), result.GetValue(runs),
                isJson: result.GetValue(output) == "json");
            return 0;
        });
        return command;
    }

    private static void Run(int nodes, int waiting, int tenants, int samples, int runs, bool isJson)
    {
        var snapshot = Snapshot(nodes, waiting, tenants);
        var forecaster = new StartForecaster(
            SchedulingPolicy.Default, ForecastSettings.Default with { Samples = samples, Workers = Environment.ProcessorCount },
            (count, body) => Parallel.For(0, count, body));
        var history = History(snapshot);
        var times = new Samples();
        var forecasts = forecaster.Compute(snapshot, history);
        for (var run = 0; run < runs; run++)
        {
            forecasts = times.Time(() => forecaster.Compute(snapshot, history));
        }

        var known = forecasts.Forecasts.Values.Count(forecast => forecast.P50 is not null);
        if (isJson)
        {
            Results.WriteJson(new { ms = times.Median, forecasts = forecasts.Forecasts.Count, known, forecasts.Samples, nodes, tenants, runs });
            return;
        }

        Results.WriteTable(
            "New forecasts of everything that waits",
            ["nodes", "forecasts", "p50 known", "samples", "ms"],
            [[Results.Text((long)nodes), Results.Text((long)forecasts.Forecasts.Count), Results.Text((long)known), Results.Text((long)forecasts.Samples), Results.Text(times.Median)]]);
    }

    /// <summary>A cluster that is full, and what waits for it.</summary>
    private static ClusterSnapshot Snapshot(int nodes, int waiting, int tenants)
    {
        var cluster = SyntheticCluster.Nodes(nodes);
        var tree = SyntheticCluster.Tenants(tenants, nodes);
        var early = SyntheticCluster.Waiting(nodes * 8, tenants);
        var empty = new ClusterSnapshotBuilder { Now = SyntheticCluster.Now }.Add(cluster).Add(early).With(tree).Build();
        var running = SyntheticCluster.Started(early, Planner.Compute(empty, SchedulingPolicy.Default))
            .Where(workload => workload.StartedAt is not null);
        return new ClusterSnapshotBuilder { Now = SyntheticCluster.Now }
            .Add(cluster).Add(running).Add(SyntheticCluster.Waiting(waiting, tenants, first: early.Length)).With(tree).Build();
    }

    /// <summary>Of each tenant, runs of ten minutes to about twelve hours, of the kinds that wait.</summary>
    private static DurationHistory History(ClusterSnapshot snapshot)
    {
        var history = new DurationHistory();
        for (var index = 0; index < Learned; index++)
        {
            var workload = snapshot.Workloads[index % snapshot.Workloads.Length];
            history.Learn(DurationKind.Of(workload), TimeSpan.FromMinutes(10 + (index * 37 % 700)), workload.ExpectedDuration);
        }

        return history;
    }
}
