using Scheduler.Core.Model;

namespace Scheduler.Core.Forecast;

/// <summary>
/// Holds forecasts against what came, tenant by tenant, and corrects further ones by it: each quantile is scaled by the ratio that
/// would have made it right in the past. Not for use by several threads at once.
/// </summary>
/// <remarks>
/// Conformalised quantile regression (Romano, Patterson and Candès, NeurIPS 2019), on ratios and with the correction for few
/// observations. Forecasts that were made at one moment err together, so that moments are what is counted: each weighs the same,
/// however many workloads came at once. The last <see cref="Moments"/> of a tenant count.
/// </remarks>
public sealed class ForecastCalibration
{
    /// <summary>Moments of a tenant that are remembered.</summary>
    public const int Moments = 64;

    /// <summary>With fewer moments nothing is corrected.</summary>
    public const int LeastMoments = 8;

    /// <summary>Seconds that are added on both sides of a ratio, so that it means something for short waits.</summary>
    private const long Offset = 30;

    private const long Unit = 1_000_000;

    /// <summary>Workloads that count of each moment, the first to start.</summary>
    private const int MaxOfMoment = 1000;

    private readonly Dictionary<TenantId, List<Moment>> _tenants = [];
    private readonly Dictionary<TenantId, (long, long, long)> _factors = [];

    /// <summary>A workload started for which there was a forecast.</summary>
    /// <param name="tenant">Whose.</param>
    /// <param name="madeAt">When the forecast was made.</param>
    /// <param name="forecast">As it was before it was corrected. One with an unknown quantile teaches nothing.</param>
    /// <param name="startedAt">When it started.</param>
    public void Learn(TenantId tenant, DateTimeOffset madeAt, in StartForecast forecast, DateTimeOffset startedAt)
    {
        if (forecast is not { P10: { } p10, P50: { } p50, P90: { } p90 })
        {
            return;
        }

        if (!_tenants.TryGetValue(tenant, out var moments))
        {
            _tenants.Add(tenant, moments = []);
        }

        var index = moments.FindIndex(known => known.MadeAt == madeAt);
        if (index < 0)
        {
            index = moments.Count;
            moments.Add(new Moment(madeAt));
        }

        var moment = moments[index];
        if (moment.Low.Count < MaxOfMoment)
        {
            moment.Low.Add(Ratio(madeAt, p10, startedAt));
            moment.Middle.Add(Ratio(madeAt, p50, startedAt));
            moment.High.Add(Ratio(madeAt, p90, startedAt));
        }

        if (moments.Count > Moments)
        {
            moments.RemoveAt(0);
        }

        _factors.Remove(tenant);
    }

    /// <summary>A forecast as it is to be told.</summary>
    /// <param name="tenant">Whose.</param>
    /// <param name="madeAt">When it was made.</param>
    /// <param name="forecast">As the forward runs gave it.</param>
    public StartForecast Correct(TenantId tenant, DateTimeOffset madeAt, in StartForecast forecast)
    {
        if (!_tenants.TryGetValue(tenant, out var moments) || moments.Count < LeastMoments)
        {
            return forecast;
        }

        if (!_factors.TryGetValue(tenant, out var factors))
        {
            // Of n moments the quantile of n + 1 is taken outwards: the next is one more.
            var outer = Math.Min(1000, 900L * (moments.Count + 1) / moments.Count);
            factors = (
                Quantile(moments, moment => moment.Low, 1000 - outer),
                Quantile(moments, moment => moment.Middle, 500),
                Quantile(moments, moment => moment.High, outer));
            _factors.Add(tenant, factors);
        }

        var (low, middle, high) = factors;
        var p50 = Scale(madeAt, forecast.P50, middle);
        var p10 = Scale(madeAt, forecast.P10, low);
        var p90 = Scale(madeAt, forecast.P90, high);
        return new StartForecast(p10 < p50 ? p10 : p50 ?? p10, p50, p90 is { } last && p50 > last ? p50 : p90);
    }

    private static long Seconds(TimeSpan span) => Math.Max(0, span.Ticks / TimeSpan.TicksPerSecond);

    private static long Ratio(DateTimeOffset madeAt, DateTimeOffset expected, DateTimeOffset actual) =>
        (Seconds(actual - madeAt) + Offset) * Unit / (Seconds(expected - madeAt) + Offset);

    private static DateTimeOffset? Scale(DateTimeOffset madeAt, DateTimeOffset? expected, long factor)
    {
        if (expected is not { } moment)
        {
            return null;
        }

        var seconds = ((Int128)(Seconds(moment - madeAt) + Offset) * factor / Unit) - Offset;
        return madeAt.AddSeconds((long)Int128.Clamp(seconds, 0, 100L * 366 * 24 * 3600));
    }

    /// <summary>The value that so many thousandths of the weight do not exceed.</summary>
    private static long Quantile(List<Moment> moments, Func<Moment, List<long>> ratios, long permille)
    {
        var weighted = new List<(long Ratio, long Weight)>();
        foreach (var moment in moments)
        {
            var values = ratios(moment);
            foreach (var value in values)
            {
                weighted.Add((value, Unit / values.Count));
            }
        }

        weighted.Sort();
        var total = weighted.Sum(item => item.Weight);
        var passed = 0L;
        foreach (var (ratio, weight) in weighted)
        {
            passed += weight;
            if (passed * 1000 >= total * permille)
            {
                return ratio;
            }
        }

        return weighted[^1].Ratio;
    }

    /// <summary>Forecasts of one moment, as ratios of what came to what was expected, in millionths.</summary>
    private sealed record Moment(DateTimeOffset MadeAt)
    {
        public List<long> Low { get; } = [];

        public List<long> Middle { get; } = [];

        public List<long> High { get; } = [];
    }
}
