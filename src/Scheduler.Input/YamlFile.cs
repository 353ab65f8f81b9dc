using System.Collections.Immutable;
using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Scheduler.Input;

/// <summary>A YAML file with the lines of its fields, so that a mistake found later can still be shown in its place.</summary>
internal sealed class YamlFile
{
    private const long MaxBytes = 16L << 20;

    private readonly Dictionary<string, int> _lines = new(StringComparer.Ordinal);

    private YamlFile(string name, FileErrors errors)
    {
        Name = name;
        Errors = errors;
    }

    /// <summary>As the user named it.</summary>
    public string Name { get; }

    public FileErrors Errors { get; }

    /// <summary>The root of each document that is not empty.</summary>
    public ImmutableArray<YamlNode> Documents { get; private set; } = [];

    /// <summary>Reads a file. If it cannot be read, or is not YAML, that is an error and there are no documents.</summary>
    public static YamlFile Read(string path, FileErrors errors, long maxBytes = MaxBytes)
    {
        var file = new YamlFile(path, errors);
        if (TextFile.Read(path, maxBytes, errors) is { } text)
        {
            file.Parse(text);
        }

        return file;
    }

    /// <summary>Takes text that is not in a file.</summary>
    public static YamlFile OfText(string name, string text, FileErrors errors)
    {
        var file = new YamlFile(name, errors);
        file.Parse(text);
        return file;
    }

    public void Remember(string path, YamlNode node) => _lines.TryAdd(path, LineOf(node));

    /// <summary>Whether the field is in the file.</summary>
    public bool Has(string path) => _lines.ContainsKey(path);

    /// <summary>The line of a field, or of the nearest one above it; 0 if none is known.</summary>
    public int LineOf(string path)
    {
        while (path.Length > 0)
        {
            if (_lines.TryGetValue(path, out var line))
            {
                return line;
            }

            path = path[..Math.Max(0, path.LastIndexOfAny(['.', '[']))];
        }

        return 0;
    }

    public void Error(YamlNode node, string path, string message) => Errors.Add(Name, LineOf(node), path, message);

    public static int LineOf(YamlNode node) => (int)node.Start.Line;

    private void Parse(string text)
    {
        var stream = new YamlStream();
        try
        {
            using var reader = new StringReader(text);
            stream.Load(reader);
        }
        catch (YamlException exception)
        {
            Errors.Add(Name, (int)exception.Start.Line, "", $"is not valid YAML: {OneLine(exception)}");
            return;
        }

        Documents = [.. stream.Documents.Select(document => document.RootNode).Where(root => root is not YamlScalarNode { Value: null or "" })];
    }

    private static string OneLine(YamlException exception)
    {
        // "(Line: 3, Col: 5, Idx: 40) - (Line: …): What" is how the parser begins its messages; the line is shown already.
        var message = exception.Message;
        var start = message.StartsWith('(') ? message.LastIndexOf("): ", StringComparison.Ordinal) : -1;
        message = start < 0 ? message : message[(start + 3)..];
        return string.Create(CultureInfo.InvariantCulture, $"{message.ReplaceLineEndings(" ").TrimEnd('.', ' ')}; look at column {exception.Start.Column}");
    }
}
