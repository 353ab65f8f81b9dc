using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Scheduler.Input;

/// <summary>
/// Strict reading of one mapping: every value has its type and range, and what nobody asked for is unknown. Mistakes go to
/// the file's errors and reading goes on, so that all of them are found in one run.
/// </summary>
internal sealed class YamlMap
{
    private readonly YamlFile _file;
    private readonly Dictionary<string, YamlNode> _fields = new(StringComparer.Ordinal);
    private readonly List<(string Name, YamlNode Key)> _keys = [];
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    private YamlMap(YamlFile file, YamlMappingNode node, string path)
    {
        _file = file;
        Node = node;
        Path = path;
        file.Remember(path, node);
        foreach (var (key, value) in node.Children)
        {
            if (key is YamlScalarNode { Value: { } name })
            {
                _fields[name] = value;
                _keys.Add((name, key));
            }
            else
            {
                file.Error(key, path, "a field's name must be a plain word");
            }
        }
    }

    public YamlMappingNode Node { get; }

    /// <summary>The path of this mapping. May be set once the object's name is known.</summary>
    public string Path { get; private set; }

    public YamlFile File => _file;

    /// <summary>Takes a node as a mapping; anything else is an error.</summary>
    public static YamlMap? Of(YamlFile file, YamlNode node, string path, string expected = "fields, one a line, as name: value")
    {
        if (node is YamlMappingNode mapping)
        {
            return new YamlMap(file, mapping, path);
        }

        file.Error(node, path, $"must be {expected}");
        return null;
    }

    /// <summary>The names of the fields, in the order of the file.</summary>
    public IEnumerable<string> Names => _keys.Select(key => key.Name);

    public void Rename(string path)
    {
        Path = path;
        _file.Remember(path, Node);
    }

    public string PathOf(string name) => Path.Length == 0 ? name : $"{Path}.{name}";

    /// <summary>Whether the field is there and not null.</summary>
    public bool Has(string name) => TryGet(name, out _);

    public bool IsList(string name) => TryGet(name, out var node) && node is YamlSequenceNode;

    public bool IsMap(string name) => TryGet(name, out var node) && node is YamlMappingNode;

    public void Error(string name, string message) =>
        _file.Error(_fields.GetValueOrDefault(name) ?? Node, PathOf(name), message);

    /// <summary>Takes fields as known without reading them.</summary>
    public void Ignore(params IEnumerable<string> names) => _asked.UnionWith(names);

    public string? Text(string name)
    {
        if (!TryGet(name, out var node))
        {
            return null;
        }

        return TextOf(node, PathOf(name));
    }

    /// <summary>The text of a number with a unit, quoted or not; null if it is neither.</summary>
    public string? Quantity(string name) => TryGet(name, out var node) ? (node as YamlScalarNode)?.Value : null;

    public string RequiredText(string name, string whatItIs)
    {
        if (!Has(name))
        {
            Missing(name, whatItIs);
            return "";
        }

        return Text(name) ?? "";
    }

    public long? Integer(string name, long least, long most) =>
        Scalar<long>(name, $"a whole number from {least} to {most}", text =>
            long.TryParse(text, NumberStyles.AllowLeadingSign, NumberFormatInfo.InvariantInfo, out var value) && value >= least && value <= most
                ? value
                : null, mayBeQuoted: false);

    public bool? Boolean(string name) =>
        Scalar<bool>(name, "true or false", text => text switch { "true" => true, "false" => false, _ => null }, mayBeQuoted: false);

    public TimeSpan? Duration(string name, bool isZeroAllowed = true) =>
        Scalar<TimeSpan>(name, DurationText.Expected + (isZeroAllowed ? "" : ", above zero"), text =>
            DurationText.TryParse(text, out var duration) && (isZeroAllowed || duration > TimeSpan.Zero) ? duration : null);

    /// <summary>An amount in thousandths; whether it may be negative is for the model to say.</summary>
    public long? Milli(string name, string expected) =>
        Scalar<long>(name, expected, text => AmountText.TryMilli(text, out var milli) ? milli : null);

