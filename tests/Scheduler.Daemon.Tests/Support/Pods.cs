using System.Text.Json;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Kubernetes.Wire;

namespace Scheduler.Daemon.Tests.Support;

/// <summary>Pods as the API writes them.</summary>
internal static class Pods
{
    public static readonly PodMappingSettings Settings = new() { TopologyLevels = ["topology.kubernetes.io/zone", "example.com/rack"] };

    /// <param name="spec">More of the spec, as JSON members.</param>
    /// <param name="annotations">Annotations, without the prefix.</param>
    /// <param name="name">Its name; its uid is <c>uid-NAME</c>.</param>
    /// <param name="meta">More of the metadata, as JSON members.</param>
    /// <param name="status">Members of the status.</param>
    public static PodObject Parse(
        string spec = "", (string Name, string Value)[]? annotations = null, string name = "p", string meta = "", string status = "")
    {
        var written = JsonSerializer.Serialize((annotations ?? []).ToDictionary(pair => Annotations.Prefix + pair.Name, pair => pair.Value));
        var json = $$"""
            {"metadata":{"name":"{{name}}","namespace":"ns","uid":"uid-{{name}}","creationTimestamp":"2026-01-01T00:00:00Z",
             "annotations":{{written}}{{Comma(meta)}} },
             "spec":{"schedulerName":"weir"{{Comma(spec)}} },"status":{ {{status}} } }
            """;
        return JsonSerializer.Deserialize(json, WireJson.Default.PodObject)!;
    }

    public static PodRecord Map(
        string spec = "", (string Name, string Value)[]? annotations = null, string name = "p", string meta = "", string status = "") =>
        PodMapping.Map(Parse(spec, annotations, name, meta, status), Settings);

    /// <summary>One container with these requests, as JSON members.</summary>
    public static string Requests(string members) => $$$"""
        "containers":[{"name":"c","resources":{"requests":{ {{{members}}} } } }]
        """;

    public static string Gpus(int count) => Requests($"\"nvidia.com/gpu\":\"{count}\"");

    private static string Comma(string members) => members.Length == 0 ? "" : "," + members;
}
