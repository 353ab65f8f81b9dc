using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Json;

namespace Scheduler.SimulatedCluster.Selection;

/// <summary>A label selector: every requirement must hold.</summary>
internal sealed class LabelSelector
{
    private readonly List<Requirement> _requirements = [];

    private enum Operator
    {
        In,
        NotIn,
        Exists,
        NotExists,
    }

    private sealed record Requirement(string Key, Operator Operator, HashSet<string> Values);

    public static LabelSelector Everything { get; } = new();

    public bool IsEverything => _requirements.Count == 0;

    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        foreach (var requirement in _requirements)
        {
            var has = labels.TryGetValue(requirement.Key, out var value);
            var holds = requirement.Operator switch
            {
                Operator.In => has && requirement.Values.Contains(value!),
                Operator.NotIn => !has || !requirement.Values.Contains(value!),
                Operator.Exists => has,
                _ => !has,
            };
            if (!holds)
                return false;
        }

        return true;
    }

    /// <summary>Parses the query form: <c>a=b,c!=d,e in (f,g),h notin (i),j,!k</c>.</summary>
    public static LabelSelector Parse(string? text)
    {
        var selector = new LabelSelector();
        foreach (var part in SplitOutsideParentheses(text ?? ""))
            selector._requirements.Add(ParseRequirement(part, text!));
        return selector;
    }

    /// <summary>Reads the object form with matchLabels and matchExpressions. A missing selector selects nothing.</summary>
    public static LabelSelector? FromObject(JsonObject? selector)
    {
        if (selector is null)
            return null;
        var result = new LabelSelector();
        foreach (var (key, value) in selector.StringMap("matchLabels"))
            result._requirements.Add(new Requirement(key, Operator.In, [value]));
        foreach (var expression in selector.ObjectsAt("matchExpressions"))
        {
            var values = expression.ArrayAt("values")?.Select(v => v.StringAt() ?? "").ToHashSet(StringComparer.Ordinal) ?? [];
            var op = expression.StringAt("operator") switch
            {
                "In" => Operator.In,
                "NotIn" => Operator.NotIn,
                "Exists" => Operator.Exists,
                _ => Operator.NotExists,
            };
            result._requirements.Add(new Requirement(expression.StringAt("key") ?? "", op, values));
        }

        return result;
    }

    private static Requirement ParseRequirement(string part, string whole)
    {
        var open = part.IndexOf('(', StringComparison.Ordinal);
        if (open >= 0 && part.EndsWith(')'))
        {
            var words = part[..open].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var values = part[(open + 1)..^1].Split(',').Select(v => v.Trim()).ToHashSet(StringComparer.Ordinal);
            if (words.Length == 2 && words[1] is "in" or "notin")
                return new Requirement(words[0], words[1] == "in" ? Operator.In : Operator.NotIn, values);
            throw Unparsable(whole);
        }

        var notEqual = part.IndexOf("!=", StringComparison.Ordinal);
        if (notEqual > 0)
            return new Requirement(part[..notEqual].Trim(), Operator.NotIn, [part[(notEqual + 2)..].Trim()]);
        var equal = part.IndexOf('=', StringComparison.Ordinal);
        if (equal > 0)
            return new Requirement(part[..equal].Trim(), Operator.In, [part[(equal + 1)..].TrimStart('=').Trim()]);
        if (part.StartsWith('!'))
            return new Requirement(part[1..].Trim(), Operator.NotExists, []);
        if (part.Contains(' ', StringComparison.Ordinal) || part.StartsWith('='))
            throw Unparsable(whole);
        return new Requirement(part, Operator.Exists, []);
    }

    private static ApiException Unparsable(string text) => ApiException.BadRequest($"unable to parse requirement: found invalid label selector \"{text}\"");

    private static IEnumerable<string> SplitOutsideParentheses(string text)
    {
        int depth = 0, start = 0;
        for (var i = 0; i <= text.Length; i++)
        {
            var at = i < text.Length ? text[i] : ',';
            depth += at == '(' ? 1 : at == ')' ? -1 : 0;
            if (at != ',' || (depth > 0 && i < text.Length))
                continue;
            var part = text[start..i].Trim();
            start = i + 1;
            if (part.Length > 0)
                yield return part;
        }
    }
}
