using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;

namespace Scheduler.SimulatedCluster.Schemas;

/// <summary>Removes what a schema does not know, and fills in what it defaults.</summary>
internal static class SchemaPruning
{
    private static readonly string[] TypeMembers = ["apiVersion", "kind", "metadata"];

    /// <summary>Prunes in place and returns the paths of what was unknown.</summary>
    public static IReadOnlyList<string> Prune(JsonObject obj, StructuralSchema schema)
    {
        var unknown = new List<string>();
        PruneObject(obj, schema, "", unknown, isResource: true);
        return unknown;
    }

    private static void PruneNode(JsonNode? node, StructuralSchema schema, string at, List<string> unknown)
    {
        if (node is JsonObject obj)
        {
            PruneObject(obj, schema, at, unknown, schema.IsEmbeddedResource);
        }
        else if (node is JsonArray array && schema.Items is { } items)
        {
            for (var i = 0; i < array.Count; i++)
                PruneNode(array[i], items, $"{at}[{i}]", unknown);
        }
    }

    private static void PruneObject(JsonObject obj, StructuralSchema schema, string at, List<string> unknown, bool isResource)
    {
        foreach (var name in obj.Select(p => p.Key).ToList())
        {
            if (isResource && TypeMembers.Contains(name))
                continue;
            var place = at.Length == 0 ? name : $"{at}.{name}";
            if (schema.Member(name) is { } member)
            {
                PruneNode(obj[name], member, place, unknown);
            }
            else if (!schema.PreservesUnknown && !schema.AllowsAnyProperty && !schema.IsIntOrString)
            {
                unknown.Add(place);
                obj.Remove(name);
            }
        }
    }

    /// <summary>Fills in defaults, in place. A null where the schema has a default and no null counts as missing.</summary>
    public static void ApplyDefaults(JsonNode? node, StructuralSchema schema)
    {
        if (node is JsonObject obj)
        {
            foreach (var (name, property) in schema.Properties)
            {
                if (property.Default is not null && (!obj.TryGetPropertyValue(name, out var value) || (value is null && !property.IsNullable)))
                    obj[name] = property.Default.DeepClone();
                ApplyDefaults(obj.At(name), property);
            }

            if (schema.AdditionalProperties is { } values)
            {
                foreach (var (name, value) in obj)
                {
                    if (!schema.Properties.ContainsKey(name))
                        ApplyDefaults(value, values);
                }
            }
        }
        else if (node is JsonArray array && schema.Items is { } items)
        {
            foreach (var item in array)
                ApplyDefaults(item, items);
        }
    }
}
