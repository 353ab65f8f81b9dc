using System.Collections.Immutable;
using Scheduler.Core.Forecast;
using Scheduler.Core.Model;

namespace Scheduler.Daemon.Forecasts;

/// <summary>Forecasts as callers are told them.</summary>
/// <param name="MadeAt">The cycle that they were made from.</param>
/// <param name="Samples">Futures that were drawn.</param>
/// <param name="Starts">When waiting workloads are expected to start; what is held back has none.</param>
internal sealed record ToldForecasts(DateTimeOffset MadeAt, int Samples, ImmutableDictionary<WorkloadId, StartForecast> Starts)
{
    /// <summary>Before the first refresh.</summary>
    public static readonly ToldForecasts None = new(DateTimeOffset.UnixEpoch, 0, ImmutableDictionary<WorkloadId, StartForecast>.Empty);
}

/// <summary>The newest forecasts. Safe for concurrent use.</summary>
internal sealed class ForecastBook
{
    private ToldForecasts _current = ToldForecasts.None;

    /// <summary>The newest.</summary>
    public ToldForecasts Current
    {
        get => Volatile.Read(ref _current);
        set => Volatile.Write(ref _current, value);
    }
}
