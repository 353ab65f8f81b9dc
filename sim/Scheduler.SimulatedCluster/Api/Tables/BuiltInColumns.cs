using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;
using static Scheduler.SimulatedCluster.Api.Tables.TableColumn;

namespace Scheduler.SimulatedCluster.Api.Tables;

/// <summary>The columns of the built-in kinds, pods apart.</summary>
internal static class BuiltInColumns
{
    public static IReadOnlyList<TableColumn> Namespaces { get; } = [NameColumn, Text("Status", o => o.StringAt("status", "phase")), Age];

    public static IReadOnlyList<TableColumn> Nodes { get; } =
    [
        NameColumn,
        Text("Status", NodeStatus),
        Text("Roles", NodeRoles),
        Age,
        Text("Version", o => o.StringAt("status", "nodeInfo", "kubeletVersion")),
        Text("Internal-IP", o => o.ObjectsAt("status", "addresses").FirstOrDefault(a => a.StringAt("type") == "InternalIP").StringAt("address"), 1),
        Text("External-IP", o => o.ObjectsAt("status", "addresses").FirstOrDefault(a => a.StringAt("type") == "ExternalIP").StringAt("address"), 1),
        Text("OS-Image", o => o.StringAt("status", "nodeInfo", "osImage"), 1),
        Text("Kernel-Version", o => o.StringAt("status", "nodeInfo", "kernelVersion"), 1),
        Text("Container-Runtime", o => o.StringAt("status", "nodeInfo", "containerRuntimeVersion"), 1),
        Text("GPU", o => o.StringAt("status", "allocatable", "nvidia.com/gpu"), 1),
        Text("GPU-Product", o => o.StringAt("metadata", "labels", "nvidia.com/gpu.product"), 1),
    ];

    public static IReadOnlyList<TableColumn> Events { get; } =
    [
        new("Last Seen", "string", 0, "Last seen", (o, now) => HumanDuration.Since(EventTime(o), now)),
        Text("Type", o => o.StringAt("type")),
        Text("Reason", o => o.StringAt("reason")),
        Text("Object", o => $"{(o.StringAt("involvedObject", "kind") ?? o.StringAt("regarding", "kind"))?.ToLowerInvariant()}/{o.StringAt("involvedObject", "name") ?? o.StringAt("regarding", "name")}"),
        Text("Subobject", o => o.StringAt("involvedObject", "fieldPath"), 1),
        Text("Source", o => o.StringAt("source", "component") ?? o.StringAt("reportingComponent"), 1),
        Text("Message", o => (o.StringAt("message") ?? o.StringAt("note"))?.Trim()),
        new("First Seen", "string", 1, "First seen", (o, now) => HumanDuration.Since(o.StringAt("firstTimestamp") ?? EventTime(o), now)),
        Number("Count", o => o.LongAt("count") ?? o.LongAt("series", "count") ?? 1, 1),
        new("Name", "string", 1, "Name", (o, _) => o.StringAt("metadata", "name")) { Format = "name" },
    ];

    public static IReadOnlyList<TableColumn> ConfigMaps { get; } = [NameColumn, Number("Data", o => Count(o, "data") + Count(o, "binaryData")), Age];

    public static IReadOnlyList<TableColumn> Secrets { get; } = [NameColumn, Text("Type", o => o.StringAt("type")), Number("Data", o => Count(o, "data")), Age];

    public static IReadOnlyList<TableColumn> Services { get; } =
    [
        NameColumn,
        Text("Type", o => o.StringAt("spec", "type") ?? "ClusterIP"),
        Text("Cluster-IP", o => o.StringAt("spec", "clusterIP")),
        Text("External-IP", _ => null),
        Text("Port(s)", o => string.Join(',', o.ObjectsAt("spec", "ports").Select(p => $"{p.At("port")}/{p.StringAt("protocol") ?? "TCP"}"))),
        Age,
        Text("Selector", o => SelectorText(o.ObjectAt("spec", "selector")), 1),
    ];

    public static IReadOnlyList<TableColumn> Deployments { get; } =
    [
        NameColumn,
        Text("Ready", o => $"{o.LongAt("status", "readyReplicas") ?? 0}/{o.LongAt("spec", "replicas") ?? 1}"),
        Number("Up-to-date", o => o.LongAt("status", "updatedReplicas") ?? 0),
        Number("Available", o => o.LongAt("status", "availableReplicas") ?? 0),
        Age,
        .. Template(),
    ];

    public static IReadOnlyList<TableColumn> ReplicaSets { get; } =
    [
        NameColumn,
        Number("Desired", o => o.LongAt("spec", "replicas") ?? 1),
        Number("Current", o => o.LongAt("status", "replicas") ?? 0),
        Number("Ready", o => o.LongAt("status", "readyReplicas") ?? 0),
        Age,
        .. Template(),
    ];

