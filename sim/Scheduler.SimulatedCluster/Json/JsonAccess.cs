using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Scheduler.SimulatedCluster.Json;

/// <summary>Short ways to read and write a JSON tree. A missing step or a value of another kind reads as null.</summary>
internal static class JsonAccess
{
    public static JsonNode? At(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        foreach (var step in path)
        {
            if (node is not JsonObject obj || !obj.TryGetPropertyValue(step, out node))
                return null;
        }

        return node;
    }

    public static string? StringAt(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    public static bool? BoolAt(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonValue value && value.TryGetValue<bool>(out var flag) ? flag : null;

    public static JsonObject? ObjectAt(this JsonNode? node, params ReadOnlySpan<string> path) => node.At(path) as JsonObject;

    public static JsonArray? ArrayAt(this JsonNode? node, params ReadOnlySpan<string> path) => node.At(path) as JsonArray;

    public static long? LongAt(this JsonNode? node, params ReadOnlySpan<string> path) => AsLong(node.At(path));

    /// <summary>The objects of an array, or nothing.</summary>
    public static IEnumerable<JsonObject> ObjectsAt(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.ArrayAt(path)?.OfType<JsonObject>() ?? [];

    public static long? AsLong(JsonNode? node)
    {
        if (node is not JsonValue value || value.GetValueKind() != JsonValueKind.Number)
            return null;
        return long.TryParse(value.ToJsonString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
    }

    /// <summary>The object under <paramref name="name"/>, created if it is missing or of another kind.</summary>
    public static JsonObject Child(this JsonObject obj, string name)
    {
        if (obj.TryGetPropertyValue(name, out var node) && node is JsonObject child)
            return child;
        child = [];
        obj[name] = child;
        return child;
    }

    /// <summary>The array under <paramref name="name"/>, created if it is missing or of another kind.</summary>
    public static JsonArray ChildArray(this JsonObject obj, string name)
    {
        if (obj.TryGetPropertyValue(name, out var node) && node is JsonArray child)
            return child;
        child = [];
        obj[name] = child;
        return child;
    }

    /// <summary>Copies a member from another object, or removes it where the other has none.</summary>
    public static void CopyFrom(this JsonObject obj, JsonObject? other, string name)
    {
        if (other is not null && other.TryGetPropertyValue(name, out var node) && node is not null)
            obj[name] = node.DeepClone();
        else
            obj.Remove(name);
    }

    public static void SetDefault(this JsonObject obj, string name, JsonNode value)
    {
        if (!obj.TryGetPropertyValue(name, out var node) || node is null)
            obj[name] = value;
    }

    public static Dictionary<string, string> StringMap(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        if (node.ObjectAt(path) is { } obj)
        {
            foreach (var (name, value) in obj)
            {
                if (value is JsonValue scalar && scalar.TryGetValue<string>(out var text))
                    map[name] = text;
            }
        }

        return map;
    }

    public static JsonArray ToJsonArray(this IEnumerable<string> values) => new([.. values.Select(v => (JsonNode)v)]);
}
