using System.Globalization;
using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Api.Tables;
using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Selection;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Api;

/// <summary>Get and list.</summary>
internal sealed class ReadHandler(ObjectService objects)
{
    private static readonly TimeSpan ContinueLifetime = TimeSpan.FromMinutes(5);
    private readonly ContinuedLists _continued = new(objects.Store, objects.Clock, ContinueLifetime);

    public async Task GetAsync(RequestContext request, ResourceType type, ObjectKey key)
    {
        await AnswerObjectAsync(request, type, objects.Get(type, key), 200);
    }

    /// <summary>Answers one object in the form that the client asked for.</summary>
    public async Task AnswerObjectAsync(RequestContext request, ResourceType type, StoredObject stored, int code, WriteOptions? options = null)
    {
        var form = request.AcceptedForm;
        if (form is null && type.FromStorage is null)
        {
            await request.AnswerAsync(code, stored.Json, options?.Warnings);
            return;
        }

        var obj = ToVersion(type, stored);
        JsonNode answer = form switch
        {
            "Table" => TableWriter.Table(type, [obj], VersionOnly(stored.ResourceVersion), objects.Clock.GetUtcNow(), request.Query("includeObject")),
            "PartialObjectMetadata" => TableWriter.PartialMetadata(obj),
            _ => obj,
        };
        await request.AnswerAsync(code, answer, options?.Warnings);
    }

    public static JsonObject ToVersion(ResourceType type, StoredObject stored)
    {
        var obj = stored.Parse();
        type.FromStorage?.Invoke(obj);
        return obj;
    }

    public static JsonObject VersionOnly(long version) => new() { ["resourceVersion"] = version.ToString(CultureInfo.InvariantCulture) };

    public async Task ListAsync(RequestContext request, ResourceType type, string? inNamespace)
    {
        var page = Page(request, type, inNamespace);
        var metadata = VersionOnly(page.Version);
        if (page.Continue is not null)
        {
            metadata["continue"] = page.Continue;
            metadata["remainingItemCount"] = page.Remaining;
        }

        switch (request.AcceptedForm)
        {
            case "Table":
                await request.AnswerAsync(200, TableWriter.Table(type, page.Items.Select(o => ToVersion(type, o)), metadata, objects.Clock.GetUtcNow(), request.Query("includeObject")));
                break;
            case "PartialObjectMetadataList":
                await request.AnswerAsync(200, new JsonObject
                {
                    ["kind"] = "PartialObjectMetadataList",
                    ["apiVersion"] = "meta.k8s.io/v1",
                    ["metadata"] = metadata,
                    ["items"] = new JsonArray([.. page.Items.Select(o => (JsonNode)TableWriter.PartialMetadata(ToVersion(type, o)))]),
                });
                break;
            default:
                await WriteListAsync(request, type, page.Items, metadata);
                break;
        }
    }

    private sealed record ListPage(IReadOnlyList<StoredObject> Items, long Version, string? Continue, long Remaining);

    private ListPage Page(RequestContext request, ResourceType type, string? inNamespace)
    {
        var limit = int.TryParse(request.Query("limit"), CultureInfo.InvariantCulture, out var asked) && asked > 0 ? asked : int.MaxValue;
        ContinueToken? token = null;
        if (request.Query("continue") is { Length: > 0 } text)
        {
            token = ContinueToken.Decode(text) ?? throw ApiException.BadRequest("continue key is not valid: it was not given out by this server");
            if (token.List != 0)
                return NextPage(token, limit);
        }

        var labels = LabelSelector.Parse(request.Query("labelSelector"));
        var fields = FieldSelector.Parse(request.Query("fieldSelector"), type);
        var (all, version) = State(request, type, inNamespace, limit != int.MaxValue);
        if (token is not null)
            all = all.Where(o => ObjectKey.Order.Compare(o.Key, token.After) > 0);
        if (!labels.IsEverything || !fields.IsEverything)
            all = all.Where(o => fields.Matches(o) && labels.Matches(o.Labels));
        var matching = all.ToList();
        if (matching.Count <= limit)
            return new ListPage(matching, version, null, 0);
        return new ListPage(matching.GetRange(0, limit), version, _continued.Hold(matching, version, limit).Encode(), matching.Count - limit);
    }

    private ListPage NextPage(ContinueToken token, int limit)
    {
        var (objects, version) = _continued.Find(token)
            ?? throw new ApiException(
                410, "Expired",
                "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.")
            { Continue = token.Inconsistent.Encode() };
        var some = objects.Skip(token.Offset).Take(limit).ToList();
        var next = token.Offset + some.Count;
        return new ListPage(some, version, next < objects.Count ? ContinuedLists.At(token.List, next, objects).Encode() : null, objects.Count - next);
    }

    /// <summary>The present state, or that of the exact version that was asked for.</summary>
    private (IEnumerable<StoredObject> Objects, long Version) State(RequestContext request, ResourceType type, string? inNamespace, bool isLimited)
    {
        RefuseFutureVersion(request);
        var bucket = objects.Bucket(type);
        // A version with a limit and without a match means exactly that version, too.
        var match = request.Query("resourceVersionMatch") ?? (isLimited ? "Exact" : "NotOlderThan");
        if (match != "Exact" || !long.TryParse(request.Query("resourceVersion"), CultureInfo.InvariantCulture, out var version) || version == 0)
            return objects.Store.Snapshot(bucket, inNamespace);
        return (objects.Store.SnapshotAt(bucket, inNamespace, version)
            ?? throw ApiException.Expired("The resourceVersion for the provided list is too old."), version);
    }

    private void RefuseFutureVersion(RequestContext request)
    {
        if (long.TryParse(request.Query("resourceVersion"), CultureInfo.InvariantCulture, out var version) && version > objects.Store.CurrentVersion)
            throw new ApiException(504, "Timeout", $"Too large resource version: {version}, current: {objects.Store.CurrentVersion}", new JsonObject { ["retryAfterSeconds"] = 1 }) { RetryAfterSeconds = 1 };
    }

    /// <summary>Writes the stored bytes of the items one after the other, without building the list in memory.</summary>
    private static async Task WriteListAsync(RequestContext request, ResourceType type, IReadOnlyList<StoredObject> items, JsonObject metadata)
    {
        var response = request.Http.Response;
        response.ContentType = "application/json";
        var head = $"{{\"kind\":\"{type.ListKind}\",\"apiVersion\":\"{type.ApiVersion}\",\"metadata\":{metadata.ToJsonString()},\"items\":[";
        var writer = response.BodyWriter;
        writer.WriteUtf8(head);
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0)
                writer.WriteUtf8(",");
            writer.WriteBytes(type.FromStorage is null ? items[i].Json.Span : PreparedObject.ToBytes(ToVersion(type, items[i])));
            if (writer.UnflushedBytes > 128 * 1024)
                await writer.FlushAsync(request.Aborted);
        }

        writer.WriteUtf8("]}\n");
        await writer.FlushAsync(request.Aborted);
    }
}
