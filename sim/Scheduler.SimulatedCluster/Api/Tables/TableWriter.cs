using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Resources;

namespace Scheduler.SimulatedCluster.Api.Tables;

/// <summary>Builds objects of kind Table and the metadata-only form.</summary>
internal static class TableWriter
{
    public static JsonObject Table(ResourceType type, IEnumerable<JsonObject> objects, JsonObject metadata, DateTimeOffset now, string? includeObject, bool withColumns = true)
    {
        var table = new JsonObject
        {
            ["kind"] = "Table",
            ["apiVersion"] = "meta.k8s.io/v1",
            ["metadata"] = metadata,
            ["columnDefinitions"] = withColumns
                ? new JsonArray([.. type.Columns.Select(c => (JsonNode)new JsonObject
                {
                    ["name"] = c.Name,
                    ["type"] = c.Type,
                    ["format"] = c.Format,
                    ["description"] = c.Description,
                    ["priority"] = c.Priority,
                })])
                : null,
        };
        var rows = new JsonArray();
        foreach (var obj in objects)
            rows.Add((JsonNode)Row(type, obj, now, includeObject));
        table["rows"] = rows;
        return table;
    }

    public static JsonObject PartialMetadata(JsonObject obj) => new()
    {
        ["kind"] = "PartialObjectMetadata",
        ["apiVersion"] = "meta.k8s.io/v1",
        ["metadata"] = obj.ObjectAt("metadata")?.DeepClone(),
    };

    private static JsonObject Row(ResourceType type, JsonObject obj, DateTimeOffset now, string? includeObject)
    {
        var row = new JsonObject { ["cells"] = new JsonArray([.. type.Columns.Select(c => c.Cell(obj, now))]) };
        if (type.StorageName == "pods" && obj.StringAt("status", "phase") is ("Succeeded" or "Failed") and var phase)
            row["conditions"] = new JsonArray(new JsonObject { ["type"] = "Completed", ["status"] = "True", ["reason"] = phase, ["message"] = "The pod is finished." });
        switch (includeObject)
        {
            case "None":
                break;
            case "Object":
                row["object"] = obj.DeepClone();
                break;
            default:
                row["object"] = PartialMetadata(obj);
                break;
        }

        return row;
    }
}
