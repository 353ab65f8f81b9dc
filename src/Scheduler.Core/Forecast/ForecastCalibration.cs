using Scheduler.Core.Model;

namespace Scheduler.Core.Forecast;

/// <summary>
/// Holds forecasts against what came, tenant by tenant, and corrects further ones by it: each quantile is scaled by the ratio that
/// would have made it right in the past. A tenant with too short a record of its own is judged by that of all. Not for use by
/// several threads at once.
/// </summary>
/// <remarks>
/// Conformalised quantile regression (Romano, Patterson and Candès, NeurIPS 2019), on ratios and with the correction for few
/// observations. Forecasts that were made at one moment err together, so that moments are what is counted: each weighs the same,
/// however many workloads came at once. The last <see cref="Moments"/> of a record count.
/// </remarks>
public sealed class ForecastCalibration
{
    /// <summary>Moments that a record keeps.</summary>
    public const int Moments = 64;

    /// <summary>A record of fewer moments is not believed.</summary>
    public const int LeastMoments = 8;

    /// <summary>Seconds that are added on both sides of a ratio, so that it means something for short waits.</summary>
    private const long Offset = 30;

    private const long Unit = 1_000_000;

    /// <summary>Workloads that count of each moment, the first to start.</summary>
    private const int MaxOfMoment = 1000;

    private readonly Dictionary<TenantId, Record> _tenants = [];
    private readonly Record _all = new();

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

        if (!_tenants.TryGetValue(tenant, out var record))
        {
            _tenants.Add(tenant, record = new Record());
        }

        var ratios = (Ratio(madeAt, p10, startedAt), Ratio(madeAt, p50, startedAt), Ratio(madeAt, p90, startedAt));
        record.Add(tenant, madeAt, ratios);
        _all.Add(tenant, madeAt, ratios);
    }

    /// <summary>A forecast as it is to be told.</summary>
    /// <param name="tenant">Whose.</param>
    /// <param name="madeAt">When it was made.</param>
    /// <param name="forecast">As the forward runs gave it.</param>
    public StartForecast Correct(TenantId tenant, DateTimeOffset madeAt, in StartForecast forecast)
    {
        var record = _tenants.TryGetValue(tenant, out var own) && own.Count >= LeastMoments ? own : _all;
        if (record.Count < LeastMoments)
        {
            return forecast;
        }

        var (low, middle, high) = record.Factors;
        var p10 = Scale(madeAt, forecast.P10, low);
        var p50 = Scale(madeAt, forecast.P50, middle);
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

    /// <summary>Moments, each with how what came compares with what was expected, in millionths.</summary>
    private sealed class Record
    {
        private readonly List<(TenantId Tenant, DateTimeOffset MadeAt, List<(long Low, long Middle, long High)> Ratios)> _moments = [];
        private (long, long, long)? _factors;

        /// <summary>Moments.</summary>
        public int Count => _moments.Count;

        /// <summary>What the quantiles are to be multiplied by, in millionths.</summary>
        public (long Low, long Middle, long High) Factors
        {
            get
            {
                // The quantile of n moments that holds for one more is a little further out.
                var outer = Math.Min(1000, 900L * (Count + 1) / Count);
                return _factors ??= (
                    Quantile(ratios => ratios.Low, 1000 - outer), Quantile(ratios => ratios.Middle, 500), Quantile(ratios => ratios.High, outer));
            }
        }

        public void Add(TenantId tenant, DateTimeOffset madeAt, (long, long, long) ratios)
        {
            var index = _moments.FindIndex(moment => moment.Tenant == tenant && moment.MadeAt == madeAt);
            if (index < 0)
            {
                index = _moments.Count;
                _moments.Add((tenant, madeAt, []));
            }

            if (_moments[index].Ratios.Count < MaxOfMoment)
            {
                _moments[index].Ratios.Add(ratios);
            }

            if (_moments.Count > Moments)
            {
                _moments.RemoveAt(0);
            }

            _factors = null;
        }

        /// <summary>The ratio that so many thousandths of the weight do not exceed.</summary>
        private long Quantile(Func<(long Low, long Middle, long High), long> part, long permille)
        {
            var weighted = new List<(long Ratio, long Weight)>();
            foreach (var (_, _, ratios) in _moments)
            {
                foreach (var ratio in ratios)
                {
                    weighted.Add((part(ratio), Unit / ratios.Count));
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
    }
}
