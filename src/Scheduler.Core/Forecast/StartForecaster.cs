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
    private Session? _session;

    /// <param name="policy">The planner's.</param>
    /// <param name="settings">How thorough.</param>
    public StartForecaster(SchedulingPolicy policy, ForecastSettings settings)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(settings);
        (_policy, _settings) = (policy, settings);
    }

    /// <summary>Forecasts the starts of all that wait.</summary>
    /// <param name="snapshot">The cluster, before the cycle that plans it.</param>
    /// <param name="history">How long workloads ran.</param>
    /// <param name="isDue">Asked between two samples, after the first few: whether what there is must do.</param>
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
        var run = new ForwardRun(model, _settings.Horizon.Ticks / TimeSpan.TicksPerSecond);
        var samples = 0;
        while (samples < _settings.Samples && (samples < ForecastSettings.LeastSamples || isDue?.Invoke() is not true))
        {
            starts[samples] = new long[model.Waiting.Count];
            run.Run(samples, starts[samples]);
            samples++;
        }

        _session = session;
        return new StartForecasts
        {
            MadeAt = snapshot.Now,
            Samples = samples,
            NotForecast = model.Held,
            Forecasts = Summarise(model, starts.AsSpan(0, samples), snapshot.Now),
        };
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
