using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;

namespace Scheduler.SimulatedCluster.Controllers;

/// <summary>Sets conditions; the transition time moves only when the status does.</summary>
internal static class PodConditions
{
    public static void Set(JsonObject obj, string type, string status, string? reason, string? message, DateTimeOffset now)
    {
        var conditions = obj.Child("status").ChildArray("conditions");
        var condition = conditions.OfType<JsonObject>().FirstOrDefault(c => c.StringAt("type") == type);
        if (condition is null)
        {
            condition = new JsonObject { ["type"] = type };
            conditions.Add((JsonNode)condition);
        }

        if (condition.StringAt("status") != status)
        {
            condition["status"] = status;
            condition["lastTransitionTime"] = Timestamps.Seconds(now);
        }

        SetOrRemove(condition, "reason", reason);
        SetOrRemove(condition, "message", message);
    }

    public static bool IsTrue(JsonNode? obj, string type) =>
        obj.ObjectsAt("status", "conditions").Any(c => c.StringAt("type") == type && c.StringAt("status") == "True");

    private static void SetOrRemove(JsonObject condition, string name, string? value)
    {
        if (value is null)
            condition.Remove(name);
        else
            condition[name] = value;
    }
}
