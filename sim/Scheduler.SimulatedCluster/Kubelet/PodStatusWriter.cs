using System.Globalization;
using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Controllers;
using Scheduler.SimulatedCluster.Json;

namespace Scheduler.SimulatedCluster.Kubelet;

/// <summary>The statuses that a kubelet writes. Each changes a pod in place.</summary>
internal static class PodStatusWriter
{
    public static void Creating(JsonObject pod, string hostAddress, DateTimeOffset now)
    {
        var status = pod.Child("status");
        status["phase"] = "Pending";
        if (hostAddress.Length > 0)
            status["hostIP"] = hostAddress;
        status["startTime"] = Timestamps.Seconds(now);
        PodConditions.Set(pod, "Initialized", "True", null, null, now);
        PodConditions.Set(pod, "Ready", "False", "ContainersNotReady", "containers are being created", now);
        PodConditions.Set(pod, "ContainersReady", "False", "ContainersNotReady", "containers are being created", now);
        status["containerStatuses"] = Containers(pod, false, 0, () => new JsonObject { ["waiting"] = new JsonObject { ["reason"] = "ContainerCreating" } });
    }

    public static void Running(JsonObject pod, string hostAddress, string podAddress, long restarts, DateTimeOffset now)
    {
        var status = pod.Child("status");
        var time = Timestamps.Seconds(now);
        status["phase"] = "Running";
        if (hostAddress.Length > 0)
            status["hostIP"] = hostAddress;
        status["podIP"] = podAddress;
        status["podIPs"] = new JsonArray(new JsonObject { ["ip"] = podAddress });
        status.SetDefault("startTime", time);
        foreach (var condition in (ReadOnlySpan<string>)["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"])
            PodConditions.Set(pod, condition, "True", null, null, now);
        status["containerStatuses"] = Containers(pod, true, restarts, () => new JsonObject { ["running"] = new JsonObject { ["startedAt"] = time } });
    }

    public static void Ended(JsonObject pod, int exitCode, DateTimeOffset now)
    {
        var status = pod.Child("status");
        var started = status.ObjectsAt("containerStatuses").FirstOrDefault().StringAt("state", "running", "startedAt") ?? Timestamps.Seconds(now);
        var restarts = status.ObjectsAt("containerStatuses").FirstOrDefault().LongAt("restartCount") ?? 0;
        var reason = exitCode == 0 ? "PodCompleted" : "PodFailed";
        status["phase"] = exitCode == 0 ? "Succeeded" : "Failed";
        PodConditions.Set(pod, "Ready", "False", reason, null, now);
        PodConditions.Set(pod, "ContainersReady", "False", reason, null, now);
        status["containerStatuses"] = Containers(pod, false, restarts, () => new JsonObject
        {
            ["terminated"] = new JsonObject
            {
                ["exitCode"] = exitCode,
                ["reason"] = exitCode == 0 ? "Completed" : "Error",
                ["startedAt"] = started,
                ["finishedAt"] = Timestamps.Seconds(now),
            },
        });
    }

    public static void Refused(JsonObject pod, string reason, string message, DateTimeOffset now)
    {
        var status = pod.Child("status");
        status["phase"] = "Failed";
        status["reason"] = reason;
        status["message"] = message;
        status["startTime"] = Timestamps.Seconds(now);
    }

    private static JsonArray Containers(JsonObject pod, bool isReady, long restarts, Func<JsonObject> state)
    {
        var uid = pod.StringAt("metadata", "uid");
        return new JsonArray([.. pod.ObjectsAt("spec", "containers").Select((c, i) => (JsonNode)new JsonObject
        {
            ["name"] = c.StringAt("name"),
            ["image"] = c.StringAt("image"),
            ["imageID"] = isReady ? "simulated://" + c.StringAt("image") : "",
            ["containerID"] = isReady ? string.Create(CultureInfo.InvariantCulture, $"simulated://{uid}/{i}") : "",
            ["ready"] = isReady,
            ["started"] = isReady,
            ["restartCount"] = restarts,
            ["state"] = state(),
            ["lastState"] = new JsonObject(),
        })]);
    }
}
