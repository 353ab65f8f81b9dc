using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Json;

namespace Scheduler.SimulatedCluster.Patching;

/// <summary>
/// Strategic merge patch: a merge patch that knows which lists merge by key, with the directives $patch, $retainKeys,
/// $deleteFromPrimitiveList and $setElementOrder.
/// </summary>
internal static class StrategicMergePatch
{
    private const string Directive = "$patch";
    private const string RetainKeys = "$retainKeys";
    private const string DeletePrefix = "$deleteFromPrimitiveList/";
    private const string OrderPrefix = "$setElementOrder/";

    /// <summary>Changes <paramref name="target"/> and returns it.</summary>
    public static JsonObject Apply(JsonObject target, JsonObject patch) => MergeObject(target, patch, "");

    private static JsonObject MergeObject(JsonObject target, JsonObject patch, string field)
    {
        switch (patch.StringAt(Directive))
        {
            case "replace":
                return WithoutDirectives(patch);
            case "delete":
                return [];
            case null or "merge":
                break;
            case var other:
                throw ApiException.BadRequest($"unknown patch type: {other}");
        }

        if (patch.ArrayAt(RetainKeys) is { } retained)
        {
            var keep = retained.Select(r => r.StringAt() ?? "").ToHashSet(StringComparer.Ordinal);
            foreach (var name in target.Select(p => p.Key).Where(k => !keep.Contains(k)).ToList())
                target.Remove(name);
        }

        foreach (var (name, change) in patch)
        {
            if (name.StartsWith(DeletePrefix, StringComparison.Ordinal))
                DeleteValues(target.ArrayAt(name[DeletePrefix.Length..]), change as JsonArray);
            else if (!name.StartsWith('$'))
                MergeMember(target, name, change, field);
        }

        foreach (var (name, order) in patch)
        {
            if (name.StartsWith(OrderPrefix, StringComparison.Ordinal) && order is JsonArray wanted)
                SetOrder(target, name[OrderPrefix.Length..], wanted, field);
        }

        return target;
    }

    private static void MergeMember(JsonObject target, string name, JsonNode? change, string field)
    {
        switch (change)
        {
            case null:
                target.Remove(name);
                break;
            case JsonObject changes:
                if (changes.StringAt(Directive) == "delete")
                    target.Remove(name);
                else if (target.ObjectAt(name) is { } current)
                    Assign(target, name, MergeObject(current, changes, name), current);
                else
                    target[name] = MergeObject([], changes, name);
                break;
            case JsonArray items:
                target[name] = MergeList(target.ArrayAt(name), items, name, field);
                break;
            default:
                target[name] = change.DeepClone();
                break;
        }
    }

    private static void Assign(JsonObject target, string name, JsonObject merged, JsonObject current)
    {
        if (!ReferenceEquals(merged, current))
            target[name] = merged;
    }

    private static JsonArray MergeList(JsonArray? current, JsonArray patch, string name, string parent)
    {
        if (ListKeys.IsSet(name))
        {
            var union = current?.DeepClone().AsArray() ?? [];
            foreach (var value in patch)
            {
                if (!union.Any(u => JsonNode.DeepEquals(u, value)))
                    union.Add(value?.DeepClone());
            }

            return union;
        }

        if (ListKeys.KeyOf(name, parent) is not { } key)
            return [.. patch.Select(p => p?.DeepClone())];
        if (patch.OfType<JsonObject>().Any(p => p.StringAt(Directive) == "replace"))
            return [.. patch.OfType<JsonObject>().Where(p => !(p.ContainsKey(Directive) && p.Count == 1)).Select(p => (JsonNode)WithoutDirectives(p))];
        var items = current?.Select(i => i?.DeepClone()).OfType<JsonObject>().ToList() ?? [];
        foreach (var change in patch.OfType<JsonObject>())
            MergeItem(items, change, key, name);
        return [.. items];
    }

    private static void MergeItem(List<JsonObject> items, JsonObject change, string key, string name)
    {
        if (change.At(key) is not { } id)
            throw ApiException.BadRequest($"map: {change.ToJsonString()} does not contain declared merge key: {key}");
        var at = items.FindIndex(i => JsonNode.DeepEquals(i.At(key), id));
        if (change.StringAt(Directive) == "delete")
        {
            items.RemoveAll(i => JsonNode.DeepEquals(i.At(key), id));
            return;
        }

        if (at >= 0)
            items[at] = MergeObject(items[at], change, name);
        else
            items.Add(MergeObject([], change, name));
    }

    private static JsonObject WithoutDirectives(JsonObject patch)
    {
        var plain = new JsonObject();
        foreach (var (name, value) in patch)
        {
            if (!name.StartsWith('$'))
                plain[name] = value?.DeepClone();
        }

        return plain;
    }

    private static void DeleteValues(JsonArray? target, JsonArray? values)
    {
        foreach (var value in values ?? [])
        {
            while (target?.FirstOrDefault(t => JsonNode.DeepEquals(t, value)) is { } found)
                target.Remove(found);
        }
    }

    /// <summary>Orders items as the patch names them; items that it does not name keep their places after them.</summary>
    private static void SetOrder(JsonObject target, string name, JsonArray wanted, string parent)
    {
        if (target.ArrayAt(name) is not { } list)
            return;
        var key = ListKeys.KeyOf(name, parent);
        int Rank(JsonNode? item)
        {
            for (var i = 0; i < wanted.Count; i++)
            {
                if (key is null ? JsonNode.DeepEquals(wanted[i], item) : JsonNode.DeepEquals(wanted[i].At(key), item.At(key)))
                    return i;
            }

            return int.MaxValue;
        }

        var ordered = list.Select(i => i?.DeepClone()).OrderBy(Rank).ToArray();
        target[name] = new JsonArray(ordered);
    }
}
