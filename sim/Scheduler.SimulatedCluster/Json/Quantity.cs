using System.Globalization;

namespace Scheduler.SimulatedCluster.Json;

/// <summary>Kubernetes quantities ("100m", "16Gi", "1e3") as decimal numbers of the base unit.</summary>
internal static class Quantity
{
    public static bool TryParse(string? text, out decimal value)
    {
        value = 0;
        if (string.IsNullOrEmpty(text) || text.Length > 64)
            return false;
        var end = text.Length;
        while (end > 0 && char.IsAsciiLetter(text[end - 1]))
            end--;
        var suffix = text[end..];
        // A trailing "E" or "e" directly before digits belongs to an exponent, which decimal parsing handles itself.
        if (!TryMultiplier(suffix, out var multiplier))
            return false;
        const NumberStyles Styles = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        if (!decimal.TryParse(text.AsSpan(0, end), Styles, CultureInfo.InvariantCulture, out var number))
            return false;
        try
        {
            value = number * multiplier;
            return true;
        }
        catch (OverflowException)
        {
            return false; // beyond 2^96: not a quantity that Kubernetes accepts either
        }
    }

    private static bool TryMultiplier(string suffix, out decimal multiplier)
    {
        multiplier = suffix switch
        {
            "" => 1m,
            "n" => 0.000000001m,
            "u" => 0.000001m,
            "m" => 0.001m,
            "k" => 1000m,
            "M" => 1000_000m,
            "G" => 1000_000_000m,
            "T" => 1000_000_000_000m,
            "P" => 1000_000_000_000_000m,
            "E" => 1000_000_000_000_000_000m,
            "Ki" => 1024m,
            "Mi" => 1048576m,
            "Gi" => 1073741824m,
            "Ti" => 1099511627776m,
            "Pi" => 1125899906842624m,
            "Ei" => 1152921504606846976m,
            _ => 0m,
        };
        return multiplier != 0m;
    }
}
