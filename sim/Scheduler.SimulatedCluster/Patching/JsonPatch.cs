using System.Globalization;
using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Json;

namespace Scheduler.SimulatedCluster.Patching;

/// <summary>JSON patch (RFC 6902).</summary>
internal static class JsonPatch
{
    private const int MaxOperations = 10_000;

    public static JsonObject Apply(JsonObject target, JsonArray operations)
    {
        if (operations.Count > MaxOperations)
            throw new ApiException(413, "RequestEntityTooLarge", $"The allowed maximum operations in a JSON patch is {MaxOperations}, got {operations.Count}");
        foreach (var node in operations)
        {
            if (node is not JsonObject operation)
                throw ApiException.BadRequest("error decoding patch: each operation must be an object");
            Apply(target, operation);
        }

        return target;
    }

    private static void Apply(JsonObject target, JsonObject operation)
    {
        var path = operation.StringAt("path") ?? throw Refused("operation without path");
        var op = operation.StringAt("op");
        switch (op)
        {
            case "add":
                Add(target, path, operation.At("value")?.DeepClone());
                break;
            case "replace":
                Remove(target, path);
                Add(target, path, operation.At("value")?.DeepClone());
                break;
            case "remove":
                Remove(target, path);
                break;
            case "move":
                Add(target, path, Remove(target, operation.StringAt("from") ?? ""));
                break;
            case "copy":
                Add(target, path, Find(target, operation.StringAt("from") ?? "")?.DeepClone());
                break;
            case "test":
                if (!JsonNode.DeepEquals(Find(target, path), operation.At("value")))
                    throw Refused($"testing value {path} failed");
                break;
            default:
                throw Refused($"unexpected kind: {op}");
        }
    }

    private static void Add(JsonObject target, string path, JsonNode? value)
    {
        var (parent, last) = Parent(target, path);
        switch (parent)
        {
            case JsonObject obj:
                obj[last] = value;
                break;
            case JsonArray array when last == "-":
                array.Add(value);
                break;
            case JsonArray array:
                array.Insert(Index(array, last, path, forInsert: true), value);
                break;
            default:
                throw Missing("add", path);
        }
    }

    private static JsonNode? Remove(JsonObject target, string path)
    {
        var (parent, last) = Parent(target, path);
        switch (parent)
        {
            case JsonObject obj when obj.TryGetPropertyValue(last, out var value):
                obj.Remove(last);
                return value;
            case JsonArray array:
                var index = Index(array, last, path, forInsert: false);
                var item = array[index];
                array.RemoveAt(index);
                return item;
            default:
                throw Missing("remove", path);
        }
    }

    private static JsonNode? Find(JsonObject target, string path)
    {
        JsonNode? node = target;
        foreach (var step in Steps(path))
        {
            node = node switch
            {
                JsonObject obj when obj.TryGetPropertyValue(step, out var value) => value,
                JsonArray array => array[Index(array, step, path, forInsert: false)],
                _ => throw Missing("test", path),
            };
        }

        return node;
    }

    private static (JsonNode? Parent, string Last) Parent(JsonObject target, string path)
    {
        var steps = Steps(path);
        if (steps.Length == 0)
            throw Refused("the whole document cannot be replaced");
        JsonNode? node = target;
        foreach (var step in steps[..^1])
        {
            node = node switch
            {
                JsonObject obj when obj.TryGetPropertyValue(step, out var value) => value,
                JsonArray array => array[Index(array, step, path, forInsert: false)],
                _ => null,
            };
        }

        return (node, steps[^1]);
    }

    private static int Index(JsonArray array, string step, string path, bool forInsert)
    {
        if (int.TryParse(step, CultureInfo.InvariantCulture, out var index) && index >= 0 && index < array.Count + (forInsert ? 1 : 0))
            return index;
        throw Refused($"error in path {path}: invalid index referenced: {step}");
    }

    private static string[] Steps(string path)
    {
        if (path.Length == 0)
            return [];
        if (path[0] != '/')
            throw Refused($"invalid path {path}");
        return [.. path[1..].Split('/').Select(s => s.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal))];
    }

    private static ApiException Missing(string op, string path) =>
        Refused($"{op} operation does not apply: doc is missing path: \"{path}\": missing value");

    private static ApiException Refused(string why) =>
        new(422, "Invalid", $"the server rejected our request due to an error in our request: {why}", new JsonObject());
}
