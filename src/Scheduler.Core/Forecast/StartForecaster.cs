using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Forecast;

/// <summary>
/// Forecasts when waiting workloads start: lets the cluster run forward a number of times, with durations drawn anew each time
/// from what was declared and learned, and tells the quantiles of the starts.
/// </summary>
/// <remarks>
/// Deterministic: the same snapshots, policy and history give the same forecast, and a workload draws the same luck in every
/// refresh. Not for use by several threads at once.
/// </remarks>
public sealed class StartForecaster
{
    private readonly SchedulingPolicy _policy;
    private readonly ForecastSettings _settings;
    private readonly Action<int, Action<int>> _runAtOnce;
    private Session? _session;

    /// <param name="policy">The planner's.</param>
    /// <param name="settings">How thorough.</param>
    /// <param name="runAtOnce">
    /// Calls a body with 0 to n - 1, in any order and, if it likes, on several threads; null: one after the other. The result is the
    /// same, but for how many futures there is time for.
    /// </param>
    public StartForecaster(SchedulingPolicy policy, ForecastSettings settings, Action<int, Action<int>>? runAtOnce = null)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(settings);
        (_policy, _settings, _runAtOnce) = (policy, settings, runAtOnce ?? OneByOne);
    }

    /// <summary>Forecasts the starts of all that wait.</summary>
    /// <param name="snapshot">The cluster, before the cycle that plans it.</param>
    /// <param name="history">How long workloads ran.</param>
    /// <param name="isDue">Asked between two samples, after the first few: whether what there is must do. By several threads at once if futures
    /// run so.</param>
    public StartForecasts Compute(ClusterSnapshot snapshot, DurationHistory history, Func<bool>? isDue = null)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(history);
        var session = _session;
        _session = null;
        if (session is not null && session.CanAdvance(snapshot))
        {
            session.Advance(snapshot);
        }
        else
        {
            session = new Session(snapshot, _policy);
        }

        var model = new ForwardModel(session, history);
        var starts = new long[_settings.Samples][];
        var workers = Math.Clamp(_settings.Workers, 1, _settings.Samples);
        _runAtOnce(workers, worker =>
        {
            var run = new ForwardRun(model, _settings.Horizon.Ticks / TimeSpan.TicksPerSecond);
            for (var sample = worker; sample < starts.Length && (sample < ForecastSettings.LeastSamples || isDue?.Invoke() is not true); sample += workers)
            {
                var future = new long[model.Waiting.Count];
                run.Run(sample, future);
                starts[sample] = future;
            }
        });
        long[][] drawn = [.. starts.Where(future => future is not null)];
        _session = session;
        return new StartForecasts
        {
            MadeAt = snapshot.Now,
            Samples = drawn.Length,
            NotForecast = model.Held,
            Forecasts = Summarise(model, drawn, snapshot.Now),
        };
    }

    private static void OneByOne(int count, Action<int> body)
    {
        for (var number = 0; number < count; number++)
        {
            body(number);
        }
    }

    private static ImmutableDictionary<WorkloadId, StartForecast> Summarise(ForwardModel model, ReadOnlySpan<long[]> starts, DateTimeOffset now)
    {
        var forecasts = ImmutableDictionary.CreateBuilder<WorkloadId, StartForecast>();
        var sorted = new long[starts.Length];
        for (var index = 0; index < model.Waiting.Count; index++)
        {
            for (var sample = 0; sample < sorted.Length; sample++)
            {
                sorted[sample] = starts[sample][index];
            }

            Array.Sort(sorted);
            forecasts.Add(model.Waiting[index].Id, new StartForecast(At(10), At(50), At(90)));
        }

        return forecasts.ToImmutable();

        DateTimeOffset? At(int percent)
        {
            var seconds = sorted[((sorted.Length - 1) * percent + 50) / 100];
            return seconds == ForwardRun.Never ? null : now.AddSeconds(seconds);
        }
    }
}
