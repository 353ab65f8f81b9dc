using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Strategies;

/// <summary>What a strategy may ask while an object is written.</summary>
internal sealed record WriteContext(ResourceType Type, IObjectReader Reader, DateTimeOffset Now);

/// <summary>Reads other objects while one is written.</summary>
internal interface IObjectReader
{
    StoredObject? Find(string group, string plural, ObjectKey key);

    IEnumerable<StoredObject> List(string group, string plural, string? inNamespace);
}

/// <summary>
/// The rules of one kind: defaults, what a client may not set, what may not change, what is invalid. The base class holds the
/// rules that all kinds share; <see cref="Plain"/> has no others.
/// </summary>
internal class ObjectStrategy
{
    public static ObjectStrategy Plain { get; } = new();

    /// <summary>Whether creating drops the status that the client sent.</summary>
    protected virtual bool ClearsStatusOnCreate => true;

    /// <summary>The name rule: DNS subdomain for most kinds.</summary>
    public virtual string? NameError(string name) => NameRules.Subdomain(name);

    public virtual void PrepareCreate(JsonObject obj, WriteContext context)
    {
        if (context.Type.HasStatus && ClearsStatusOnCreate)
            obj.Remove("status");
    }

    /// <summary>An update through the main resource: the status stays as it was.</summary>
    public virtual void PrepareUpdate(JsonObject obj, JsonObject old, WriteContext context)
    {
        if (context.Type.HasStatus)
            obj.CopyFrom(old, "status");
    }

    /// <summary>An update through the status subresource: everything but status and labels and annotations stays.</summary>
    public virtual void PrepareStatusUpdate(JsonObject obj, JsonObject old, WriteContext context)
    {
        foreach (var name in old.Select(p => p.Key).Union(obj.Select(p => p.Key)).ToList())
        {
            if (name is not ("status" or "metadata"))
                obj.CopyFrom(old, name);
        }

        var metadata = obj.Child("metadata");
        metadata.CopyFrom(old.ObjectAt("metadata"), "ownerReferences");
        metadata.CopyFrom(old.ObjectAt("metadata"), "finalizers");
    }

    /// <summary>Adds what the schema defaults, on every write.</summary>
    public virtual void Default(JsonObject obj, WriteContext context)
    {
    }

    public virtual void Validate(JsonObject obj, WriteContext context, List<FieldError> errors)
    {
    }

    public virtual void ValidateUpdate(JsonObject obj, JsonObject old, WriteContext context, List<FieldError> errors)
    {
    }

    /// <summary>Whether a change needs a new generation. Called only for kinds that track it.</summary>
    public virtual bool ChangesGeneration(JsonObject obj, JsonObject old) =>
        !JsonNode.DeepEquals(obj.At("spec"), old.At("spec"));
}
