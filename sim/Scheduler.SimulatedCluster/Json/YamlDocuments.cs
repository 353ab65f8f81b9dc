using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Scheduler.SimulatedCluster.Json;

/// <summary>Reads YAML (and so JSON) text into JSON trees, one per document.</summary>
internal static partial class YamlDocuments
{
    // Aliases let a small text name a huge tree; a manifest never comes near these.
    private const int MaxDepth = 100;
    private const int MaxNodes = 1_000_000;

    /// <exception cref="FormatException">The text is not YAML; the message names line and column.</exception>
    public static IReadOnlyList<JsonNode> Parse(string text)
    {
        var documents = new List<JsonNode>();
        try
        {
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            var budget = MaxNodes;
            foreach (var document in stream.Documents)
            {
                if (Convert(document.RootNode, 0, ref budget) is { } node)
                    documents.Add(node);
            }
        }
        catch (YamlException e)
        {
            throw new FormatException($"line {e.Start.Line}, column {e.Start.Column}: {e.Message}", e);
        }

        return documents;
    }

    private static JsonNode? Convert(YamlNode node, int depth, ref int budget)
    {
        if (depth > MaxDepth || --budget < 0)
            throw new FormatException($"line {node.Start.Line}: the document is nested or repeated too deeply");
        switch (node)
        {
            case YamlMappingNode mapping:
                var obj = new JsonObject();
                foreach (var (key, value) in mapping.Children)
                {
                    if (key is not YamlScalarNode { Value: { } name })
                        throw new FormatException($"line {key.Start.Line}: a key must be a plain text");
                    obj[name] = Convert(value, depth + 1, ref budget);
                }

                return obj;
            case YamlSequenceNode sequence:
                var array = new JsonArray();
                foreach (var child in sequence.Children)
                    array.Add(Convert(child, depth + 1, ref budget));
                return array;
            case YamlScalarNode scalar:
                return Scalar(scalar);
            default:
                throw new FormatException($"line {node.Start.Line}: unsupported YAML node");
        }
    }

    private static JsonValue? Scalar(YamlScalarNode scalar)
    {
        var text = scalar.Value ?? "";
        if (scalar.Style != ScalarStyle.Plain)
            return JsonValue.Create(text);
        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL":
                return null;
            case "true" or "True" or "TRUE":
                return JsonValue.Create(true);
            case "false" or "False" or "FALSE":
                return JsonValue.Create(false);
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer))
            return JsonValue.Create(integer);
        if (FloatPattern().IsMatch(text) && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number))
            return JsonValue.Create(number);
        return JsonValue.Create(text);
    }

    [GeneratedRegex(@"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")]
    private static partial Regex FloatPattern();

    /// <summary>Parses a request body: JSON if it looks like JSON, else YAML.</summary>
    public static JsonNode? ParseBody(ReadOnlyMemory<byte> body)
    {
        var documents = Parse(Encoding.UTF8.GetString(body.Span));
        return documents.Count == 0 ? null : documents[0];
    }
}
