using System.Buffers;

namespace Scheduler.Telemetry.Exposition;

/// <summary>What a step through a list of labels found.</summary>
internal enum LabelRead
{
    Label,
    End,
    Malformed,
}

/// <summary>Steps through <c>name="value",…</c>.</summary>
internal static class LabelText
{
    private static readonly SearchValues<byte> NameBytes =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:"u8);

    /// <summary>
    /// Takes the next label off the front of a text, with the comma behind it. The end is that of the text, or a closing
    /// brace, which stays.
    /// </summary>
    public static LabelRead TryNext(scoped ref ReadOnlySpan<byte> text, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        name = value = default;
        text = SkipBlanks(text);
        if (text.IsEmpty || text[0] == '}')
        {
            return LabelRead.End;
        }

        var end = NameLength(text);
        name = text[..end];
        text = SkipBlanks(text[end..]);
        if (end == 0 || IsDigit(name[0]) || text.IsEmpty || text[0] != '=')
        {
            return LabelRead.Malformed;
        }

        text = SkipBlanks(text[1..]);
        if (text.IsEmpty || text[0] != '"')
        {
            return LabelRead.Malformed;
        }

        text = text[1..];
        var length = ValueLength(text);
        if (length < 0)
        {
            return LabelRead.Malformed;
        }

        value = text[..length];
        text = SkipBlanks(text[(length + 1)..]);
        if (!text.IsEmpty && text[0] == ',')
        {
            text = text[1..];
            return LabelRead.Label;
        }

        return text.IsEmpty || text[0] == '}' ? LabelRead.Label : LabelRead.Malformed;
    }

    /// <summary>How many bytes at the front may stand in a name.</summary>
    public static int NameLength(ReadOnlySpan<byte> text)
    {
        var end = text.IndexOfAnyExcept(NameBytes);
        return end < 0 ? text.Length : end;
    }

    public static ReadOnlySpan<byte> SkipBlanks(ReadOnlySpan<byte> text)
    {
        var at = 0;
        while (at < text.Length && IsBlank(text[at]))
        {
            at++;
        }

        return text[at..];
    }

    public static bool IsBlank(byte value) => value is (byte)' ' or (byte)'\t' or (byte)'\r';

    public static bool IsDigit(byte value) => value is >= (byte)'0' and <= (byte)'9';

    /// <summary>Bytes up to the quote that ends a value, or -1.</summary>
    private static int ValueLength(ReadOnlySpan<byte> text)
    {
        var from = 0;
        while (true)
        {
            var found = text[from..].IndexOfAny((byte)'"', (byte)'\\');
            if (found < 0)
            {
                return -1;
            }

            found += from;
            if (text[found] == '"')
            {
                return found;
            }

            from = found + 2;
            if (from > text.Length)
            {
                return -1;
            }
        }
    }
}
