using System.Globalization;
using System.Text.Json.Nodes;

namespace Scheduler.SimulatedCluster.Json;

/// <summary>
/// The part of JSONPath that printer columns use: members (<c>.a</c>, <c>['a']</c>, escaped dots), indexes, <c>[*]</c> and
/// filters such as <c>[?(@.type=="Ready")]</c>.
/// </summary>
internal sealed class JsonPath
{
    private readonly List<Func<JsonNode, IEnumerable<JsonNode?>>> _steps = [];

    /// <exception cref="FormatException">The path is not of the supported part.</exception>
    public static JsonPath Parse(string text)
    {
        var path = new JsonPath();
        var position = text.StartsWith('$') ? 1 : 0;
        while (position < text.Length)
        {
            position = text[position] switch
            {
                '.' => path.AddMember(text, position + 1),
                '[' => path.AddBracket(text, position),
                _ => path.AddMember(text, position),
            };
        }

        return path;
    }

    public JsonNode? First(JsonNode root) => All(root).FirstOrDefault();

    public IEnumerable<JsonNode?> All(JsonNode root)
    {
        IEnumerable<JsonNode?> nodes = [root];
        foreach (var step in _steps)
            nodes = nodes.Where(n => n is not null).SelectMany(n => step(n!)).ToList();
        return nodes;
    }

    private int AddMember(string text, int start)
    {
        var position = start;
        var name = new System.Text.StringBuilder();
        while (position < text.Length && text[position] is not ('.' or '['))
        {
            if (text[position] == '\\' && position + 1 < text.Length)
                position++;
            name.Append(text[position++]);
        }

        if (name.Length > 0)
            AddMember(name.ToString());
        return position;
    }

    private void AddMember(string name) =>
        _steps.Add(node => name == "*" ? Children(node) : node is JsonObject obj && obj.TryGetPropertyValue(name, out var value) ? [value] : []);

    private static IEnumerable<JsonNode?> Children(JsonNode node) => node switch
    {
        JsonArray array => array,
        JsonObject obj => obj.Select(p => p.Value),
        _ => [],
    };

    private int AddBracket(string text, int start)
    {
        var end = text.IndexOf(']', start);
        if (end < 0)
            throw new FormatException($"unclosed [ in {text}");
        var inside = text[(start + 1)..end];
        if (inside.StartsWith("?(", StringComparison.Ordinal))
            AddFilter(inside, text);
        else if (inside.StartsWith('\'') || inside.StartsWith('"'))
            AddMember(inside.Trim('\'', '"'));
        else if (inside == "*")
            _steps.Add(Children);
        else if (int.TryParse(inside, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var index))
            _steps.Add(node => node is JsonArray array && At(array.Count, index) is { } at ? [array[at]] : []);
        else
            throw new FormatException($"unsupported [{inside}] in {text}");
        return end + 1;
    }

    private static int? At(int count, int index)
    {
        var at = index < 0 ? count + index : index;
        return at >= 0 && at < count ? at : null;
    }

    private void AddFilter(string inside, string whole)
    {
        var body = inside[2..].TrimEnd(')').Trim();
        var isEqual = true;
        var at = body.IndexOf("==", StringComparison.Ordinal);
        if (at < 0)
        {
            at = body.IndexOf("!=", StringComparison.Ordinal);
            isEqual = false;
        }

        if (at < 0 || !body.StartsWith('@'))
            throw new FormatException($"unsupported filter in {whole}");
        var left = Parse(body[1..at].Trim());
        var right = body[(at + 2)..].Trim().Trim('\'', '"');
        _steps.Add(node => node is JsonArray array
            ? array.Where(item => item is not null && Matches(left.First(item), right) == isEqual)
            : []);
    }

    private static bool Matches(JsonNode? node, string text) => node switch
    {
        null => false,
        JsonValue value when value.TryGetValue<string>(out var own) => own == text,
        _ => node.ToJsonString() == text,
    };
}
