using System.Globalization;

namespace Scheduler.SimulatedCluster.Json;

/// <summary>Durations as Go and Kubernetes spell them: "30s", "4h", "1h30m", "250ms", also "2d".</summary>
internal static class GoDuration
{
    public static bool TryParse(string? text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        if (string.IsNullOrEmpty(text) || text.Length > 64)
            return false;
        var position = 0;
        var seconds = 0d;
        while (position < text.Length)
        {
            var start = position;
            while (position < text.Length && (char.IsAsciiDigit(text[position]) || text[position] == '.'))
                position++;
            if (!double.TryParse(text.AsSpan(start, position - start), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
                return false;
            var unitStart = position;
            while (position < text.Length && char.IsAsciiLetter(text[position]))
                position++;
            var unit = SecondsPerUnit(text[unitStart..position]);
            if (unit is null)
                return false;
            seconds += number * unit.Value;
        }

        if (seconds >= TimeSpan.MaxValue.TotalSeconds)
            return false;
        duration = TimeSpan.FromSeconds(seconds);
        return true;
    }

    private static double? SecondsPerUnit(string unit) => unit switch
    {
        "us" => 0.000001,
        "ms" => 0.001,
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => null,
    };
}
