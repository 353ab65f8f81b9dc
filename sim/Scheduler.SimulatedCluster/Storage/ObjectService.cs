using System.Globalization;
using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Strategies;

namespace Scheduler.SimulatedCluster.Storage;

/// <summary>
/// The rules of creating, changing and deleting, above the store and below HTTP: controllers and kubelets use it directly.
/// Deleting lives in <see cref="ObjectDeletion"/>.
/// </summary>
internal sealed class ObjectService : IObjectReader
{
    public ObjectService(VersionedStore store, ResourceRegistry registry, TimeProvider clock, Random random)
    {
        Store = store;
        Registry = registry;
        Clock = clock;
        Random = random;
    }

    public VersionedStore Store { get; }

    public ResourceRegistry Registry { get; }

    public TimeProvider Clock { get; }

    /// <summary>Where uids and generated names come from.</summary>
    public Random Random { get; }

    /// <summary>Called after an object was stored or removed, outside the lock.</summary>
    public Action<ResourceType, StoredObject, bool>? Committed { get; set; }

    public ResourceBucket Bucket(ResourceType type) =>
        Store.FindBucket(type.StorageName) ?? Store.Bucket(type.StorageName, type.SelectableFields);

    public StoredObject? Find(ResourceType type, ObjectKey key) => Bucket(type).Find(key);

    public StoredObject Get(ResourceType type, ObjectKey key) => Find(type, key) ?? throw ApiException.NotFound(type, key.Name);

    public StoredObject? Find(string group, string plural, ObjectKey key) => Find(Registry.Require(group, plural), key);

    public IEnumerable<StoredObject> List(string group, string plural, string? inNamespace) =>
        Bucket(Registry.Require(group, plural)).Snapshot(inNamespace);

    public StoredObject Create(ResourceType type, string inNamespace, JsonObject obj, WriteOptions options)
    {
        var metadata = PrepareMetadata(type, inNamespace, obj);
        type.ToStorage?.Invoke(obj);
        var context = new WriteContext(type, this, Clock.GetUtcNow());
        type.Strategy.PrepareCreate(obj, context);
        type.Strategy.Default(obj, context);
        var generated = metadata.StringAt("name") is null or "" ? metadata.StringAt("generateName") : null;
        for (var attempt = 0; ; attempt++)
        {
            if (!string.IsNullOrEmpty(generated))
                metadata["name"] = NameGenerator.Generate(generated, Random);
            Validate(type, obj, null, context);
            var key = new ObjectKey(metadata.StringAt("namespace") ?? "", metadata.StringAt("name")!);
            var prepared = new PreparedObject(obj, Bucket(type).SelectableFields);
            if (Find(type, key) is null)
            {
                if (options.IsDryRun)
                    return prepared.AtVersion(Store.CurrentVersion);
                if (Store.TryPut(Bucket(type), null, prepared) is { } stored)
                {
                    Committed?.Invoke(type, stored, false);
                    return stored;
                }
            }

            // A generated name that is taken is worth a few more draws; a chosen name is not.
            if (string.IsNullOrEmpty(generated) || attempt >= 7)
                throw ApiException.AlreadyExists(type, key.Name);
        }
    }

    /// <summary>A random UUID (version 4).</summary>
    public string NewUid()
    {
        Span<byte> bytes = stackalloc byte[16];
        Random.NextBytes(bytes);
        (bytes[6], bytes[8]) = ((byte)((bytes[6] & 0x0f) | 0x40), (byte)((bytes[8] & 0x3f) | 0x80));
        return new Guid(bytes, bigEndian: true).ToString();
    }

