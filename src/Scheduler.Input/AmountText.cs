using System.Globalization;

namespace Scheduler.Input;

/// <summary>Reads amounts in the notation of Kubernetes quantities.</summary>
internal static class AmountText
{
    private const decimal Most = 1e18m;

    /// <summary>GPUs as <c>8</c>, <c>0.5</c> or <c>500m</c>, in thousandths; false too where a thousandth is not fine enough.</summary>
    public static bool TryMilli(string text, out long milli)
    {
        milli = 0;
        if (!TryQuantity(text, out var amount) || Math.Abs(amount) > Most / 1000 || decimal.Truncate(amount * 1000) != amount * 1000)
        {
            return false;
        }

        milli = (long)(amount * 1000);
        return true;
    }

    /// <summary>Bytes as <c>16Gi</c>, <c>512Mi</c> or a plain number, rounded up.</summary>
    public static bool TryBytes(string text, out long bytes)
    {
        bytes = 0;
        if (!TryQuantity(text, out var amount) || Math.Abs(amount) > Most)
        {
            return false;
        }

        bytes = (long)decimal.Ceiling(amount);
        return true;
    }

    private static bool TryQuantity(string text, out decimal amount)
    {
        var digits = text.AsSpan().TrimEnd("mkKMGTPi");
        amount = 0;
        if (Factor(text.AsSpan(digits.Length)) is not { } factor || digits.Length is 0 or > 24
            || !decimal.TryParse(
                digits, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, NumberFormatInfo.InvariantInfo, out var number)
            || Math.Abs(number) > Most / factor)
        {
            return false;
        }

        amount = number * factor;
        return true;
    }

    private static decimal? Factor(ReadOnlySpan<char> suffix) => suffix switch
    {
        "" => 1m,
        "m" => 0.001m,
        "k" => 1e3m,
        "M" => 1e6m,
        "G" => 1e9m,
        "T" => 1e12m,
        "P" => 1e15m,
        "Ki" => 1L << 10,
        "Mi" => 1L << 20,
        "Gi" => 1L << 30,
        "Ti" => 1L << 40,
        "Pi" => 1L << 50,
        _ => null,
    };
}
