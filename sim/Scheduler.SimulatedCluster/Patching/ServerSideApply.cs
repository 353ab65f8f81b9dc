using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Schemas;

namespace Scheduler.SimulatedCluster.Patching;

/// <summary>
/// Server-side apply: what a manager applies becomes its own. Fields that it no longer applies go, unless another manager owns
/// them too; a field that another manager has applied with another value is a conflict, unless forced. Ownership is recorded for
/// apply only: values that came with create, update or patch belong to nobody here and never conflict.
/// </summary>
internal sealed class ServerSideApply(ResourceType type, string manager, bool force, DateTimeOffset now)
{
    public JsonObject Merge(JsonObject? current, JsonObject applied)
    {
        ObjectCheck(applied);
        var owned = FieldSet.Of(Content(applied), type);
        var managers = current.ArrayAt("metadata", "managedFields")?.DeepClone().AsArray() ?? [];
        var result = current?.DeepClone().AsObject() ?? new JsonObject();
        var mine = managers.OfType<JsonObject>().FirstOrDefault(m => m.StringAt("manager") == manager && m.StringAt("operation") == "Apply");
        var others = managers.OfType<JsonObject>().Where(m => !ReferenceEquals(m, mine)).ToList();
        if (current is not null)
        {
            ResolveConflicts(current, applied, owned, others);
            if (mine?.ObjectAt("fieldsV1") is { } before)
                FieldSet.RemoveAbandoned(result, before, owned, [.. others.Select(o => o.ObjectAt("fieldsV1")).OfType<JsonObject>()]);
        }

        MergeObject(result, applied, type.Schema, "");
        if (mine is not null)
            managers.Remove(mine);
        foreach (var empty in others.Where(o => o.ObjectAt("fieldsV1") is null or { Count: 0 }))
            managers.Remove(empty);
        managers.Add((JsonNode)new JsonObject
        {
            ["manager"] = manager,
            ["operation"] = "Apply",
            ["apiVersion"] = type.ApiVersion,
            ["time"] = Timestamps.Seconds(now),
            ["fieldsType"] = "FieldsV1",
            ["fieldsV1"] = owned,
        });
        result.Child("metadata")["managedFields"] = managers;
        KeepTimeIfUnchanged(current, result);
        return result;
    }

    private static void ObjectCheck(JsonObject applied)
    {
        if (applied.At("metadata", "managedFields") is JsonArray { Count: > 0 })
            throw ApiException.BadRequest("metadata.managedFields must be nil");
    }

    /// <summary>Applying the same again must not make a new version only because the clock went on.</summary>
    private static void KeepTimeIfUnchanged(JsonObject? current, JsonObject result)
    {
        if (current is null)
            return;
        var before = current.DeepClone().AsObject();
        var after = result.DeepClone().AsObject();
        foreach (var entry in before.ObjectsAt("metadata", "managedFields").Concat(after.ObjectsAt("metadata", "managedFields")))
            entry.Remove("time");
        if (JsonNode.DeepEquals(before, after))
            result.Child("metadata").CopyFrom(current.ObjectAt("metadata"), "managedFields");
    }

    /// <summary>The applied object without what identifies it: nobody owns a name.</summary>
    private static JsonObject Content(JsonObject applied)
    {
        var content = applied.DeepClone().AsObject();
        content.Remove("apiVersion");
        content.Remove("kind");
        if (content.ObjectAt("metadata") is { } metadata)
        {
            foreach (var name in (ReadOnlySpan<string>)["name", "namespace", "uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"])
                metadata.Remove(name);
            if (metadata.Count == 0)
                content.Remove("metadata");
        }

        return content;
    }

    private void ResolveConflicts(JsonObject current, JsonObject applied, JsonObject owned, List<JsonObject> others)
    {
        var causes = new List<(string Manager, string Path)>();
        foreach (var other in others)
        {
            if (other.ObjectAt("fieldsV1") is not { } theirs)
                continue;
            var contested = FieldSet.Contested(current, applied, owned, theirs).ToList();
            if (force)
                contested.ForEach(path => FieldSet.Remove(theirs, path));
            else
                causes.AddRange(contested.Select(path => ($"\"{other.StringAt("manager")}\"", FieldSet.Text(path))));
        }

        if (causes.Count == 0)
            return;
        var details = new JsonObject
        {
            ["causes"] = new JsonArray([.. causes.Select(c => (JsonNode)new JsonObject
            {
                ["reason"] = "FieldManagerConflict",
                ["message"] = $"conflict with {c.Manager}",
                ["field"] = c.Path,
            })]),
        };
        var plural = causes.Count == 1 ? "conflict" : "conflicts";
        throw new ApiException(409, "Conflict", $"Apply failed with {causes.Count} {plural}: {string.Join(", ", causes.Select(c => $"conflict with {c.Manager}: {c.Path}"))}", details);
    }

    private static void MergeObject(JsonObject target, JsonObject applied, StructuralSchema? schema, string field)
    {
        foreach (var (name, value) in applied)
        {
            var member = schema?.Member(name);
            switch (value)
            {
                case JsonObject obj when target.ObjectAt(name) is { } inner:
                    MergeObject(inner, obj, member, name);
                    break;
                case JsonArray items when MergedLists.KeysOf(name, field, member) is { } keys && target.ArrayAt(name) is { } list:
                    MergeList(list, items, keys, member?.Items, name);
                    break;
                default:
                    target[name] = value?.DeepClone();
                    break;
            }
        }
    }

    private static void MergeList(JsonArray target, JsonArray applied, IReadOnlyList<string> keys, StructuralSchema? items, string field)
    {
        foreach (var item in applied)
        {
            var found = target.FirstOrDefault(t => MergedLists.SameItem(t, item, keys));
            if (found is JsonObject existing && item is JsonObject changes)
                MergeObject(existing, changes, items, field);
            else if (found is null)
                target.Add(item?.DeepClone());
        }
    }
}