    private JsonObject PrepareMetadata(ResourceType type, string inNamespace, JsonObject obj)
    {
        CheckKind(type, obj);
        var metadata = obj.Child("metadata");
        if (!string.IsNullOrEmpty(metadata.StringAt("resourceVersion")))
            throw ApiException.BadRequest("resourceVersion should not be set on objects to be created");
        CheckNamespace(type, inNamespace, metadata);
        if (type.IsNamespaced)
            CheckNamespaceAccepts(type, inNamespace, metadata.StringAt("name") ?? "");
        foreach (var name in (ReadOnlySpan<string>)["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation", "resourceVersion"])
            metadata.Remove(name);
        RemoveEmpty(metadata);
        metadata["uid"] = NewUid();
        metadata["creationTimestamp"] = Timestamps.Seconds(Clock.GetUtcNow());
        if (type.TracksGeneration)
            metadata["generation"] = 1;
        return metadata;
    }

    /// <summary>
    /// Changes an object. <paramref name="change"/> gets a copy of the current state and returns the desired one; it runs again
    /// when somebody else was faster, unless the desired state names the resourceVersion that it must apply to.
    /// </summary>
    public StoredObject Update(ResourceType type, ObjectKey key, Func<JsonObject, JsonObject> change, UpdateScope scope, WriteOptions options)
    {
        while (true)
        {
            var current = Get(type, key);
            var old = current.Parse();
            var input = current.Parse();
            type.FromStorage?.Invoke(input);
            var desired = change(input);
            type.ToStorage?.Invoke(desired);
            CheckPreconditions(type, key, current, desired);
            if (scope != UpdateScope.Internal)
                ApplyRules(type, desired, old, scope);
            if (SameContent(desired, old))
                return current;
            var prepared = new PreparedObject(desired, Bucket(type).SelectableFields);
            if (options.IsDryRun)
                return prepared.AtVersion(current.ResourceVersion);
            var gone = IsReleased(type, desired);
            var stored = gone ? Store.TryRemove(Bucket(type), current, prepared) : Store.TryPut(Bucket(type), current, prepared);
            if (stored is null)
                continue; // somebody was faster: look again
            Committed?.Invoke(type, stored, gone);
            return stored;
        }
    }

    private void ApplyRules(ResourceType type, JsonObject desired, JsonObject old, UpdateScope scope)
    {
        var context = new WriteContext(type, this, Clock.GetUtcNow());
        CheckKind(type, desired);
        KeepMetadata(desired, old);
        if (scope == UpdateScope.Status)
        {
            type.Strategy.PrepareStatusUpdate(desired, old, context);
            ValidateSchemaOnly(type, desired, context);
            return;
        }

        type.Strategy.PrepareUpdate(desired, old, context);
        type.Strategy.Default(desired, context);
        Validate(type, desired, old, context);
        if (type.TracksGeneration && type.Strategy.ChangesGeneration(desired, old))
            desired.Child("metadata")["generation"] = (old.LongAt("metadata", "generation") ?? 0) + 1;
    }

    private static void ValidateSchemaOnly(ResourceType type, JsonObject desired, WriteContext context)
    {
        if (!type.IsCustom)
            return;
        var errors = new List<FieldError>();
        type.Strategy.Validate(desired, context, errors);
        if (errors.Count > 0)
            throw ApiException.Invalid(type, desired.StringAt("metadata", "name") ?? "", errors);
    }

    private static void Validate(ResourceType type, JsonObject obj, JsonObject? old, WriteContext context)
    {
        var errors = new List<FieldError>();
        MetadataRules.Validate(obj, type.Strategy, errors);
        type.Strategy.Validate(obj, context, errors);
        if (old is not null)
            type.Strategy.ValidateUpdate(obj, old, context, errors);
        if (errors.Count > 0)
            throw ApiException.Invalid(type, obj.StringAt("metadata", "name") ?? "", errors);
    }

    /// <summary>True once nothing holds back an object that is being deleted.</summary>
    public static bool IsReleased(ResourceType type, JsonObject obj) =>
        obj.StringAt("metadata", "deletionTimestamp") is not null
        && (obj.LongAt("metadata", "deletionGracePeriodSeconds") ?? 0) == 0
        && obj.ArrayAt("metadata", "finalizers") is null or { Count: 0 }
        && (type.StorageName != "namespaces" || obj.ArrayAt("spec", "finalizers") is null or { Count: 0 });

