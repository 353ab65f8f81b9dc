using System.Collections.Immutable;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Journal;
using Scheduler.Daemon.Loop;
using Scheduler.Daemon.Telemetry;
using Scheduler.Journal;
using Scheduler.Journal.Storage;

namespace Scheduler.Daemon.Tests.Journal;

public class JournalRecorderTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly SchedulerMetrics _metrics = new(Prometheus.Metrics.NewCustomRegistry());

    [Fact]
    public async Task The_loop_never_waits_for_a_slow_disk_and_what_does_not_fit_is_counted()
    {
        using var began = new SemaphoreSlim(0);
        using var disk = new ManualResetEventSlim();
        var written = new List<long>();
        var recorder = Make(
            entry =>
            {
                began.Release();
                disk.Wait(TestContext.Current.CancellationToken);
                written.Add(entry.Number);
            },
            queueCycles: 2);
        using var stop = new CancellationTokenSource();
        var run = Task.Run(() => recorder.RunAsync(stop.Token), TestContext.Current.CancellationToken);
        recorder.Offer(Cycle(1));
        await began.WaitAsync(TestContext.Current.CancellationToken);
        for (var number = 2; number <= 6; number++)
            recorder.Offer(Cycle(number));
        Assert.Equal(3, recorder.LeftOut);
        disk.Set();
        await stop.CancelAsync();
        await run;
        Assert.Equal([1L, 2, 3], written);
        Assert.Contains("weir_journal_left_out_cycles_total{cause=\"queue_full\"} 3", await MetricsAsync(), StringComparison.Ordinal);
        Assert.Contains("weir_journal_written_cycles_total 3", await MetricsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disk_that_refuses_is_tried_again_later_and_the_cycles_between_are_counted()
    {
        var attempts = new List<long>();
        var recorder = Make(
            entry =>
            {
                attempts.Add(entry.Number);
                if (entry.Number == 1)
                    throw new JournalException("no space left on device");
                // The third cycle finds the pause over.
                if (entry.Number == 3)
                    return;
            },
            queueCycles: 10);
        using var stop = new CancellationTokenSource();
        var run = recorder.RunAsync(stop.Token);
        recorder.Offer(Cycle(1));
        recorder.Offer(Cycle(2));
        await UntilAsync(() => recorder.LeftOut == 2);
        _time.Advance(TimeSpan.FromSeconds(2));
        recorder.Offer(Cycle(3));
        await stop.CancelAsync();
        await run;
        Assert.Equal([1L, 3], attempts);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!condition())
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private async Task<string> MetricsAsync()
    {
        using var text = new MemoryStream();
        await _metrics.Registry.CollectAndExportAsTextAsync(text, TestContext.Current.CancellationToken);
        return System.Text.Encoding.UTF8.GetString(text.ToArray());
    }

    private JournalRecorder Make(Action<CycleEntry> append, int queueCycles) => new(
        entry =>
        {
            append(entry);
            return 1;
        },
        queueCycles, _metrics, _time, NullLogger.Instance);

    private static PublishedCycle Cycle(long number)
    {
        var snapshot = new ClusterSnapshotBuilder { Generation = number }.Build();
        return new PublishedCycle(number, snapshot, Planner.Compute(snapshot, SchedulingPolicy.Default), true, null, TimeSpan.Zero, [], [], ImmutableArray<TenantAcceptance>.Empty);
    }
}
