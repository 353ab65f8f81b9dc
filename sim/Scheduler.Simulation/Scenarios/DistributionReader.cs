using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Input;
using Scheduler.Simulation.Randomness;

namespace Scheduler.Simulation.Scenarios;

/// <summary>
/// Reads how a time is distributed: <c>1h</c> for always the same, or fields such as
/// <c>{distribution: lognormal, median: 1h, sigma: 1.5}</c>.
/// </summary>
internal static class DistributionReader
{
    private static readonly string[] Names = ["fixed", "uniform", "exponential", "lognormal", "weibull", "empirical"];

    /// <summary>The field's distribution in seconds; null if it is absent or wrong.</summary>
    public static Distribution? Read(YamlMap owner, string name, bool isRequired = false)
    {
        if (!owner.Has(name))
        {
            if (isRequired)
            {
                owner.Missing(name, "a time such as 1h, or a distribution such as {distribution: exponential, mean: 1h}");
            }

            return null;
        }

        if (!owner.IsMap(name))
        {
            return owner.Duration(name, isZeroAllowed: false) is { } time ? new Distribution.Fixed(time.TotalSeconds) : null;
        }

        var map = owner.Map(name)!;
        var kind = map.Has("distribution") ? map.Choice("distribution", Names) : "fixed";
        var distribution = kind switch
        {
            "fixed" => Time(map, "value") is { } value ? new Distribution.Fixed(value) : null,
            "uniform" => ReadUniform(map),
            "exponential" => Time(map, "mean") is { } mean ? new Distribution.Exponential(mean) : null,
            "lognormal" => (Time(map, "median"), Number(map, "sigma")) is ({ } median, { } sigma) ? new Distribution.Lognormal(median, sigma) : null,
            "weibull" => (Time(map, "scale"), Number(map, "shape")) is ({ } scale, { } shape) ? new Distribution.Weibull(scale, shape) : null,
            "empirical" => ReadEmpirical(map),
            _ => default(Distribution),
        };
        if (kind is not null)
        {
            map.RefuseUnknown();
        }

        return distribution;
    }

    private static Distribution.Uniform? ReadUniform(YamlMap map)
    {
        if ((Time(map, "from"), Time(map, "to")) is not ({ } from, { } to))
        {
            return null;
        }

        if (from > to)
        {
            map.Error("to", "is less than from");
        }

        return new Distribution.Uniform(from, to);
    }

    private static Distribution.Empirical? ReadEmpirical(YamlMap map)
    {
        if (!map.Has("quantiles"))
        {
            map.Missing("quantiles", "a list such as [{part: 0, value: 1m}, {part: 0.5, value: 1h}, {part: 1, value: 2d}]");
        }

        var points = ImmutableArray.CreateBuilder<QuantilePoint>();
        foreach (var point in map.Maps("quantiles"))
        {
            var part = point.Decimal("part", "from 0 to 1, the part of all that is below the value", value => value is >= 0 and <= 1);
            var time = Time(point, "value");
            point.RefuseUnknown();
            if (part is null || time is null)
            {
                continue;
            }

            var next = new QuantilePoint((double)part, time.Value);
            if (points.Count > 0 && (next.Part <= points[^1].Part || next.Value < points[^1].Value))
            {
                point.Error("part", "parts must ascend, and values must not descend");
            }

            points.Add(next);
        }

        return points.Count == 0 ? null : new Distribution.Empirical(points.ToImmutable());
    }

    private static double? Time(YamlMap map, string name)
    {
        if (map.Duration(name, isZeroAllowed: false) is { } time)
        {
            return time.TotalSeconds;
        }

        if (!map.Has(name))
        {
            map.Missing(name, "a time such as 90s, 1h or 2d");
        }

        return null;
    }

    private static double? Number(YamlMap map, string name)
    {
        if (map.Decimal(name, "a number above 0, at most 100", value => value is > 0 and <= 100) is { } number)
        {
            return (double)number;
        }

        if (!map.Has(name))
        {
            map.Missing(name, string.Create(CultureInfo.InvariantCulture, $"a number above 0 such as {1.5}"));
        }

        return null;
    }
}