    private static bool SameContent(JsonObject desired, JsonObject old)
    {
        desired.Child("metadata").CopyFrom(old.ObjectAt("metadata"), "resourceVersion");
        return JsonNode.DeepEquals(desired, old);
    }

    private static void CheckPreconditions(ResourceType type, ObjectKey key, StoredObject current, JsonObject desired)
    {
        var metadata = desired.Child("metadata");
        var version = metadata.StringAt("resourceVersion");
        if (string.IsNullOrEmpty(version) || version == "0")
        {
            if (!type.AllowsUnconditionalUpdate)
                throw ApiException.Invalid(type, key.Name, [FieldError.Invalid("metadata.resourceVersion", "0x0", "must be specified for an update")]);
        }
        else if (version != current.ResourceVersion.ToString(CultureInfo.InvariantCulture))
        {
            throw ApiException.Modified(type, key.Name);
        }

        if (metadata.StringAt("uid") is { Length: > 0 } uid && uid != current.Uid)
            throw ApiException.Conflict(type, key.Name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {current.Uid}");
        if (metadata.StringAt("name") is { Length: > 0 } name && name != key.Name)
            throw ApiException.BadRequest($"the name of the object ({name}) does not match the name on the URL ({key.Name})");
        if (metadata.StringAt("namespace") is { Length: > 0 } inNamespace && inNamespace != key.Namespace)
            throw ApiException.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
    }

    private static void KeepMetadata(JsonObject desired, JsonObject old)
    {
        var metadata = desired.Child("metadata");
        var kept = old.ObjectAt("metadata");
        foreach (var name in (ReadOnlySpan<string>)["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "generateName"])
            metadata.CopyFrom(kept, name);
        metadata.Remove("selfLink");
        RemoveEmpty(metadata);
    }

    private static void RemoveEmpty(JsonObject metadata)
    {
        foreach (var name in (ReadOnlySpan<string>)["labels", "annotations", "ownerReferences", "finalizers"])
        {
            if (metadata.At(name) is JsonObject { Count: 0 } or JsonArray { Count: 0 } || (metadata.ContainsKey(name) && metadata[name] is null))
                metadata.Remove(name);
        }
    }

    public static void CheckKind(ResourceType type, JsonObject obj)
    {
        var apiVersion = obj.StringAt("apiVersion");
        var kind = obj.StringAt("kind");
        if (kind is not null && kind != type.Kind)
            throw ApiException.BadRequest($"{kind} in version \"{apiVersion ?? type.ApiVersion}\" cannot be handled as a {type.Kind}: converting ({apiVersion}.{kind}) to ({type.ApiVersion}.{type.Kind}): unknown conversion");
        if (apiVersion is not null && apiVersion != type.ApiVersion && type.ToStorage is null && type.StorageNameOverride is null)
            throw ApiException.BadRequest($"the API version in the data ({apiVersion}) does not match the expected API version ({type.ApiVersion})");
        obj["apiVersion"] ??= type.ApiVersion;
        obj["kind"] ??= type.Kind;
    }

    private static void CheckNamespace(ResourceType type, string inNamespace, JsonObject metadata)
    {
        var own = metadata.StringAt("namespace") ?? "";
        if (!type.IsNamespaced)
            metadata.Remove("namespace");
        else if (inNamespace.Length == 0)
            throw ApiException.BadRequest("namespace is required: an empty namespace may not be set during creation");
        else if (own.Length > 0 && own != inNamespace)
            throw ApiException.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
        else
            metadata["namespace"] = inNamespace;
    }

    private void CheckNamespaceAccepts(ResourceType type, string inNamespace, string name)
    {
        var namespaces = Registry.Require("", "namespaces");
        var found = Get(namespaces, new ObjectKey("", inNamespace));
        if (found.IsDeleting)
            throw ApiException.Forbidden(type, name, $"unable to create new content in namespace {inNamespace} because it is being terminated");
    }
}