    public static IReadOnlyList<TableColumn> StatefulSets { get; } =
        [NameColumn, Text("Ready", o => $"{o.LongAt("status", "readyReplicas") ?? 0}/{o.LongAt("spec", "replicas") ?? 1}"), Age];

    public static IReadOnlyList<TableColumn> Jobs { get; } =
    [
        NameColumn,
        Text("Status", JobStatus),
        Text("Completions", o => $"{o.LongAt("status", "succeeded") ?? 0}/{JobCompletions(o)}"),
        new("Duration", "string", 0, "Duration", (o, now) => JobDuration(o, now)),
        Age,
        .. Template(),
    ];

    public static IReadOnlyList<TableColumn> Leases { get; } = [NameColumn, Text("Holder", o => o.StringAt("spec", "holderIdentity")), Age];

    public static IReadOnlyList<TableColumn> PriorityClasses { get; } =
    [
        NameColumn,
        Number("Value", o => o.LongAt("value") ?? 0),
        new("Global-Default", "boolean", 0, "Global default", (o, _) => o.BoolAt("globalDefault") ?? false),
        Age,
        Text("PreemptionPolicy", o => o.StringAt("preemptionPolicy")),
    ];

    public static IReadOnlyList<TableColumn> DisruptionBudgets { get; } =
    [
        NameColumn,
        Text("Min Available", o => o.At("spec", "minAvailable")?.ToString() ?? "N/A"),
        Text("Max Unavailable", o => o.At("spec", "maxUnavailable")?.ToString() ?? "N/A"),
        Number("Allowed Disruptions", o => o.LongAt("status", "disruptionsAllowed") ?? 0),
        Age,
    ];

    public static IReadOnlyList<TableColumn> Definitions { get; } =
        [NameColumn, new("Created At", "string", 0, "Created at", (o, _) => o.StringAt("metadata", "creationTimestamp"))];

    private static IEnumerable<TableColumn> Template() =>
    [
        Text("Containers", o => string.Join(',', o.ObjectsAt("spec", "template", "spec", "containers").Select(c => c.StringAt("name"))), 1),
        Text("Images", o => string.Join(',', o.ObjectsAt("spec", "template", "spec", "containers").Select(c => c.StringAt("image"))), 1),
        Text("Selector", o => SelectorText(o.ObjectAt("spec", "selector", "matchLabels")), 1),
    ];

    private static long Count(JsonObject obj, string name) => obj.ObjectAt(name)?.Count ?? 0;

    private static string SelectorText(JsonObject? labels) => string.Join(',', labels?.Select(p => $"{p.Key}={p.Value}") ?? []);

    private static string NodeStatus(JsonObject node)
    {
        var ready = node.ObjectsAt("status", "conditions").FirstOrDefault(c => c.StringAt("type") == "Ready").StringAt("status");
        var status = ready switch { "True" => "Ready", null => "Unknown", _ => "NotReady" };
        return node.BoolAt("spec", "unschedulable") == true ? status + ",SchedulingDisabled" : status;
    }

    private static string NodeRoles(JsonObject node)
    {
        const string Prefix = "node-role.kubernetes.io/";
        return string.Join(',', node.StringMap("metadata", "labels").Keys.Where(k => k.StartsWith(Prefix, StringComparison.Ordinal)).Select(k => k[Prefix.Length..]).Order(StringComparer.Ordinal));
    }

    private static string? EventTime(JsonObject e) =>
        e.StringAt("series", "lastObservedTime") ?? e.StringAt("lastTimestamp") ?? e.StringAt("deprecatedLastTimestamp") ?? e.StringAt("eventTime") ?? e.StringAt("metadata", "creationTimestamp");

    private static string JobStatus(JsonObject job)
    {
        bool Has(string type) => job.ObjectsAt("status", "conditions").Any(c => c.StringAt("type") == type && c.StringAt("status") == "True");
        return Has("Complete") ? "Complete"
            : Has("Failed") ? "Failed"
            : job.StringAt("metadata", "deletionTimestamp") is not null ? "Terminating"
            : job.BoolAt("spec", "suspend") == true ? "Suspended"
            : "Running";
    }

    private static string JobCompletions(JsonObject job) =>
        job.At("spec", "completions")?.ToString() ?? ((job.LongAt("spec", "parallelism") ?? 1) > 1 ? $"1 of {job.At("spec", "parallelism")}" : "1");

    private static string JobDuration(JsonObject job, DateTimeOffset now)
    {
        if (Timestamps.Parse(job.StringAt("status", "startTime")) is not { } start)
            return "";
        return HumanDuration.Format((Timestamps.Parse(job.StringAt("status", "completionTime")) ?? now) - start);
    }
}
