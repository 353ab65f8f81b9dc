using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Scheduler.Daemon.Loop;
using Scheduler.Daemon.Telemetry;

namespace Scheduler.Daemon.Forecasts;

/// <summary>
/// Makes new forecasts from the published cycles, on a thread of its own and at most a tenth of the time: the scheduling loop neither
/// waits for it nor knows of it. A refresh that fails is logged and counted, the last forecasts stay, and the next one starts over.
/// </summary>
/// <param name="record">Makes them.</param>
/// <param name="book">Where they are told.</param>
/// <param name="readModel">The cycles.</param>
/// <param name="ended">What has ended, the first first.</param>
/// <param name="metrics">Where it is counted.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Where trouble is told.</param>
internal sealed class ForecastRefresher(
    ForecastRecord record, ForecastBook book, ReadModel readModel, Func<ImmutableArray<EndedWorkload>> ended, SchedulerMetrics metrics, TimeProvider time,
    ILogger logger)
{
    /// <summary>The least time between two refreshes.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>After so long no further future is drawn, once there are the least that are told.</summary>
    public static readonly TimeSpan Budget = TimeSpan.FromSeconds(1);

    /// <summary>After a refresh it rests for so many times as long as that took.</summary>
    private const int Rest = 9;

    /// <summary>Refreshes until <paramref name="stop"/> is cancelled.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var seen = 0L;
        while (true)
        {
            var cycle = await readModel.WaitForNextAsync(seen, stop).ConfigureAwait(false);
            seen = cycle.Number;
            var started = time.GetTimestamp();
            await Task.Factory.StartNew(() => Refresh(cycle, started), stop, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
            var pause = time.GetElapsedTime(started) * Rest;
            await Task.Delay(pause > Interval ? pause : Interval, time, stop).ConfigureAwait(false);
        }
    }

    private void Refresh(PublishedCycle cycle, long started)
    {
        try
        {
            book.Current = record.Refresh(cycle.Snapshot, ended(), () => time.GetElapsedTime(started) > Budget);
            metrics.Forecast(time.GetElapsedTime(started), book.Current.Samples, record.Observations, record.Score);
        }
        catch (Exception bug)
        {
            // A live forecast is a help, and nothing that scheduling may stop for.
            metrics.ForecastFailed();
            Log.ForecastFailed(logger, bug);
            record.StartOver();
        }
    }
}
