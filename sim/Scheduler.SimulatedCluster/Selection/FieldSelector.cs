using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Selection;

/// <summary>A field selector, resolved to the places of the fields in <see cref="StoredObject.FieldValues"/>.</summary>
internal sealed class FieldSelector
{
    private readonly List<(int Index, string Value, bool IsEqual)> _terms = [];

    public static FieldSelector Everything { get; } = new();

    public bool IsEverything => _terms.Count == 0;

    /// <summary>The name that the selector asks for, if it pins one.</summary>
    public string? PinnedName => _terms.FirstOrDefault(t => t is { Index: 0, IsEqual: true }).Value;

    public bool Matches(StoredObject obj)
    {
        foreach (var (index, value, isEqual) in _terms)
        {
            if (string.Equals(obj.FieldValues[index], value, StringComparison.Ordinal) != isEqual)
                return false;
        }

        return true;
    }

    public static FieldSelector Parse(string? text, ResourceType type)
    {
        var selector = new FieldSelector();
        foreach (var term in (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var isEqual = true;
            var at = term.IndexOf("!=", StringComparison.Ordinal);
            int valueAt;
            if (at >= 0)
            {
                isEqual = false;
                valueAt = at + 2;
            }
            else
            {
                at = term.IndexOf('=', StringComparison.Ordinal);
                if (at < 0)
                    throw ApiException.BadRequest($"invalid selector: '{text}'; can't understand '{term}'");
                valueAt = term.AsSpan(at).StartsWith("==") ? at + 2 : at + 1;
            }

            selector._terms.Add((IndexOf(term[..at], type), term[valueAt..], isEqual));
        }

        return selector;
    }

    private static int IndexOf(string field, ResourceType type)
    {
        if (type.FieldAliases.TryGetValue(field, out var stored))
            field = stored;
        for (var i = 0; i < type.SelectableFields.Count; i++)
        {
            if (type.SelectableFields[i] == field)
                return i;
        }

        throw ApiException.BadRequest($"field label not supported: {field}");
    }
}
