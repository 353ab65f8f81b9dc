using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Forecasts;
using Scheduler.Daemon.Loop;
using Scheduler.Daemon.Telemetry;
using Scheduler.TestKit.Clusters;

namespace Scheduler.Daemon.Tests.Forecasts;

public class ForecastRefresherTests
{
    private readonly FakeTimeProvider _time = new(Make.Now);
    private readonly SchedulerMetrics _metrics = new(Prometheus.Metrics.NewCustomRegistry());
    private readonly ReadModel _readModel = new();
    private readonly ForecastBook _book = new();

    [Fact]
    public async Task Each_refresh_is_of_the_newest_cycle_and_one_that_fails_leaves_the_last_and_is_counted()
    {
        var mayFail = false;
        var refresher = new ForecastRefresher(
            new ForecastRecord(SchedulingPolicy.Default), _book, _readModel, () => mayFail ? throw new InvalidOperationException("as asked") : [], _metrics, _time,
            NullLogger.Instance);
        using var stop = new CancellationTokenSource();
        var run = refresher.RunAsync(stop.Token);

        _readModel.Publish(Cycle(1, "w"));
        await UntilAsync(() => _book.Current.Starts.ContainsKey(new WorkloadId("w")));
        mayFail = true;
        _readModel.Publish(Cycle(2, "x"));
        await UntilAsync(async () => (await MetricsAsync()).Contains("weir_forecast_failures_total 1", StringComparison.Ordinal));
        Assert.True(_book.Current.Starts.ContainsKey(new WorkloadId("w")));
        mayFail = false;
        _readModel.Publish(Cycle(3, "y"));
        await UntilAsync(() => _book.Current.Starts.ContainsKey(new WorkloadId("y")));

        Assert.Contains("weir_forecast_duration_seconds_count 2", await MetricsAsync(), StringComparison.Ordinal);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    private static PublishedCycle Cycle(long number, string waiting)
    {
        var snapshot = new ClusterSnapshotBuilder { Now = Make.Now.AddMinutes(number), Generation = number }
            .Add(Make.Nodes(1)).Add([Make.Waiting(waiting, "a", Make.Shape(gpus: 8))]).With(Make.Tree(Make.Tenant("a", 8))).Build();
        return ForecastRecordTests.Cycle(snapshot);
    }

    private Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    /// <summary>Moves the clock on until a condition holds; at most 30 real seconds.</summary>
    private async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await condition())
        {
            limit.Token.ThrowIfCancellationRequested();
            _time.Advance(ForecastRefresher.Interval);
            // The refresh is measured by the same clock: moved on without a pause, it would rest for hours.
            await Task.Delay(10, limit.Token);
        }
    }

    private async Task<string> MetricsAsync()
    {
        using var text = new MemoryStream();
        await _metrics.Registry.CollectAndExportAsTextAsync(text, TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(text.ToArray());
    }
}
