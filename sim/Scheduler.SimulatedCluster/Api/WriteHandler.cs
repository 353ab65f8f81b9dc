using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Patching;
using Scheduler.SimulatedCluster.Protobuf;
using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Schemas;
using Scheduler.SimulatedCluster.Selection;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Api;

/// <summary>Create, update, patch, delete and deletecollection.</summary>
internal sealed class WriteHandler(ObjectService objects, ObjectDeletion deletion, ReadHandler reads)
{
    public async Task CreateAsync(RequestContext request, ResourceType type, string inNamespace)
    {
        var options = request.WriteOptions();
        var obj = await request.ReadObjectAsync();
        CheckFields(type, obj, options);
        var stored = objects.Create(type, inNamespace, obj, options);
        await reads.AnswerObjectAsync(request, type, stored, 201, options);
    }

    public async Task UpdateAsync(RequestContext request, ResourceType type, ObjectKey key, UpdateScope scope)
    {
        var options = request.WriteOptions();
        var obj = await request.ReadObjectAsync();
        CheckFields(type, obj, options);
        CheckNames(key, obj);
        if (type.AllowsCreateOnUpdate && scope == UpdateScope.Main && objects.Find(type, key) is null && string.IsNullOrEmpty(obj.StringAt("metadata", "resourceVersion")))
        {
            await reads.AnswerObjectAsync(request, type, objects.Create(type, key.Namespace, obj, options), 201, options);
            return;
        }

        var stored = objects.Update(type, key, _ => obj.DeepClone().AsObject(), scope, options);
        await reads.AnswerObjectAsync(request, type, stored, 200, options);
    }

    private static void CheckNames(ObjectKey key, JsonObject obj)
    {
        var name = obj.StringAt("metadata", "name");
        if (string.IsNullOrEmpty(name))
            throw ApiException.BadRequest("name must be provided");
        if (name != key.Name)
            throw ApiException.BadRequest($"the name of the object ({name}) does not match the name on the URL ({key.Name})");
    }

    public async Task PatchAsync(RequestContext request, ResourceType type, ObjectKey key, UpdateScope scope)
    {
        var options = request.WriteOptions();
        var media = request.MediaType;
        var body = await request.ReadBodyAsync();
        if (media == "application/apply-patch+yaml")
        {
            await ApplyAsync(request, type, key, scope, RequestContext.ParseObject(body, isYaml: true), options);
            return;
        }

        var change = PatchOf(type, media, body);
        var stored = objects.Update(
            type, key,
            current =>
            {
                var uid = current.StringAt("metadata", "uid"); // before the change, which may happen in place
                var desired = change(current);
                CheckUid(type, key, uid, desired);
                CheckFields(type, desired, options);
                return desired;
            },
            scope, options);
        await reads.AnswerObjectAsync(request, type, stored, 200, options);
    }

    /// <summary>The uid in a replacement says which object is meant, and another one is a conflict; a patch of the uid is a change of it.</summary>
    private static void CheckUid(ResourceType type, ObjectKey key, string? uid, JsonObject desired)
    {
        if (desired.StringAt("metadata", "uid") is { Length: > 0 } wanted && wanted != uid)
            throw ApiException.Invalid(type, key.Name, [FieldError.InvalidText("metadata.uid", wanted, "field is immutable")]);
    }

    private static Func<JsonObject, JsonObject> PatchOf(ResourceType type, string media, byte[] body)
    {
        var patch = RequestContext.ParseNode(body, isYaml: false);
        switch (media)
        {
            case "application/json-patch+json":
                var operations = patch as JsonArray ?? throw ApiException.BadRequest("error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch");
                return current => JsonPatch.Apply(current, operations);
            case "application/merge-patch+json":
                var merge = patch as JsonObject ?? throw ApiException.BadRequest("error decoding patch: a merge patch must be an object");
                return current => MergePatch.Apply(current, merge)!.AsObject();
            case "application/strategic-merge-patch+json" when !type.IsCustom:
                var strategic = patch as JsonObject ?? throw ApiException.BadRequest("error decoding patch: a strategic merge patch must be an object");
                return current => StrategicMergePatch.Apply(current, strategic);
            default:
                var supported = type.IsCustom
                    ? "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
                    : "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml";
                throw ApiException.UnsupportedMediaType($"the body of the request was in an unknown format - accepted media types include: {supported}");
        }
    }

    private async Task ApplyAsync(RequestContext request, ResourceType type, ObjectKey key, UpdateScope scope, JsonObject applied, WriteOptions options)
    {
        var manager = request.Query("fieldManager");
        if (string.IsNullOrEmpty(manager))
            throw ApiException.Invalid(type, key.Name, [FieldError.Required("fieldManager", "is required for apply patch")]);
        if (applied.StringAt("metadata", "name") is { Length: > 0 } name && name != key.Name)
            throw ApiException.BadRequest($"the name of the object ({name}) does not match the name on the URL ({key.Name})");
        CheckFields(type, applied, options);
        var apply = new ServerSideApply(type, manager, request.Flag("force"), objects.Clock.GetUtcNow());
        while (true)
        {
            if (objects.Find(type, key) is not null)
            {
                var stored = objects.Update(type, key, current => apply.Merge(current, applied), scope, options);
                await reads.AnswerObjectAsync(request, type, stored, 200, options);
                return;
            }

            if (scope == UpdateScope.Status)
                throw ApiException.NotFound(type, key.Name);
            try
            {
                var fresh = apply.Merge(null, applied);
                fresh.Child("metadata")["name"] = key.Name;
                var created = objects.Create(type, key.Namespace, fresh, options);
                await reads.AnswerObjectAsync(request, type, created, 201, options);
                return;
            }
            catch (ApiException e) when (e.Reason == "AlreadyExists")
            {
                // Created by somebody else in this moment: merge into theirs.
            }
        }
    }

