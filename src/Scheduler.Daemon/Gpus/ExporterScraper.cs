using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Scheduler.Daemon.Loop;
using Scheduler.Daemon.Telemetry;
using Scheduler.Telemetry.Devices;
using Scheduler.Telemetry.Exposition;

namespace Scheduler.Daemon.Gpus;

/// <summary>How exporters are read; the ranges are on TelemetryOptions.</summary>
internal sealed record ScraperSettings
{
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(15);
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);
    public int Concurrency { get; init; } = 32;
    public long MaxBodyBytes { get; init; } = 16 << 20;
}

/// <summary>
/// Reads every exporter again and again, each in its own rhythm: the first time at a random moment of the interval, then with up to
/// a tenth more or less between, so that a thousand of them are not read in one moment. At most so many are read at once. What fails
/// is counted, told once until it works again, and read again at the next turn.
/// </summary>
internal sealed class ExporterScraper(
    ExporterBook exporters, Action<ExporterTarget, NodeReading> take, HttpClient http, ScraperSettings settings, SchedulerMetrics metrics,
    Func<double> jitter, TimeProvider time, ILogger logger)
{
    // A change that was not told, or a slot that was missed, is found out at the latest after this.
    private static readonly TimeSpan LookEvery = TimeSpan.FromMinutes(1);

    private readonly WakeSignal _wake = new();

    public async Task RunAsync(CancellationToken stop)
    {
        using var slots = new SemaphoreSlim(settings.Concurrency);
        var running = new Dictionary<ExporterTarget, (CancellationTokenSource End, Task Task)>();
        exporters.Changed += _wake.Set;
        try
        {
            while (true)
            {
                var targets = exporters.Targets.ToImmutableHashSet();
                foreach (var (gone, (end, task)) in running.Where(entry => !targets.Contains(entry.Key)).ToList())
                {
                    await end.CancelAsync().ConfigureAwait(false);
                    await task.ConfigureAwait(false);
                    end.Dispose();
                    running.Remove(gone);
                }

                foreach (var target in targets.Where(target => !running.ContainsKey(target)))
                {
                    var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
                    running.Add(target, (end, ReadAgainAndAgainAsync(target, slots, end.Token)));
                }

                metrics.SetExporters(targets.Count);
                await _wake.WaitAsync(LookEvery, time, stop).ConfigureAwait(false);

                // A reader never ends by itself; one that did has met a bug, which must not stay unseen.
                foreach (var (_, task) in running.Values)
                {
                    if (task.IsFaulted)
                        await task.ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
        finally
        {
            exporters.Changed -= _wake.Set;
            foreach (var (end, task) in running.Values)
            {
                await end.CancelAsync().ConfigureAwait(false);
                await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                end.Dispose();
            }
        }
    }

    private async Task ReadAgainAndAgainAsync(ExporterTarget target, SemaphoreSlim slots, CancellationToken end)
    {
        var isFailing = false;
        var wait = settings.Interval * jitter();
        try
        {
            while (true)
            {
                await Task.Delay(wait, time, end).ConfigureAwait(false);
                await slots.WaitAsync(end).ConfigureAwait(false);
                try
                {
                    isFailing = await ReadAsync(target, isFailing, end).ConfigureAwait(false);
                }
                finally
                {
                    slots.Release();
                }

                wait = settings.Interval * (0.9 + (0.2 * jitter()));
            }
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
        }
    }

    /// <returns>Whether it failed.</returns>
    private async Task<bool> ReadAsync(ExporterTarget target, bool wasFailing, CancellationToken end)
    {
        var started = time.GetTimestamp();
        using var deadline = new CancellationTokenSource(settings.Timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(end, deadline.Token);
        try
        {
            using var response = await http.GetAsync(target.Address, HttpCompletionOption.ResponseHeadersRead, both.Token).ConfigureAwait(false);
            response.EnsureSuccessStatusCode();
            var body = await response.Content.ReadAsStreamAsync(both.Token).ConfigureAwait(false);
            await using (body.ConfigureAwait(false))
            {
                var reading = await GpuReader.ReadAsync(
                    body, ExpositionLimits.Default with { MaxBodyBytes = settings.MaxBodyBytes }, ReadingLimits.Default, both.Token).ConfigureAwait(false);
                Tell(target, reading, wasFailing);
                take(target, reading);
                metrics.Scraped("ok", time.GetElapsedTime(started));
                return false;
            }
        }
        catch (OperationCanceledException) when (!end.IsCancellationRequested)
        {
            return Failed(target, "timeout", $"no whole answer within {settings.Timeout.TotalSeconds:0.#} s", wasFailing, started);
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException)
        {
            return Failed(target, "failed", failure.Message, wasFailing, started);
        }
    }

    private void Tell(ExporterTarget target, NodeReading reading, bool wasFailing)
    {
        if (wasFailing)
            Log.ExporterHeard(logger, target.Address.ToString());
        if (reading.Body.IsCutOff || reading.SamplesBeyondLimits > 0)
        {
            metrics.ScrapeCutOff();
            Log.ExporterTooLong(logger, target.Address.ToString(), reading.Body.IsCutOff ? settings.MaxBodyBytes : reading.Body.Bytes, reading.SamplesBeyondLimits);
        }

        if (reading.Body.FirstProblem is { } problem)
            Log.ExporterMalformed(logger, target.Address.ToString(), reading.Body.MalformedLines + reading.Body.LongLines, problem);
    }

    private bool Failed(ExporterTarget target, string result, string why, bool wasFailing, long started)
    {
        metrics.Scraped(result, time.GetElapsedTime(started));
        if (!wasFailing)
            Log.ExporterFailed(logger, target.Address.ToString(), why);
        return true;
    }
}
