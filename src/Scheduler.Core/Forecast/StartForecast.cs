using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Forecast;

/// <summary>When a waiting workload is expected to start. A quantile that is null is unknown: too little is known of what it waits for.</summary>
/// <param name="P10">One in ten starts before.</param>
/// <param name="P50">Half start before.</param>
/// <param name="P90">Nine in ten start before.</param>
public readonly record struct StartForecast(DateTimeOffset? P10, DateTimeOffset? P50, DateTimeOffset? P90);

/// <summary>The forecasts of one moment.</summary>
public sealed record StartForecasts
{
    /// <summary>None yet.</summary>
    public static readonly StartForecasts None = new()
    {
        MadeAt = DateTimeOffset.MinValue,
        Samples = 0,
        NotForecast = 0,
        Forecasts = ImmutableDictionary<WorkloadId, StartForecast>.Empty,
    };

    /// <summary>The moment of the snapshot that they were made from.</summary>
    public required DateTimeOffset MadeAt { get; init; }

    /// <summary>Futures that were drawn.</summary>
    public required int Samples { get; init; }

    /// <summary>Workloads that are held back, and of which nothing is told.</summary>
    public required int NotForecast { get; init; }

    /// <summary>By workload.</summary>
    public required ImmutableDictionary<WorkloadId, StartForecast> Forecasts { get; init; }
}
