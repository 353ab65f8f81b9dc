namespace Scheduler.Core.Forecast;

/// <summary>How thorough forecasts are.</summary>
public sealed record ForecastSettings
{
    /// <summary>Samples below which no forecast is told, whatever the time.</summary>
    public const int LeastSamples = 8;

    /// <summary>The default.</summary>
    public static readonly ForecastSettings Default = new();

    /// <summary>Futures that are drawn, 8 to 1000.</summary>
    public int Samples { get; init; } = 32;

    /// <summary>Futures that may run at once, 1 to <see cref="Samples"/>; of use to a host that has threads for them.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>How far is looked; what starts later is told as unknown.</summary>
    public TimeSpan Horizon { get; init; } = TimeSpan.FromDays(60);
}
