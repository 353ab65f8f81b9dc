using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Schemas;

namespace Scheduler.SimulatedCluster.Patching;

/// <summary>Which lists have items with an identity of their own, from a schema or from the table of the built-in kinds.</summary>
internal static class MergedLists
{
    /// <summary>The keys of a list's items; empty for a set of plain values; null for a list that is one value.</summary>
    public static IReadOnlyList<string>? KeysOf(string field, string parent, StructuralSchema? schema)
    {
        if (schema is not null)
        {
            return schema.ListType switch
            {
                "map" => schema.ListMapKeys,
                "set" => [],
                _ => null,
            };
        }

        if (ListKeys.IsSet(field))
            return [];
        return ListKeys.KeyOf(field, parent) is { } key ? [key] : null;
    }

    public static bool SameItem(JsonNode? left, JsonNode? right, IReadOnlyList<string> keys) =>
        keys.Count == 0 ? JsonNode.DeepEquals(left, right) : keys.All(k => JsonNode.DeepEquals(left.At(k), right.At(k)));
}
