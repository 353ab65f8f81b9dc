using System.Text;

namespace Scheduler.Telemetry.Exposition;

/// <summary>The labels of a sample, as they stand between the braces. Checked before anybody sees them.</summary>
public readonly ref struct ExpositionLabels
{
    private readonly ReadOnlySpan<byte> _text;

    internal ExpositionLabels(ReadOnlySpan<byte> text) => _text = text;

    /// <summary>One after the other, in the order of the line.</summary>
    public Enumerator GetEnumerator() => new(_text);

    /// <summary>A label's value with its escapes resolved. Bytes that are no UTF-8 become U+FFFD.</summary>
    public static string Text(ReadOnlySpan<byte> raw)
    {
        if (raw.IndexOf((byte)'\\') < 0)
        {
            return Encoding.UTF8.GetString(raw);
        }

        var resolved = new byte[raw.Length];
        var length = 0;
        for (var at = 0; at < raw.Length; at++)
        {
            // The format knows three escapes. Anything else after a backslash stands for itself, backslash included.
            if (raw[at] == '\\' && at + 1 < raw.Length && raw[at + 1] is (byte)'\\' or (byte)'"' or (byte)'n')
            {
                at++;
                resolved[length++] = raw[at] == 'n' ? (byte)'\n' : raw[at];
            }
            else
            {
                resolved[length++] = raw[at];
            }
        }

        return Encoding.UTF8.GetString(resolved.AsSpan(0, length));
    }

    /// <summary>Walks the labels.</summary>
    public ref struct Enumerator
    {
        private ReadOnlySpan<byte> _rest;

        internal Enumerator(ReadOnlySpan<byte> text) => _rest = text;

        /// <summary>Name and value of the present label; the value with its escapes.</summary>
        public ExpositionLabel Current { get; private set; }

        /// <summary>Goes to the next label.</summary>
        public bool MoveNext()
        {
            var rest = _rest;
            if (LabelText.TryNext(ref rest, out var name, out var value) != LabelRead.Label)
            {
                return false;
            }

            _rest = rest;
            Current = new ExpositionLabel(name, value);
            return true;
        }
    }
}

/// <summary>A label: name, and value with its escapes.</summary>
public readonly ref struct ExpositionLabel(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
{
    /// <summary>The name.</summary>
    public ReadOnlySpan<byte> Name { get; } = name;

    /// <summary>The value as it stands; <see cref="ExpositionLabels.Text"/> resolves its escapes.</summary>
    public ReadOnlySpan<byte> Value { get; } = value;
}
