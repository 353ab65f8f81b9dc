using System.Globalization;
using System.IO.Pipelines;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Scheduler.SimulatedCluster.Api.Tables;
using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Selection;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Api;

/// <summary>Watches: every one reads the resource's change log at its own pace, and is cut off visibly when it falls behind it.</summary>
internal sealed class WatchHandler(ObjectService objects, TimeSpan bookmarkInterval, WatchCounters counters, ILogger logger, CancellationToken stopping)
{
    private const int BatchSize = 256;
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(45);

    /// <summary>How long before its end a watch gets a last bookmark, so that the next one can go on from there.</summary>
    private static readonly TimeSpan LastBookmark = TimeSpan.FromSeconds(2);

    private sealed record Watch(
        RequestContext Request, ResourceType Type, ResourceBucket Bucket, string? Namespace, LabelSelector Labels, FieldSelector Fields, bool WantsBookmarks,
        DateTimeOffset Until)
    {
        public bool IsTable { get; } = Request.AcceptedForm == "Table";

        public bool IsMetadataOnly { get; } = Request.AcceptedForm == "PartialObjectMetadata";

        public bool HasSentColumns { get; set; }

        public bool Selects(StoredObject? obj) =>
            obj is not null && (Namespace is null || obj.Key.Namespace == Namespace) && Fields.Matches(obj) && Labels.Matches(obj.Labels);
    }

    public async Task WatchAsync(RequestContext request, ResourceType type, string? inNamespace)
    {
        var timeout = int.TryParse(request.Query("timeoutSeconds"), CultureInfo.InvariantCulture, out var seconds) && seconds > 0
            ? TimeSpan.FromSeconds(seconds)
            : DefaultTimeout;
        var watch = new Watch(
            request, type, objects.Bucket(type), inNamespace,
            LabelSelector.Parse(request.Query("labelSelector")), FieldSelector.Parse(request.Query("fieldSelector"), type), request.Flag("allowWatchBookmarks"),
            objects.Clock.GetUtcNow() + timeout);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(request.Aborted, stopping);
        using var limit = new CancellationTokenSource(timeout, objects.Clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ending.Token, limit.Token);
        request.Http.Response.ContentType = "application/json";
        counters.Opened();
        try
        {
            await StreamAsync(watch, both.Token);
        }
        catch (OperationCanceledException) when (both.IsCancellationRequested)
        {
            // The end of a watch: the client left, its time is up, or the server stops.
        }
        finally
        {
            counters.Closed();
        }
    }

    private async Task StreamAsync(Watch watch, CancellationToken ct)
    {
        var writer = watch.Request.Http.Response.BodyWriter;
        var cursor = Start(watch, writer);
        await writer.FlushAsync(ct);
        if (cursor is not { } position)
            return;
        var buffer = new Change[BatchSize];
        var nextBookmark = NextBookmark(watch);
        while (true)
        {
            if (!watch.Bucket.Log.TryRead(ref position, buffer, out var count))
            {
                counters.CutOff();
                Log.WatchCutOff(logger, watch.Type.QualifiedName);
                WriteError(writer, ApiException.Expired("too old resource version: the watcher was too slow and has missed changes"));
                await writer.FlushAsync(ct);
                return;
            }

            for (var i = 0; i < count; i++)
                WriteChange(watch, writer, buffer[i]);
            Array.Clear(buffer, 0, count);
            await writer.FlushAsync(ct);
            if (count > 0)
                continue;
            nextBookmark = await IdleAsync(watch, writer, position, nextBookmark, ct);
        }
    }

    /// <summary>Waits for the next change or the next bookmark, whichever is first.</summary>
    private async Task<DateTimeOffset> IdleAsync(Watch watch, PipeWriter writer, long position, DateTimeOffset nextBookmark, CancellationToken ct)
    {
        var changed = watch.Bucket.Log.WaitAsync(position);
        if (!watch.WantsBookmarks)
        {
            await changed.WaitAsync(ct);
            return nextBookmark;
        }

        var now = objects.Clock.GetUtcNow();
        if (now < nextBookmark)
        {
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(ct);
            var first = await Task.WhenAny(changed.WaitAsync(waiting.Token), Task.Delay(nextBookmark - now, objects.Clock, waiting.Token));
            await waiting.CancelAsync();
            if (first.IsCanceled)
                ct.ThrowIfCancellationRequested();
        }

        if (objects.Clock.GetUtcNow() < nextBookmark)
            return nextBookmark;
        if (objects.Store.VersionAt(watch.Bucket, position) is { } version)
        {
            WriteBookmark(watch, writer, version, isInitialEnd: false);
            await writer.FlushAsync(ct);
        }

        return NextBookmark(watch);
    }

    private DateTimeOffset NextBookmark(Watch watch)
    {
        var now = objects.Clock.GetUtcNow();
        var (regular, last) = (now + bookmarkInterval, watch.Until - LastBookmark);
        return last > now && last < regular ? last : regular;
    }

