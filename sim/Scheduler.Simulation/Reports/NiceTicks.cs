using System.Collections.Immutable;

namespace Scheduler.Simulation.Reports;

/// <summary>Where an axis has its marks: at round numbers, and not more of them than there is room for.</summary>
internal static class NiceTicks
{
    private const int Minute = 60;
    private const int Hour = 60 * Minute;
    private const int Day = 24 * Hour;

    private static readonly int[] TimeSteps =
    [
        1, 2, 5, 10, 15, 30, Minute, 2 * Minute, 5 * Minute, 10 * Minute, 15 * Minute, 30 * Minute,
        Hour, 2 * Hour, 3 * Hour, 6 * Hour, 12 * Hour, Day, 2 * Day, 7 * Day, 14 * Day, 28 * Day, 56 * Day, 112 * Day, 224 * Day, 448 * Day, 896 * Day,
    ];

    private static readonly int[] LogarithmicMarks = [1, 10, Minute, 10 * Minute, Hour, 10 * Hour, 4 * Day, 40 * Day, 400 * Day, 4000 * Day];

    /// <summary>Marks from 0 to at least <paramref name="most"/>, by steps of 1, 2 or 5 and zeros.</summary>
    /// <param name="most">The largest value; not negative.</param>
    /// <param name="intervals">The most stretches between marks, at least 2.</param>
    /// <param name="isWhole">Whether halves mean nothing.</param>
    public static ImmutableArray<decimal> Linear(decimal most, int intervals, bool isWhole = false)
    {
        var step = isWhole ? 1m : 0.001m;
        for (var factor = 0; step * intervals < most; factor = (factor + 1) % 3)
        {
            step *= factor == 1 ? 2.5m : 2m;
        }

        var count = most <= 0 ? 1 : (int)Math.Ceiling(most / step);
        return [.. Enumerable.Range(0, count + 1).Select(index => index * step)];
    }

    /// <summary>Marks between two times in seconds, at whole seconds, minutes, hours or days.</summary>
    public static ImmutableArray<decimal> Time(decimal from, decimal to, int intervals)
    {
        var step = TimeSteps.FirstOrDefault(step => step * (decimal)intervals >= to - from, TimeSteps[^1]);
        var marks = ImmutableArray.CreateBuilder<decimal>();
        for (var at = Math.Ceiling(from / step) * step; at <= to; at += step)
        {
            marks.Add(at);
        }

        return marks.ToImmutable();
    }

    /// <summary>Marks of a logarithmic axis of times, from 1 s to at least <paramref name="most"/> seconds; two or more.</summary>
    public static ImmutableArray<decimal> LogarithmicTime(decimal most)
    {
        var needed = Array.FindIndex(LogarithmicMarks, mark => mark >= most);
        return [.. LogarithmicMarks.Take(needed < 0 ? LogarithmicMarks.Length : Math.Max(2, needed + 1)).Select(mark => (decimal)mark)];
    }
}
