using System.Buffers;
using System.Globalization;

namespace Scheduler.Input;

/// <summary>Durations as people write them, the same as in the annotations of a pod: <c>30s</c>, <c>1h30m</c>, <c>2d</c>, <c>500ms</c>.</summary>
internal static class DurationText
{
    /// <summary>What to write instead of something unreadable.</summary>
    public const string Expected = "a duration such as 500ms, 30s, 1h30m or 2d";

    private static readonly TimeSpan Longest = TimeSpan.FromDays(3650);
    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789.");

    /// <summary>Reads a duration of zero to ten years.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        if (text is "0")
        {
            return true;
        }

        var ticks = 0m;
        var isEmpty = text.IsEmpty;
        while (!text.IsEmpty)
        {
            var digits = text.IndexOfAnyExcept(NumberCharacters);
            if (digits is < 1 or > 18
                || !decimal.TryParse(text[..digits], NumberStyles.AllowDecimalPoint, NumberFormatInfo.InvariantInfo, out var number))
            {
                return false;
            }

            text = text[digits..];
            var letters = text.IndexOfAny(NumberCharacters);
            if (TicksOf(letters < 0 ? text : text[..letters]) is not { } each)
            {
                return false;
            }

            ticks += number * each;
            if (ticks > Longest.Ticks)
            {
                return false;
            }

            text = letters < 0 ? default : text[letters..];
        }

        duration = TimeSpan.FromTicks((long)ticks);
        return !isEmpty;
    }

    /// <summary>Seconds with up to three digits, which every reader of durations understands: <c>90s</c>, <c>0.125s</c>.</summary>
    public static string Seconds(TimeSpan duration) =>
        (duration.Ticks / (decimal)TimeSpan.TicksPerSecond).ToString("0.###", NumberFormatInfo.InvariantInfo) + "s";

    /// <summary>A waiting time in at most two units, as in <c>3m20s</c>.</summary>
    public static string Short(TimeSpan duration)
    {
        if (duration < TimeSpan.FromSeconds(1))
        {
            return duration < TimeSpan.Zero ? "0s" : string.Create(NumberFormatInfo.InvariantInfo, $"{duration.TotalSeconds:0.0}s");
        }

        return duration switch
        {
            { TotalMinutes: < 1 } => $"{duration.Seconds}s",
            { TotalHours: < 1 } => $"{duration.Minutes}m{duration.Seconds}s",
            { TotalDays: < 1 } => $"{duration.Hours}h{duration.Minutes}m",
            _ => $"{duration.Days}d{duration.Hours}h",
        };
    }

    private static decimal? TicksOf(ReadOnlySpan<char> unit) => unit switch
    {
        "ms" => TimeSpan.TicksPerMillisecond,
        "s" => TimeSpan.TicksPerSecond,
        "m" => TimeSpan.TicksPerMinute,
        "h" => TimeSpan.TicksPerHour,
        "d" => TimeSpan.TicksPerDay,
        _ => null,
    };
}