    /// <summary>Finds the place to start from; writes the objects that exist already when the client asked for them.</summary>
    private long? Start(Watch watch, PipeWriter writer)
    {
        var asked = watch.Request.Query("resourceVersion");
        var sendsInitial = watch.Request.Query("sendInitialEvents");
        if (asked is null or "" or "0" || sendsInitial == "true")
        {
            var (cursor, all, version) = SnapshotWithCursor(watch);
            if (sendsInitial != "false")
            {
                foreach (var obj in all.Where(watch.Selects))
                    WriteEvent(watch, writer, "ADDED", obj);
            }

            if (sendsInitial == "true" && watch.WantsBookmarks)
                WriteBookmark(watch, writer, version, isInitialEnd: true);
            return cursor;
        }

        if (!long.TryParse(asked, CultureInfo.InvariantCulture, out var from))
            throw ApiException.BadRequest($"Invalid value: \"{asked}\": strconv.ParseUint: parsing \"{asked}\": invalid syntax");
        if (watch.Bucket.Log.CursorAfter(from) is { } found)
            return found;
        WriteError(writer, ApiException.TooOldVersion(from, objects.Store.CurrentVersion));
        return null;
    }

    private (long Cursor, IEnumerable<StoredObject> Objects, long Version) SnapshotWithCursor(Watch watch)
    {
        while (true)
        {
            var (all, version) = objects.Store.Snapshot(watch.Bucket, watch.Namespace);
            // The log cannot have lost what is newer than a snapshot taken just now, unless a whole ring went by in between.
            if (watch.Bucket.Log.CursorAfter(version) is { } cursor)
                return (cursor, all, version);
        }
    }

    private void WriteChange(Watch watch, PipeWriter writer, Change change)
    {
        var was = change.Kind != ChangeKind.Added && watch.Selects(change.Previous);
        var isNow = change.Kind != ChangeKind.Deleted && watch.Selects(change.Object);
        if (change.Kind == ChangeKind.Deleted)
        {
            if (was)
                WriteEvent(watch, writer, "DELETED", change.Object);
        }
        else if (isNow)
        {
            WriteEvent(watch, writer, was ? "MODIFIED" : "ADDED", change.Object);
        }
        else if (was)
        {
            WriteEvent(watch, writer, "DELETED", AtVersionOf(watch, change.Previous!, change.Object));
        }
    }

    /// <summary>An object that left the selection is shown as it was last inside it, with the version of the change.</summary>
    private static StoredObject AtVersionOf(Watch watch, StoredObject before, StoredObject after) =>
        new PreparedObject(before.Parse(), watch.Bucket.SelectableFields).AtVersion(after.ResourceVersion);

    private void WriteEvent(Watch watch, PipeWriter writer, string kind, StoredObject stored)
    {
        writer.WriteUtf8($"{{\"type\":\"{kind}\",\"object\":");
        if (watch.IsTable)
        {
            var table = TableWriter.Table(
                watch.Type, [ReadHandler.ToVersion(watch.Type, stored)], ReadHandler.VersionOnly(stored.ResourceVersion), objects.Clock.GetUtcNow(),
                watch.Request.Query("includeObject"), withColumns: !watch.HasSentColumns);
            watch.HasSentColumns = true;
            writer.WriteBytes(PreparedObject.ToBytes(table));
        }
        else if (watch.IsMetadataOnly)
        {
            writer.WriteBytes(PreparedObject.ToBytes(TableWriter.PartialMetadata(stored.Parse())));
        }
        else if (watch.Type.FromStorage is not null)
        {
            writer.WriteBytes(PreparedObject.ToBytes(ReadHandler.ToVersion(watch.Type, stored)));
        }
        else
        {
            writer.WriteBytes(stored.Json.Span);
        }

        writer.WriteUtf8("}\n");
    }

    private static void WriteBookmark(Watch watch, PipeWriter writer, long version, bool isInitialEnd)
    {
        var metadata = ReadHandler.VersionOnly(version);
        metadata["creationTimestamp"] = null;
        if (isInitialEnd)
            metadata["annotations"] = new JsonObject { ["k8s.io/initial-events-end"] = "true" };
        var bookmark = watch.IsTable
            ? new JsonObject { ["kind"] = "Table", ["apiVersion"] = "meta.k8s.io/v1", ["metadata"] = metadata, ["columnDefinitions"] = null, ["rows"] = new JsonArray() }
            : new JsonObject { ["kind"] = watch.Type.Kind, ["apiVersion"] = watch.Type.ApiVersion, ["metadata"] = metadata };
        writer.WriteUtf8("{\"type\":\"BOOKMARK\",\"object\":" + bookmark.ToJsonString() + "}\n");
    }

    private static void WriteError(PipeWriter writer, ApiException refusal) =>
        writer.WriteUtf8("{\"type\":\"ERROR\",\"object\":" + refusal.ToStatus().ToJsonString() + "}\n");
}

/// <summary>How many watches there are and how many were cut off for being slow.</summary>
internal sealed class WatchCounters
{
    private long _open;
    private long _cutOff;

    public long Open => Interlocked.Read(ref _open);

    public long CutOffTotal => Interlocked.Read(ref _cutOff);

    public void Opened() => Interlocked.Increment(ref _open);

    public void Closed() => Interlocked.Decrement(ref _open);

    public void CutOff() => Interlocked.Increment(ref _cutOff);
}
