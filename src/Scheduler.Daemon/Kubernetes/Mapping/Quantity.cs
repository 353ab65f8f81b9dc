using System.Globalization;

namespace Scheduler.Daemon.Kubernetes.Mapping;

/// <summary>
/// A Kubernetes quantity, exactly: a whole number of billionths, the finest unit that the API knows (finer is rounded up, as
/// there). Never goes through a floating-point number.
/// </summary>
internal readonly record struct Quantity(Int128 Nano)
{
    private const int MaxDigits = 40;
    private static readonly Int128 OneInNano = 1_000_000_000;
    private static readonly Int128 MaxNano = (Int128)long.MaxValue * OneInNano;

    public static readonly Quantity Zero;

    /// <summary>In thousandths, rounded up: the unit of CPU. Held to what 64 bits can say.</summary>
    public long MilliCeiling => Ceiling(Nano, OneInNano / 1000);

    /// <summary>In whole units, rounded up: bytes, devices.</summary>
    public long UnitsCeiling => Ceiling(Nano, OneInNano);

    /// <summary>Whether it is a whole number of thousandths.</summary>
    public bool IsWholeMilli => Nano % (OneInNano / 1000) == 0;

    public static Quantity operator +(Quantity a, Quantity b)
    {
        // Each side is at most 2⁶³ units, so the sum cannot overflow; it is held to what a 64-bit count can say.
        var sum = a.Nano + b.Nano;
        return new Quantity(sum > MaxNano ? MaxNano : sum);
    }

    public static Quantity Max(Quantity a, Quantity b) => a.Nano >= b.Nano ? a : b;

    /// <summary>Parses <c>100m</c>, <c>0.1</c>, <c>1.5Gi</c>, <c>2e3</c>, <c>500M</c>, <c>1Ki</c>. False for anything else, and above 2⁶³ − 1 units.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Quantity quantity)
    {
        quantity = default;
        var position = 0;
        var negative = text.Length > 0 && text[0] == '-';
        if (text.Length > 0 && text[0] is '-' or '+')
            position++;
        if (!TryDigits(text, ref position, out var digits, out var scale) || !TrySuffix(text[position..], out var multiplier, out var exponent))
            return false;

        if (!TryScale(digits * multiplier, exponent + 9 - scale, negative, out var nano) || nano > MaxNano)
            return false;
        quantity = new Quantity(negative ? -nano : nano);
        return true;
    }

    /// <exception cref="FormatException">The text is not a quantity.</exception>
    public static Quantity Parse(string text) =>
        TryParse(text, out var quantity) ? quantity : throw new FormatException($"'{text}' is not a quantity");

    public override string ToString() => Nano % OneInNano == 0
        ? (Nano / OneInNano).ToString(CultureInfo.InvariantCulture)
        : Nano.ToString(CultureInfo.InvariantCulture) + "n";

    // Int128 holds 38 digits. A binary multiplier needs 19 of them, so at most 18 significant digits are taken, more than any
    // int64 quantity has before the point; fraction digits beyond that are rounded up like everything finer than a billionth.
    private static bool TryDigits(ReadOnlySpan<char> text, ref int position, out Int128 digits, out int scale)
    {
        digits = 0;
        scale = 0;
        int seen = 0, significant = 0;
        bool point = false, dropped = false;
        for (; position < text.Length; position++)
        {
            var c = text[position];
            if (c == '.' && !point)
            {
                point = true;
                continue;
            }

            if (!char.IsAsciiDigit(c))
                break;
            if (++seen > MaxDigits)
                return false;
            if (significant < 19)
            {
                digits = (digits * 10) + (c - '0');
                significant += digits > 0 ? 1 : 0;
                scale += point ? 1 : 0;
            }
            else if (point)
            {
                dropped |= c != '0';
            }
            else
            {
                return false;
            }
        }

        if (dropped)
            digits++;
        return seen > 0;
    }

    private static bool TrySuffix(ReadOnlySpan<char> suffix, out Int128 multiplier, out int exponent)
    {
        (multiplier, exponent) = (1, 0);
        switch (suffix)
        {
            case "": return true;
            case "n": exponent = -9; return true;
            case "u": exponent = -6; return true;
            case "m": exponent = -3; return true;
            case "k": exponent = 3; return true;
            case "M": exponent = 6; return true;
            case "G": exponent = 9; return true;
            case "T": exponent = 12; return true;
            case "P": exponent = 15; return true;
            case "E": exponent = 18; return true;
            case "Ki": multiplier = (Int128)1 << 10; return true;
            case "Mi": multiplier = (Int128)1 << 20; return true;
            case "Gi": multiplier = (Int128)1 << 30; return true;
            case "Ti": multiplier = (Int128)1 << 40; return true;
            case "Pi": multiplier = (Int128)1 << 50; return true;
            case "Ei": multiplier = (Int128)1 << 60; return true;
            default:
                return suffix[0] is 'e' or 'E'
                    && int.TryParse(suffix[1..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent)
                    && Math.Abs(exponent) <= 40;
        }
    }

    private static bool TryScale(Int128 value, int powerOfTen, bool negative, out Int128 result)
    {
        result = value;
        for (; powerOfTen > 0; powerOfTen--)
        {
            if (result > MaxNano)
                return false;
            result *= 10;
        }

        // Rounding up means towards +∞, so the magnitude of a negative quantity is rounded down. Once, at the end.
        var divisor = Int128.One;
        for (; powerOfTen < 0 && divisor <= result; powerOfTen++)
            divisor *= 10;
        if (divisor > 1)
            result = negative ? result / divisor : (result / divisor) + (result % divisor > 0 ? 1 : 0);
        else if (powerOfTen < 0 && result > 0)
            result = negative ? 0 : 1;
        return true;
    }

    private static long Ceiling(Int128 value, Int128 unit)
    {
        var (quotient, rest) = Int128.DivRem(value, unit);
        // Saturated: wrapped around, the largest request would become a negative one, which fits everywhere.
        return long.CreateSaturating(quotient + (rest > 0 ? 1 : 0));
    }
}