    public decimal? Decimal(string name, string expected, Func<decimal, bool> isValid) =>
        Scalar<decimal>(name, expected, text =>
            decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, NumberFormatInfo.InvariantInfo, out var value)
            && isValid(value)
                ? value
                : null);

    /// <summary>One of a few words.</summary>
    public string? Choice(string name, params string[] choices)
    {
        var text = Text(name);
        if (text is null || choices.Contains(text, StringComparer.Ordinal))
        {
            return text;
        }

        Error(name, $"'{text}' is none of {string.Join(", ", choices)}");
        return null;
    }

    public YamlMap? Map(string name) => TryGet(name, out var node) ? Of(_file, node, PathOf(name)) : null;

    /// <summary>The elements of a list with their paths; none if the field is absent.</summary>
    public IEnumerable<(YamlNode Node, string Path)> List(string name)
    {
        if (!TryGet(name, out var node))
        {
            yield break;
        }

        if (node is not YamlSequenceNode sequence)
        {
            _file.Error(node, PathOf(name), "must be a list, each element on a line that begins with \"- \"");
            yield break;
        }

        for (var index = 0; index < sequence.Children.Count; index++)
        {
            var path = string.Create(NumberFormatInfo.InvariantInfo, $"{PathOf(name)}[{index}]");
            _file.Remember(path, sequence.Children[index]);
            yield return (sequence.Children[index], path);
        }
    }

    public IEnumerable<YamlMap> Maps(string name)
    {
        foreach (var (node, path) in List(name))
        {
            if (Of(_file, node, path) is { } map)
            {
                yield return map;
            }
        }
    }

    public IEnumerable<string> Texts(string name)
    {
        foreach (var (node, path) in List(name))
        {
            if (TextOf(node, path) is { } text)
            {
                yield return text;
            }
        }
    }

    /// <summary>Text by text, such as labels.</summary>
    public IEnumerable<KeyValuePair<string, string>> Pairs(string name)
    {
        if (Map(name) is not { } map)
        {
            yield break;
        }

        foreach (var key in map.Names)
        {
            if (map.Text(key) is { } value)
            {
                yield return new(key, value);
            }
        }
    }

    public void Missing(string name, string whatItIs)
    {
        // A misspelt field is told once, as misspelt, and not a second time as missing.
        var known = _asked.Append(name).ToArray();
        if (!_keys.Any(key => !_asked.Contains(key.Name) && Suggestion.Nearest(key.Name, known) == name))
        {
            _file.Error(Node, PathOf(name), $"is missing; it is {whatItIs}");
        }
    }

    /// <summary>Ends the reading: what was not asked for by now is unknown.</summary>
    public void RefuseUnknown()
    {
        foreach (var (name, key) in _keys.Where(key => !_asked.Contains(key.Name)))
        {
            var remedy = Suggestion.Nearest(name, _asked) is { } nearest
                ? $"did you mean '{nearest}'?"
                : $"the fields here are {string.Join(", ", _asked.Order(StringComparer.Ordinal))}";
            _file.Errors.AddUnknownField(_file.Name, YamlFile.LineOf(key), Path, name, $"unknown field; {remedy}");
        }
    }

    private T? Scalar<T>(string name, string expected, Func<string, T?> parse, bool mayBeQuoted = true)
        where T : struct
    {
        if (!TryGet(name, out var node))
        {
            return null;
        }

        if (node is YamlScalarNode { Value: { } text } scalar && (mayBeQuoted || scalar.Style == ScalarStyle.Plain) && parse(text) is { } value)
        {
            return value;
        }

        var given = node switch
        {
            YamlScalarNode { Style: ScalarStyle.Plain } plain => $"'{plain.Value}'",
            YamlScalarNode quoted => $"the text \"{quoted.Value}\"",
            YamlSequenceNode => "a list",
            _ => "a group of fields",
        };
        _file.Error(node, PathOf(name), $"is {given}; it must be {expected}");
        return null;
    }

    private string? TextOf(YamlNode node, string path)
    {
        switch (node)
        {
            case YamlScalarNode { Style: ScalarStyle.Plain, Value: var value } when IsOtherType(value):
                _file.Error(node, path, $"'{value}' is not text; put it in quotes, as in \"{value}\"");
                return null;
            case YamlScalarNode { Value: { } text }:
                return text;
            default:
                _file.Error(node, path, $"is {(node is YamlSequenceNode ? "a list" : "a group of fields")}; it must be text");
                return null;
        }
    }

    /// <summary>Whether a Kubernetes API server would take a plain value as something else than text.</summary>
    private static bool IsOtherType(string? value) =>
        IsNull(value) || value is "true" or "false"
        || double.TryParse(value, NumberStyles.Float, NumberFormatInfo.InvariantInfo, out _);

    private static bool IsNull(string? value) => value is null or "" or "~" or "null";

    private bool TryGet(string name, [NotNullWhen(true)] out YamlNode? node)
    {
        _asked.Add(name);
        if (!_fields.TryGetValue(name, out node))
        {
            return false;
        }

        _file.Remember(PathOf(name), node);
        return node is not YamlScalarNode { Style: ScalarStyle.Plain, Value: var value } || !IsNull(value);
    }
}
