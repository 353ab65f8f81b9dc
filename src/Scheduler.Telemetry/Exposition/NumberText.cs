using System.Globalization;
using System.Text;

namespace Scheduler.Telemetry.Exposition;

/// <summary>Reads a sample's value.</summary>
internal static class NumberText
{
    /// <summary>As many digits as a double holds without loss.</summary>
    private const int ExactDigits = 15;

    private static readonly double[] PowersOfTen = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

    public static bool TryParse(ReadOnlySpan<byte> text, out double value)
    {
        if (TryShort(text, out value))
        {
            return true;
        }

        var magnitude = text.IsEmpty || (text[0] != '+' && text[0] != '-') ? text : text[1..];
        if (Ascii.EqualsIgnoreCase(magnitude, "Inf"u8) || Ascii.EqualsIgnoreCase(magnitude, "Infinity"u8))
        {
            value = text[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
            return true;
        }

        if (Ascii.EqualsIgnoreCase(text, "NaN"u8))
        {
            value = double.NaN;
            return true;
        }

        return double.TryParse(
            text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>Few digits and a point: both parts are exact, so one division rounds as it must.</summary>
    private static bool TryShort(ReadOnlySpan<byte> text, out double value)
    {
        value = 0;
        var isNegative = !text.IsEmpty && text[0] == '-';
        var digits = isNegative ? text[1..] : text;
        if (digits.IsEmpty || digits.Length > ExactDigits + 1)
        {
            return false;
        }

        var (mantissa, count, decimals) = (0L, 0, -1);
        foreach (var digit in digits)
        {
            if (LabelText.IsDigit(digit))
            {
                mantissa = (mantissa * 10) + (digit - '0');
                count++;
                decimals += decimals >= 0 ? 1 : 0;
            }
            else if (digit == '.' && decimals < 0)
            {
                decimals = 0;
            }
            else
            {
                return false;
            }
        }

        if (count is 0 or > ExactDigits)
        {
            return false;
        }

        value = mantissa / PowersOfTen[Math.Max(decimals, 0)];
        value = isNegative ? -value : value;
        return true;
    }
}
