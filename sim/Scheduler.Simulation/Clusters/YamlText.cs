using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Scheduler.Simulation.Clusters;

/// <summary>Builds one mapping of YAML in flow style, <c>{name: a, gpus: 8}</c>, so that each thing of a large file is one line.</summary>
internal sealed class YamlText
{
    private static readonly JsonSerializerOptions Quoting = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly StringBuilder _text = new("{");

    /// <summary>Text, quoted where YAML would take it for something else.</summary>
    public static string Scalar(string text) =>
        text.Length > 0 && char.IsAsciiLetter(text[0]) && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/')
        && text.ToUpperInvariant() is not ("TRUE" or "FALSE" or "NULL" or "YES" or "NO" or "ON" or "OFF" or "Y" or "N" or "NAN" or "INFINITY")
            ? text
            : JsonSerializer.Serialize(text, Quoting);

    /// <summary>A moment, to the millisecond.</summary>
    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>Thousandths as a number: <c>0.5</c>, <c>64</c>.</summary>
    public static string Milli(long milli) => (milli / 1000m).ToString("0.###", CultureInfo.InvariantCulture);

    /// <summary>Bytes in the largest unit that divides them.</summary>
    public static string Bytes(long bytes)
    {
        foreach (var (unit, shift) in new[] { ("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10) })
        {
            if (bytes != 0 && bytes % (1L << shift) == 0)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{bytes >> shift}{unit}");
            }
        }

        return bytes.ToString(CultureInfo.InvariantCulture);
    }

    public YamlText Text(string name, string? value) => value is null ? this : Raw(name, Scalar(value));

    public YamlText Number(string name, long? value) => value is { } number ? Raw(name, number.ToString(CultureInfo.InvariantCulture)) : this;

    /// <summary>Written only if it is not what is assumed without it.</summary>
    public YamlText Flag(string name, bool value, bool assumed) => value == assumed ? this : Raw(name, value ? "true" : "false");

    public YamlText Time(string name, DateTimeOffset? value) => value is { } time ? Raw(name, $"\"{Time(time)}\"") : this;

    public YamlText List(string name, IEnumerable<string> values)
    {
        string[] all = [.. values];
        return all.Length == 0 ? this : Raw(name, $"[{string.Join(", ", all)}]");
    }

    public YamlText Map(string name, IEnumerable<KeyValuePair<string, string>> pairs)
    {
        string[] all = [.. pairs.Select(pair => $"{Scalar(pair.Key)}: {pair.Value}")];
        return all.Length == 0 ? this : Raw(name, $"{{{string.Join(", ", all)}}}");
    }

    public YamlText Raw(string name, string value)
    {
        _text.Append(_text.Length > 1 ? ", " : "").Append(name).Append(": ").Append(value);
        return this;
    }

    public override string ToString() => _text.ToString() + "}";
}
