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
    private readonly ContinuedLists _continued = new(objects.Clock, ContinueLifetime);

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
        if (request.Query("continue") is { Length: > 0 } token)
        {
            var (held, heldVersion, offset, id) = _continued.Find(token)
                ?? throw ApiException.Expired("The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.");
            var some = held.Skip(offset).Take(limit).ToList();
            var next = offset + some.Count;
            return new ListPage(some, heldVersion, next < held.Count ? ContinuedLists.Token(id, next) : null, held.Count - next);
        }

        RefuseFutureVersion(request);
        var labels = LabelSelector.Parse(request.Query("labelSelector"));
        var fields = FieldSelector.Parse(request.Query("fieldSelector"), type);
        var (all, version) = objects.Store.Snapshot(objects.Bucket(type), inNamespace);
        if (!labels.IsEverything || !fields.IsEverything)
            all = all.Where(o => fields.Matches(o) && labels.Matches(o.Labels));
        var matching = all.ToList();
        if (matching.Count <= limit)
            return new ListPage(matching, version, null, 0);
        return new ListPage(matching.GetRange(0, limit), version, _continued.Hold(matching, version, limit), matching.Count - limit);
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
