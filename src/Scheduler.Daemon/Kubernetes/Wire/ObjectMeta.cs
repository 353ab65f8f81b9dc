using System.Text.Json.Serialization;

namespace Scheduler.Daemon.Kubernetes.Wire;

// The wire types hold only the fields that the daemon reads or writes: of a pod that is a tenth of its JSON, so a list of
// 50,000 pods is parsed without building (and throwing away) objects for the rest. Quantities stay text until the mapping
// parses them exactly.
//
// A property with a default is settable, not init-only: generated JSON code passes init-only properties to the constructor, where
// one that is absent from the JSON becomes null and its default is lost.

/// <summary>An API object as it travels: everything the reflector needs to know about one.</summary>
internal interface IWireObject
{
    ObjectMeta Metadata { get; }
}

internal sealed record ObjectMeta
{
    public string? Name { get; init; }
    public string? GenerateName { get; init; }
    public string? Namespace { get; init; }
    public string? Uid { get; init; }
    public string? ResourceVersion { get; init; }
    public long? Generation { get; init; }
    public DateTimeOffset? CreationTimestamp { get; init; }
    public DateTimeOffset? DeletionTimestamp { get; init; }
    public long? DeletionGracePeriodSeconds { get; init; }
    public Dictionary<string, string>? Labels { get; init; }
    public Dictionary<string, string>? Annotations { get; init; }
    public List<OwnerReference>? OwnerReferences { get; init; }
}

internal sealed record OwnerReference
{
    public string? Kind { get; init; }
    public string? Name { get; init; }
    public string? Uid { get; init; }
    public bool? Controller { get; init; }
}

/// <summary>metadata of a list, and of the Status object.</summary>
internal sealed record ListMeta
{
    public string? ResourceVersion { get; init; }
    public string? Continue { get; init; }
}

/// <summary>What the API server answers when it refuses, and what an ERROR event of a watch carries.</summary>
internal sealed record StatusObject
{
    public string? Status { get; init; }
    public string? Message { get; init; }
    public string? Reason { get; init; }
    public int? Code { get; init; }
    public StatusDetails? Details { get; init; }
}

internal sealed record StatusDetails
{
    public int? RetryAfterSeconds { get; init; }
}

internal sealed record ObjectReference
{
    public string? ApiVersion { get; init; }
    public string? Kind { get; init; }
    public string? Namespace { get; init; }
    public string? Name { get; init; }
    public string? Uid { get; init; }
    public string? ResourceVersion { get; init; }
}

internal sealed record Condition
{
    public required string Type { get; init; }
    public required string Status { get; init; }
    public string? Reason { get; init; }
    public string? Message { get; init; }
    public long? ObservedGeneration { get; init; }
    public DateTimeOffset? LastProbeTime { get; init; }
    public DateTimeOffset? LastTransitionTime { get; init; }
}

/// <summary>The JSON of all wire types, generated at compile time.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PodObject))]
[JsonSerializable(typeof(NodeObject))]
[JsonSerializable(typeof(NamespaceObject))]
[JsonSerializable(typeof(TenantObject))]
[JsonSerializable(typeof(PodGroupObject))]
[JsonSerializable(typeof(WorkloadObject))]
[JsonSerializable(typeof(ClaimObject))]
[JsonSerializable(typeof(VolumeObject))]
[JsonSerializable(typeof(StorageClassObject))]
[JsonSerializable(typeof(CsiNodeObject))]
[JsonSerializable(typeof(DisruptionBudgetObject))]
[JsonSerializable(typeof(LeaseObject))]
[JsonSerializable(typeof(BindingObject))]
[JsonSerializable(typeof(EventObject))]
[JsonSerializable(typeof(EvictionObject))]
[JsonSerializable(typeof(ListMeta))]
[JsonSerializable(typeof(StatusObject))]
[JsonSerializable(typeof(PodStatusPatch))]
[JsonSerializable(typeof(MetadataPatch))]
[JsonSerializable(typeof(TenantStatusPatch))]
[JsonSerializable(typeof(TokenReviewObject))]
[JsonSerializable(typeof(AccessReviewObject))]
internal sealed partial class WireJson : JsonSerializerContext;
