using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;

namespace Scheduler.SimulatedCluster.Strategies;

/// <summary>What the API server fills into a pod specification.</summary>
internal static class PodDefaults
{
    public static void Apply(JsonObject spec)
    {
        spec.SetDefault("restartPolicy", "Always");
        spec.SetDefault("terminationGracePeriodSeconds", 30);
        spec.SetDefault("dnsPolicy", "ClusterFirst");
        spec.SetDefault("schedulerName", "default-scheduler");
        spec.SetDefault("enableServiceLinks", true);
        if (spec.At("securityContext") is null)
            spec["securityContext"] = new JsonObject();
        foreach (var container in Containers(spec))
        {
            container.SetDefault("terminationMessagePath", "/dev/termination-log");
            container.SetDefault("terminationMessagePolicy", "File");
            container.SetDefault("imagePullPolicy", PullPolicy(container.StringAt("image") ?? ""));
            if (container.At("resources") is null)
                container["resources"] = new JsonObject();
            RequestsFromLimits(container);
            foreach (var port in container.ObjectsAt("ports"))
                port.SetDefault("protocol", "TCP");
        }
    }

    /// <summary>A pod that says nothing else stays for 5 minutes on a node that is not ready or out of reach.</summary>
    public static void TolerateBrokenNodesForAWhile(JsonObject spec)
    {
        foreach (var key in (ReadOnlySpan<string>)["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"])
        {
            var isTolerated = spec.ObjectsAt("tolerations").Any(t =>
                (t.StringAt("key") is null or "" || t.StringAt("key") == key) && t.StringAt("effect") is null or "" or "NoExecute");
            if (!isTolerated)
                spec.ChildArray("tolerations").Add((JsonNode)new JsonObject { ["key"] = key, ["operator"] = "Exists", ["effect"] = "NoExecute", ["tolerationSeconds"] = 300 });
        }
    }

    public static IEnumerable<JsonObject> Containers(JsonObject spec) => spec.ObjectsAt("initContainers").Concat(spec.ObjectsAt("containers"));

    /// <summary>Guaranteed, Burstable or BestEffort, from cpu and memory only.</summary>
    public static string QosClass(JsonObject spec)
    {
        bool any = false, isGuaranteed = true;
        foreach (var container in Containers(spec))
        {
            foreach (var resource in (ReadOnlySpan<string>)["cpu", "memory"])
            {
                var hasRequest = Quantity.TryParse(Text(container.At("resources", "requests", resource)), out var request) && request > 0;
                var hasLimit = Quantity.TryParse(Text(container.At("resources", "limits", resource)), out var limit) && limit > 0;
                any |= hasRequest || hasLimit;
                isGuaranteed &= hasLimit && (!hasRequest || request == limit);
            }
        }

        return !any ? "BestEffort" : isGuaranteed ? "Guaranteed" : "Burstable";
    }

    /// <summary>A quantity may be written as a number or as text.</summary>
    public static string? Text(JsonNode? node) => node switch
    {
        null => null,
        JsonValue value when value.TryGetValue<string>(out var text) => text,
        _ => node.ToJsonString(),
    };

    private static void RequestsFromLimits(JsonObject container)
    {
        var resources = container.Child("resources");
        foreach (var which in (ReadOnlySpan<string>)["limits", "requests"])
            NumbersToText(resources.ObjectAt(which));
        if (resources.ObjectAt("limits") is not { Count: > 0 } limits)
            return;
        var requests = resources.Child("requests");
        foreach (var (name, limit) in limits)
        {
            if (limit is not null && !requests.ContainsKey(name))
                requests[name] = limit.DeepClone();
        }
    }

    /// <summary>Quantities are stored as text, however they were written: <c>nvidia.com/gpu: 1</c> reads back as "1".</summary>
    public static void NumbersToText(JsonObject? quantities)
    {
        foreach (var name in quantities?.Select(p => p.Key).ToList() ?? [])
        {
            if (quantities![name] is JsonValue value && !value.TryGetValue<string>(out _))
                quantities[name] = value.ToJsonString();
        }
    }

    private static string PullPolicy(string image)
    {
        var tag = image.LastIndexOf(':');
        return tag < image.LastIndexOf('/') || tag < 0 || image.EndsWith(":latest", StringComparison.Ordinal) ? "Always" : "IfNotPresent";
    }
}
