using System.Text.Json;
using System.Text.Json.Nodes;

namespace Scheduler.SimulatedCluster.Storage;

/// <summary>The place of an object in its resource. Cluster-scoped objects have an empty namespace.</summary>
internal readonly record struct ObjectKey(string Namespace, string Name)
{
    /// <summary>The order of lists: by namespace, then by name.</summary>
    public static Comparer<ObjectKey> Order { get; } = Comparer<ObjectKey>.Create((a, b) =>
        string.CompareOrdinal(a.Namespace, b.Namespace) is var byNamespace and not 0 ? byNamespace : string.CompareOrdinal(a.Name, b.Name));
}

/// <summary>
/// One version of one object: its serialised JSON and what selectors, watches and garbage collection ask for. Immutable, so
/// readers share it without locks, and a watch sends exactly the bytes that were stored.
/// </summary>
internal sealed class StoredObject
{
    public required ObjectKey Key { get; init; }

    public required string Uid { get; init; }

    public required long ResourceVersion { get; init; }

    /// <summary>The whole object as UTF-8 JSON, in the storage version.</summary>
    public required ReadOnlyMemory<byte> Json { get; init; }

    public required IReadOnlyDictionary<string, string> Labels { get; init; }

    /// <summary>The values of the resource's selectable fields, in the order of <see cref="ResourceBucket.SelectableFields"/>.</summary>
    public required string[] FieldValues { get; init; }

    public required bool IsDeleting { get; init; }

    public required string[] OwnerUids { get; init; }

    /// <summary>A fresh tree that the caller may change.</summary>
    public JsonObject Parse() => JsonNode.Parse(Json.Span)!.AsObject();

    /// <summary>A read-only view.</summary>
    public JsonDocument Read() => JsonDocument.Parse(Json);
}
