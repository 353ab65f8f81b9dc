using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Input;

namespace Scheduler.Simulation.CapacityPlanning;

/// <summary>An axis: where values lie on it, from 0 to 1, and where it has ticks.</summary>
internal sealed class PlotAxis
{
    /// <summary>Past this ratio between figures the small ones would vanish on a linear axis.</summary>
    private const double MostLinearRatio = 40;
    private const int MostTicks = 7;

    private static readonly double[] NiceSeconds =
        [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 432000, 864000];

    private static readonly double[] NiceDigits = [1, 2, 5, 10];

    private readonly double _from;
    private readonly double _to;
    private readonly bool _isTime;

    private PlotAxis(double from, double to, bool isTime, bool isLogarithmic, ImmutableArray<double> ticks) =>
        (_from, _to, _isTime, IsLogarithmic, Ticks) = (from, to, isTime, isLogarithmic, ticks);

    /// <summary>Whether equal steps are equal factors.</summary>
    public bool IsLogarithmic { get; }

    /// <summary>Where there are ticks.</summary>
    public ImmutableArray<double> Ticks { get; }

    /// <summary>An axis from 0 that holds all values; logarithmic where their means lie far apart.</summary>
    public static PlotAxis Of(bool isTime, IEnumerable<double> means, IEnumerable<double> highest)
    {
        var positive = means.Where(mean => mean > 0).ToArray();
        var most = highest.Max() is > 0 and var high ? high * 1.05 : 1;
        if (positive.Length > 0 && positive.Max() / positive.Min() > MostLinearRatio)
        {
            var least = Math.Max(positive.Min() / 2, most / 1e6);
            return new PlotAxis(least, most, isTime, true, LogarithmicTicks(least, most, isTime));
        }

        return new PlotAxis(0, most, isTime, false, LinearTicks(0, most, Step(most, isTime)));
    }

    /// <summary>An axis from the least to the greatest value.</summary>
    public static PlotAxis OfRange(IEnumerable<double> values)
    {
        var all = values.Distinct().Order().ToArray();
        if (all.Length < 2)
        {
            var only = all.Length == 0 ? 0 : all[0];
            return new PlotAxis(only - 1, only + 1, false, false, [only]);
        }

        // Few values are their own ticks, unless they are so near to each other that the labels would collide.
        var nearest = all.Zip(all.Skip(1)).Min(pair => pair.Second - pair.First);
        ImmutableArray<double> ticks = nearest * 16 >= all[^1] - all[0] ? [.. all] : LinearTicks(all[0], all[^1], Step(all[^1] - all[0], isTime: false));
        return new PlotAxis(all[0], all[^1], false, false, ticks);
    }

    /// <summary>The place of a value, from 0 to 1; what is beyond the axis lies on its end.</summary>
    public double Place(double value) => Math.Clamp(
        IsLogarithmic ? Math.Log(Math.Max(value, _from) / _from) / Math.Log(_to / _from) : (value - _from) / (_to - _from), 0, 1);

    /// <summary>What stands at a tick.</summary>
    public string Label(double tick) => _isTime ? Time(tick) : tick.ToString("0.###", CultureInfo.InvariantCulture);

    private static string Time(double seconds) => seconds switch
    {
        0 => "0",
        < 60 => seconds.ToString("0.###", CultureInfo.InvariantCulture) + "s",
        < 3600 when seconds % 60 == 0 => (seconds / 60).ToString("0", CultureInfo.InvariantCulture) + "m",
        < 86400 when seconds % 3600 == 0 => (seconds / 3600).ToString("0", CultureInfo.InvariantCulture) + "h",
        _ when seconds % 86400 == 0 => (seconds / 86400).ToString("0", CultureInfo.InvariantCulture) + "d",
        _ => DurationText.Short(TimeSpan.FromSeconds(seconds)),
    };

    private static double Step(double length, bool isTime)
    {
        if (isTime && length > NiceSeconds[0] && NiceSeconds.FirstOrDefault(step => length / step <= MostTicks) is > 0 and var nice)
        {
            return nice;
        }

        var power = Math.Pow(10, Math.Floor(Math.Log10(length / MostTicks)));
        return NiceDigits.Select(digit => digit * power).First(step => length / step <= MostTicks);
    }

    private static ImmutableArray<double> LinearTicks(double from, double to, double step)
    {
        var first = Math.Ceiling((from / step) - 1e-9);
        return [.. Enumerable.Range(0, MostTicks + 2).Select(index => (first + index) * step).TakeWhile(tick => tick <= to * (1 + 1e-9))];
    }

    private static ImmutableArray<double> LogarithmicTicks(double from, double to, bool isTime)
    {
        var decades = Enumerable.Range(-6, 20).Select(power => Math.Pow(10, power));
        var all = (isTime ? decades.Where(tick => tick < 1).Concat([1, 10, 60, 600, 3600, 21600, 86400, 864000, 8640000]) : decades)
            .Where(tick => tick >= from && tick <= to).ToArray();
        return all.Length > 0 ? [.. all] : [from, to];
    }
}
