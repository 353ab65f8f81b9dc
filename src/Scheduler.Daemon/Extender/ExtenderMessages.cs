using System.Text.Json;
using System.Text.Json.Serialization;

namespace Scheduler.Daemon.Extender;

// The envelopes of kube-scheduler's extender protocol. Their names are those of Go's fields, and are read in any case; the objects
// inside are ordinary ones of the API. Pods and nodes stay JSON: of a pod only what the mapping reads is read, a node goes back as it came.

/// <summary>Request of filter and prioritize.</summary>
internal sealed record ExtenderArgs
{
    [JsonPropertyName("Pod")]
    public JsonElement? Pod { get; init; }

    /// <summary>The nodes, where the extender is not nodeCacheCapable.</summary>
    [JsonPropertyName("Nodes")]
    public NodeItems? Nodes { get; init; }

    /// <summary>Their names, where it is.</summary>
    [JsonPropertyName("NodeNames")]
    public List<string?>? NodeNames { get; init; }
}

/// <summary>A NodeList.</summary>
internal sealed record NodeItems
{
    [JsonPropertyName("metadata")]
    public JsonElement? Metadata { get; init; }

    [JsonPropertyName("items")]
    public List<JsonElement>? Items { get; init; }
}

/// <summary>Answer to filter.</summary>
internal sealed record ExtenderFilterResult
{
    [JsonPropertyName("Nodes")]
    public NodeItems? Nodes { get; init; }

    [JsonPropertyName("NodeNames")]
    public IReadOnlyList<string>? NodeNames { get; init; }

    [JsonPropertyName("FailedNodes")]
    public SortedDictionary<string, string>? FailedNodes { get; init; }

    /// <summary>Nodes on which preemption by kube-scheduler would not help; not known to it before 1.21.</summary>
    [JsonPropertyName("FailedAndUnresolvableNodes")]
    public SortedDictionary<string, string>? FailedAndUnresolvableNodes { get; init; }

    [JsonPropertyName("Error")]
    public string Error { get; init; } = "";
}

/// <summary>One line of the answer to prioritize.</summary>
internal sealed record HostPriority
{
    [JsonPropertyName("Host")]
    public required string Host { get; init; }

    [JsonPropertyName("Score")]
    public required long Score { get; init; }
}

/// <summary>Request of preempt.</summary>
internal sealed record ExtenderPreemptionArgs
{
    [JsonPropertyName("Pod")]
    public JsonElement? Pod { get; init; }

    [JsonPropertyName("NodeNameToVictims")]
    public Dictionary<string, Victims?>? NodeNameToVictims { get; init; }

    [JsonPropertyName("NodeNameToMetaVictims")]
    public Dictionary<string, MetaVictims?>? NodeNameToMetaVictims { get; init; }
}

/// <summary>Whole pods that would have to go.</summary>
internal sealed record Victims
{
    [JsonPropertyName("Pods")]
    public List<JsonElement>? Pods { get; init; }

    [JsonPropertyName("NumPDBViolations")]
    public long NumPdbViolations { get; init; }
}

/// <summary>Pods that would have to go, by UID.</summary>
internal sealed record MetaVictims
{
    [JsonPropertyName("Pods")]
    public List<MetaPod?>? Pods { get; init; }

    [JsonPropertyName("NumPDBViolations")]
    public long NumPdbViolations { get; init; }
}

internal sealed record MetaPod
{
    [JsonPropertyName("UID")]
    public string? Uid { get; init; }
}

/// <summary>Answer to preempt. A node that is not in it is not a candidate any more.</summary>
internal sealed record ExtenderPreemptionResult
{
    [JsonPropertyName("NodeNameToMetaVictims")]
    public required SortedDictionary<string, MetaVictims> NodeNameToMetaVictims { get; init; }
}

/// <summary>Request of bind.</summary>
internal sealed record ExtenderBindingArgs
{
    [JsonPropertyName("PodName")]
    public string? PodName { get; init; }

    [JsonPropertyName("PodNamespace")]
    public string? PodNamespace { get; init; }

    [JsonPropertyName("PodUID")]
    public string? PodUid { get; init; }

    [JsonPropertyName("Node")]
    public string? Node { get; init; }
}

/// <summary>Answer to bind.</summary>
internal sealed record ExtenderBindingResult
{
    [JsonPropertyName("Error")]
    public string Error { get; init; } = "";
}

[JsonSourceGenerationOptions(PropertyNameCaseInsensitive = true)]
[JsonSerializable(typeof(ExtenderArgs))]
[JsonSerializable(typeof(ExtenderFilterResult))]
[JsonSerializable(typeof(IReadOnlyList<HostPriority>))]
[JsonSerializable(typeof(ExtenderPreemptionArgs))]
[JsonSerializable(typeof(ExtenderPreemptionResult))]
[JsonSerializable(typeof(ExtenderBindingArgs))]
[JsonSerializable(typeof(ExtenderBindingResult))]
internal sealed partial class ExtenderJson : JsonSerializerContext;
