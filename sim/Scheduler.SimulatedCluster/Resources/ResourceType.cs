using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Api.Tables;
using Scheduler.SimulatedCluster.Schemas;
using Scheduler.SimulatedCluster.Strategies;

namespace Scheduler.SimulatedCluster.Resources;

/// <summary>A resource as one API version serves it: its names, what it can do, and the rules for its objects.</summary>
internal sealed record ResourceType
{
    public required string Group { get; init; }

    public required string Version { get; init; }

    public required string Plural { get; init; }

    public required string Kind { get; init; }

    public string Singular { get; init; } = "";

    public string ListKind => ListKindOverride ?? Kind + "List";

    public string? ListKindOverride { get; init; }

    public bool IsNamespaced { get; init; } = true;

    public IReadOnlyList<string> ShortNames { get; init; } = [];

    public IReadOnlyList<string> Categories { get; init; } = [];

    public bool HasStatus { get; init; }

    public bool HasScale { get; init; }

    /// <summary>Whether metadata.generation counts the changes of the specification.</summary>
    public bool TracksGeneration { get; init; }

    /// <summary>Whether an update may leave out the resourceVersion.</summary>
    public bool AllowsUnconditionalUpdate { get; init; } = true;

    /// <summary>Whether an update of an object that does not exist creates it (leases and events, as on the real server).</summary>
    public bool AllowsCreateOnUpdate { get; init; }

    /// <summary>Fields for field selectors, beside metadata.name and metadata.namespace.</summary>
    public IReadOnlyList<string> ExtraSelectableFields { get; init; } = [];

    public ObjectStrategy Strategy { get; init; } = ObjectStrategy.Plain;

    public IReadOnlyList<TableColumn> Columns { get; init; } = TableColumn.NameAndAge;

    /// <summary>The structural schema of a custom resource; built-in kinds have none.</summary>
    public StructuralSchema? Schema { get; init; }

    /// <summary>The schema as its definition spells it, for the OpenAPI document.</summary>
    public JsonObject? OpenApiSchema { get; init; }

    public bool IsCustom { get; init; }

    /// <summary>Two API groups may serve the same objects (events); then they share this name.</summary>
    public string? StorageNameOverride { get; init; }

    /// <summary>Rewrites an object from the storage version to this one, in place.</summary>
    public Action<JsonObject>? FromStorage { get; init; }

    /// <summary>Rewrites an object of this version to the storage version, in place.</summary>
    public Action<JsonObject>? ToStorage { get; init; }

    public string StorageName => StorageNameOverride ?? QualifiedName;

    public string QualifiedName => Group.Length == 0 ? Plural : $"{Plural}.{Group}";

    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    public IReadOnlyList<string> SelectableFields => ["metadata.name", "metadata.namespace", .. ExtraSelectableFields];

    /// <summary>Field names of this version that select a field of the storage version.</summary>
    public IReadOnlyDictionary<string, string> FieldAliases { get; init; } = new Dictionary<string, string>();

    public static IReadOnlyList<string> Verbs { get; } = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
}
