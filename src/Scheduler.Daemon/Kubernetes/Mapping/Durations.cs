using System.Buffers;
using System.Globalization;

namespace Scheduler.Daemon.Kubernetes.Mapping;

/// <summary>Durations as Go writes them (<c>1h30m</c>, <c>90s</c>, <c>1.5h</c>), and days (<c>2d</c>) besides.</summary>
internal static class Durations
{
    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789.");

    /// <summary>Ten years: beyond it the value is a mistake.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(3650);

    /// <summary>Parses a duration from zero to ten years. Fractions are exact to 100 ns.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan duration)
    {
        duration = default;
        if (text is "0")
            return true;
        if (text.IsEmpty)
            return false;
        var total = 0m;
        while (!text.IsEmpty)
        {
            var digits = text.IndexOfAnyExcept(NumberCharacters);
            if (digits <= 0 || digits > 18 || !decimal.TryParse(text[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
                return false;
            text = text[digits..];
            var letters = text.IndexOfAny(NumberCharacters);
            var unit = letters < 0 ? text : text[..letters];
            if (TicksOf(unit) is not { } ticks)
                return false;
            total += number * ticks;
            if (total > Longest.Ticks)
                return false;
            text = letters < 0 ? default : text[letters..];
        }

        duration = TimeSpan.FromTicks((long)total);
        return true;
    }

    /// <summary>The shortest text that <see cref="TryParse"/> reads back: <c>1h30m</c>, <c>45s</c>, <c>2d</c>.</summary>
    public static string Format(TimeSpan duration)
    {
        if (duration < TimeSpan.FromSeconds(1))
            return duration == TimeSpan.Zero ? "0s" : string.Create(CultureInfo.InvariantCulture, $"{duration.TotalMilliseconds:0.###}ms");
        var text = "";
        if (duration.Days > 0)
            text += string.Create(CultureInfo.InvariantCulture, $"{duration.Days}d");
        if (duration.Hours > 0)
            text += string.Create(CultureInfo.InvariantCulture, $"{duration.Hours}h");
        if (duration.Minutes > 0)
            text += string.Create(CultureInfo.InvariantCulture, $"{duration.Minutes}m");
        var seconds = duration.Seconds + (duration.Milliseconds / 1000m);
        return seconds > 0 ? text + string.Create(CultureInfo.InvariantCulture, $"{seconds:0.###}s") : text;
    }

    private static decimal? TicksOf(ReadOnlySpan<char> unit) => unit switch
    {
        "ns" => 0.01m,
        "us" or "µs" or "μs" => 10m,
        "ms" => TimeSpan.TicksPerMillisecond,
        "s" => TimeSpan.TicksPerSecond,
        "m" => TimeSpan.TicksPerMinute,
        "h" => TimeSpan.TicksPerHour,
        "d" => TimeSpan.TicksPerDay,
        _ => null,
    };
}
