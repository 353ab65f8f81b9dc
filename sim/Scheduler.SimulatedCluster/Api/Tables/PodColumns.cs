using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;
using static Scheduler.SimulatedCluster.Api.Tables.TableColumn;

namespace Scheduler.SimulatedCluster.Api.Tables;

/// <summary>The columns of pods, with the one-word status that kubectl users read first.</summary>
internal static class PodColumns
{
    public static IReadOnlyList<TableColumn> All { get; } =
    [
        NameColumn,
        Text("Ready", o => $"{o.ObjectsAt("status", "containerStatuses").Count(c => c.BoolAt("ready") == true)}/{o.ArrayAt("spec", "containers")?.Count ?? 0}"),
        Text("Status", Status),
        new("Restarts", "string", 0, "Restarts", (o, _) => $"{o.ObjectsAt("status", "containerStatuses").Sum(c => c.LongAt("restartCount") ?? 0)}"),
        Age,
        Text("IP", o => o.StringAt("status", "podIP"), 1),
        Text("Node", o => o.StringAt("spec", "nodeName"), 1),
        Text("Nominated Node", o => o.StringAt("status", "nominatedNodeName"), 1),
        Text("Readiness Gates", _ => null, 1),
    ];

    public static string Status(JsonObject pod)
    {
        var phase = pod.StringAt("status", "phase") ?? "Unknown";
        var status = pod.StringAt("status", "reason") ?? phase;
        if (phase == "Pending" && pod.ObjectsAt("status", "conditions").Any(c => c.StringAt("type") == "PodScheduled" && c.StringAt("reason") == "SchedulingGated"))
            status = "SchedulingGated";
        foreach (var container in pod.ObjectsAt("status", "containerStatuses"))
        {
            status = container.StringAt("state", "waiting", "reason")
                ?? container.StringAt("state", "terminated", "reason")
                ?? status;
        }

        if (pod.StringAt("metadata", "deletionTimestamp") is null)
            return status;
        return pod.StringAt("status", "reason") == "NodeLost" ? "Unknown" : phase is "Succeeded" or "Failed" ? status : "Terminating";
    }
}