    /// <summary>Unknown fields: removed where a schema says what is known, and reported as the client wishes.</summary>
    private static void CheckFields(ResourceType type, JsonObject obj, WriteOptions options)
    {
        var unknown = type.Schema is { } schema ? SchemaPruning.Prune(obj, schema) : KnownFields.Unknown(type, obj);
        if (unknown.Count == 0)
            return;
        if (options.FieldValidation == FieldValidation.Strict)
        {
            var list = string.Join(", ", unknown.Select(u => $"unknown field \"{u}\""));
            throw ApiException.BadRequest($"{type.Kind} in version \"{type.Version}\" cannot be handled as a {type.Kind}: strict decoding error: {list}");
        }

        if (options.FieldValidation == FieldValidation.Warn && options.Warnings.Count == 0)
            options.Warnings.AddRange(unknown.Select(u => $"unknown field \"{u}\""));
    }

    public async Task DeleteAsync(RequestContext request, ResourceType type, ObjectKey key)
    {
        var options = await DeleteOptionsAsync(request);
        var (last, isGone) = deletion.Delete(type, key, options);
        if (!isGone || type.StorageName == "pods")
        {
            await reads.AnswerObjectAsync(request, type, last, 200);
            return;
        }

        var details = ApiException.Details(type, key.Name);
        details["uid"] = last.Uid;
        await request.AnswerAsync(200, new JsonObject
        {
            ["kind"] = "Status",
            ["apiVersion"] = "v1",
            ["metadata"] = new JsonObject(),
            ["status"] = "Success",
            ["details"] = details,
        });
    }

    public async Task DeleteCollectionAsync(RequestContext request, ResourceType type, string? inNamespace)
    {
        var options = await DeleteOptionsAsync(request);
        var labels = LabelSelector.Parse(request.Query("labelSelector"));
        var fields = FieldSelector.Parse(request.Query("fieldSelector"), type);
        var (all, version) = objects.Store.Snapshot(objects.Bucket(type), inNamespace);
        var items = new JsonArray();
        foreach (var obj in all.Where(o => fields.Matches(o) && labels.Matches(o.Labels)))
        {
            try
            {
                items.Add((JsonNode)ReadHandler.ToVersion(type, deletion.Delete(type, obj.Key, options).Object));
            }
            catch (ApiException e) when (e.Code == 404)
            {
                // Deleted by somebody else since the snapshot: that is what was asked for.
            }
        }

        await request.AnswerAsync(200, new JsonObject
        {
            ["kind"] = type.ListKind,
            ["apiVersion"] = type.ApiVersion,
            ["metadata"] = ReadHandler.VersionOnly(version),
            ["items"] = items,
        });
    }

    /// <summary>Delete options come in the body or in the query.</summary>
    private static async Task<DeleteOptions> DeleteOptionsAsync(RequestContext request)
    {
        var body = await request.ReadBodyAsync();
        if (body.Length > 0 && request.MediaType == ProtobufReader.MediaType)
            return ParseDeleteOptions(RequestContext.ParseProtobuf(body), request);
        if (body.Length > 0 && request.MediaType is not ("application/json" or "application/yaml" or ""))
            throw ApiException.UnsupportedMediaType($"the body of the request was in an unknown format - accepted media types include: application/json, application/yaml (got {request.MediaType})");
        return ParseDeleteOptions(RequestContext.ParseNode(body, request.MediaType == "application/yaml") as JsonObject, request);
    }

    public static DeleteOptions ParseDeleteOptions(JsonObject? obj, RequestContext? request)
    {
        var grace = obj.LongAt("gracePeriodSeconds");
        if (long.TryParse(request?.Query("gracePeriodSeconds"), System.Globalization.CultureInfo.InvariantCulture, out var queried))
            grace ??= queried;
        var orphans = obj.BoolAt("orphanDependents");
        var propagation = obj.StringAt("propagationPolicy") ?? request?.Query("propagationPolicy") ?? (orphans == true ? "Orphan" : null);
        if (propagation is not (null or "Background" or "Foreground" or "Orphan"))
            throw ApiException.BadRequest($"DeleteOptions is invalid: propagationPolicy: Unsupported value: \"{propagation}\": supported values: \"Background\", \"Foreground\", \"Orphan\"");
        return new DeleteOptions
        {
            GracePeriodSeconds = grace,
            Uid = obj.StringAt("preconditions", "uid"),
            ResourceVersion = obj.StringAt("preconditions", "resourceVersion"),
            Propagation = propagation,
            IsDryRun = obj.ArrayAt("dryRun") is { Count: > 0 } || request?.Query("dryRun") is { Length: > 0 },
        };
    }
}
