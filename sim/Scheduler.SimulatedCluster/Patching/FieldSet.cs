using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Schemas;

namespace Scheduler.SimulatedCluster.Patching;

/// <summary>
/// Sets of fields in the form of managedFields: a tree of <c>f:member</c>, <c>k:{"key":"value"}</c> for items with a key and
/// <c>v:value</c> for items of a set. A leaf is an empty object; <c>.</c> marks an item itself.
/// </summary>
internal static class FieldSet
{
    private const string Self = ".";

    public static JsonObject Of(JsonObject content, ResourceType type) => OfObject(content, type.Schema, "");

    private static JsonObject OfObject(JsonObject obj, StructuralSchema? schema, string parent)
    {
        var set = new JsonObject();
        foreach (var (name, value) in obj)
        {
            var member = schema?.Member(name);
            set["f:" + name] = value switch
            {
                JsonObject { Count: > 0 } inner => OfObject(inner, member, name),
                JsonArray items when MergedLists.KeysOf(name, parent, member) is { } keys => OfList(items, keys, member?.Items, name),
                _ => new JsonObject(),
            };
        }

        return set;
    }

    private static JsonObject OfList(JsonArray items, IReadOnlyList<string> keys, StructuralSchema? schema, string field)
    {
        var set = new JsonObject();
        foreach (var item in items)
        {
            if (keys.Count == 0 || item is not JsonObject obj)
            {
                set["v:" + (item?.ToJsonString() ?? "null")] = new JsonObject();
                continue;
            }

            var id = new JsonObject();
            foreach (var key in keys)
                id[key] = obj.At(key)?.DeepClone();
            var fields = OfObject(obj, schema, field);
            fields[Self] = new JsonObject();
            set["k:" + id.ToJsonString()] = fields;
        }

        return set;
    }

    /// <summary>The leaves that are in both sets and that the applied object would change.</summary>
    public static IEnumerable<IReadOnlyList<string>> Contested(JsonNode? current, JsonNode? applied, JsonObject mine, JsonObject theirs) =>
        Contested(current, applied, mine, theirs, []);

    private static IEnumerable<IReadOnlyList<string>> Contested(JsonNode? current, JsonNode? applied, JsonObject mine, JsonObject theirs, IReadOnlyList<string> at)
    {
        if (mine.Count == 0 || theirs.Count == 0)
        {
            // One of the two owns the whole value.
            if (at.Count > 0 && !JsonNode.DeepEquals(current, applied) && !IsSubset(current, applied, mine, theirs))
                yield return at;
            yield break;
        }

        foreach (var (step, fields) in mine)
        {
            if (step == Self || !theirs.TryGetPropertyValue(step, out var other))
                continue;
            foreach (var path in Contested(Descend(current, step), Descend(applied, step), fields!.AsObject(), other!.AsObject(), [.. at, step]))
                yield return path;
        }
    }

    // An empty object that both apply is no contest, whatever else lives under it.
    private static bool IsSubset(JsonNode? current, JsonNode? applied, JsonObject mine, JsonObject theirs) =>
        current is JsonObject && applied is JsonObject { Count: 0 } && mine.Count == 0 && theirs.Count > 0;

    public static void Remove(JsonObject set, IReadOnlyList<string> path)
    {
        if (path.Count == 1)
        {
            set.Remove(path[0]);
            return;
        }

        if (set.ObjectAt(path[0]) is not { } inner)
            return;
        Remove(inner, [.. path.Skip(1)]);
        if (inner.Count == 0 || (inner.Count == 1 && inner.ContainsKey(Self)))
            set.Remove(path[0]);
    }

    /// <summary>Removes from the object what was applied before, is applied no more, and is nobody else's.</summary>
    public static void RemoveAbandoned(JsonNode? obj, JsonObject before, JsonObject after, IReadOnlyList<JsonObject> others)
    {
        foreach (var (step, node) in before)
        {
            if (step == Self)
                continue;
            var fields = node!.AsObject();
            var isOthers = others.Select(o => o.ObjectAt(step)).OfType<JsonObject>().ToList();
            var isKept = after.TryGetPropertyValue(step, out var still);
            if (!isKept && isOthers.Count == 0)
                RemoveStep(obj, step);
            else if (fields.Count > 0)
                RemoveAbandoned(Descend(obj, step), fields, still as JsonObject ?? [], isOthers);
        }
    }

    public static string Text(IReadOnlyList<string> path) => string.Concat(path.Select(step => step[0] switch
    {
        'f' => "." + step[2..],
        'k' => "[" + string.Join(",", JsonNode.Parse(step[2..])!.AsObject().Select(p => $"{p.Key}={p.Value?.ToJsonString()}")) + "]",
        _ => "[=" + step[2..] + "]",
    }));

    private static JsonNode? Descend(JsonNode? node, string step) => step[0] switch
    {
        'f' => node.At(step[2..]),
        _ => Item(node as JsonArray, step),
    };

    private static JsonNode? Item(JsonArray? array, string step)
    {
        var id = JsonNode.Parse(step[2..]);
        return array?.FirstOrDefault(item => step[0] == 'v'
            ? JsonNode.DeepEquals(item, id)
            : id!.AsObject().All(p => JsonNode.DeepEquals(item.At(p.Key), p.Value)));
    }

    private static void RemoveStep(JsonNode? node, string step)
    {
        if (step[0] == 'f')
            (node as JsonObject)?.Remove(step[2..]);
        else if (Item(node as JsonArray, step) is { } item)
            node!.AsArray().Remove(item);
    }
}
