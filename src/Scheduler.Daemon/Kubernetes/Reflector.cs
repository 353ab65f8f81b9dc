using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;
using Scheduler.Daemon.Kubernetes.Wire;

namespace Scheduler.Daemon.Kubernetes;

/// <summary>
/// Keeps a sink equal to one collection of the API server: list, then watch from the list's resourceVersion.
/// </summary>
/// <remarks>
/// <code>
///            ┌──────────── 410, as HTTP status or inside an ERROR event; the sink failed ───────────┐
///            ▼                                                                                       │
///   list (pages) ──Replace──► watch ──ADDED/MODIFIED──► Upsert ── BOOKMARK: version only ── DELETED ──► Delete
///     ▲      │                  ▲  │
///     └─wait─┘ failed           └──┘ ended, cut, half a line, stalled: again from the last version seen, after a wait if it failed
/// </code>
/// Every wait is exponential with full jitter, and is logged and counted. One object that does not decode is logged, counted
/// and left out; it does not stop the others.
/// </remarks>
internal sealed class Reflector<TObject, TItem>(
    ApiServerClient client, ReflectorSettings settings, JsonTypeInfo<TObject> type, Func<TObject, TItem> project,
    IReflectorSink<TItem> sink, IReflectorObserver observer, TimeProvider time, ILogger logger, Func<double>? jitter = null)
    where TObject : class, IWireObject
{
    // The API server ends a watch after timeoutSeconds; spread, so that the watches of all replicas do not end together.
    private const int WatchSecondsLow = 300;
    private const int WatchSecondsSpread = 300;
    private static readonly TimeSpan HealthyWatch = TimeSpan.FromSeconds(10);

    private readonly Func<double> _jitter = jitter ?? Backoff.RandomJitter;
    private readonly Backoff _backoff = new(settings.BackoffFirst, settings.BackoffCap, jitter ?? Backoff.RandomJitter);
    private readonly TaskCompletionSource _firstList = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private List<TaskCompletionSource> _wanted = [];
    private CancellationTokenSource? _watching;
    private string? _resourceVersion;
    private readonly string _selector = settings.LabelSelector is { } selector ? "&labelSelector=" + Uri.EscapeDataString(selector) : "";
    private string _path = settings.Path;
    private bool _isAbsent;
    private long? _missingSince;

    /// <summary>Plural name.</summary>
    public string Resource => settings.Resource;

    /// <summary>True once the first list was delivered.</summary>
    public bool HasSynced => _firstList.Task.IsCompletedSuccessfully;

    /// <summary>Completes when the first list was delivered.</summary>
    public Task FirstList => _firstList.Task;

    /// <summary>
    /// Asks for a list that begins after this call, and completes when it was delivered: what was written before the call is seen
    /// then, however far behind the watch was.
    /// </summary>
    public Task RefreshAsync()
    {
        var delivered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _wanted.Add(delivered);
            _watching?.Cancel();
        }

        return delivered.Task;
    }

    private bool IsListWanted
    {
        get
        {
            lock (_gate)
                return _wanted.Count > 0;
        }
    }

    /// <summary>Runs until <paramref name="stop"/> is cancelled. Never gives up.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                if (_resourceVersion is null || IsListWanted)
                    await ListWantedAsync(stop).ConfigureAwait(false);
                if (await WatchAsync(stop).ConfigureAwait(false))
                    continue;
                await WaitAsync("the watch ended as soon as it had begun", null, stop).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure)
            {
                try
                {
                    await RecoverAsync(failure, stop).ConfigureAwait(false);
                }
                catch (OperationCanceledException) when (stop.IsCancellationRequested)
                {
                    return;
                }
            }
        }
    }

    private async Task RecoverAsync(Exception failure, CancellationToken stop)
    {
        var refusal = failure as ApiServerException;
        if (refusal?.StatusCode != HttpStatusCode.NotFound)
            _missingSince = null;
        if (refusal?.StatusCode == HttpStatusCode.Gone)
        {
            Log.WatchExpired(logger, settings.Resource, _resourceVersion ?? "");
            observer.Restarted(settings.Resource, "expired");
            _resourceVersion = null;
            // The first relist is at once: until it is done the cache is stale. Only a relist that expires again has to wait.
            if (_backoff.Failures > 0)
                await WaitAsync(failure.Message, refusal.RetryAfter, stop).ConfigureAwait(false);
            else
                _ = _backoff.Next();
            return;
        }

        if (refusal is { StatusCode: HttpStatusCode.NotFound } && settings.MayBeAbsent)
        {
            _resourceVersion = null;
            if (TryOtherVersion())
                return;
            if (!_isAbsent && IsMissingForLong())
            {
                Log.ResourceAbsent(logger, settings.Resource);
                Deliver([]);
                _isAbsent = true;
            }

            if (_isAbsent)
            {
                // Said once; most clusters do not serve everything, and that is no fault.
                var wait = _backoff.Next();
                Log.ResourceStillAbsent(logger, settings.Resource, wait.TotalSeconds);
                await Task.Delay(wait, time, stop).ConfigureAwait(false);
                return;
            }

            observer.Restarted(settings.Resource, "error");
            await WaitAsync(failure.Message, null, stop).ConfigureAwait(false);
            return;
        }

        if (refusal is null && !ApiServerClient.IsUncertain(failure) && failure is not JsonException)
        {
            // The sink or the projection threw: the state behind it may be half applied, so it is rebuilt from a list.
            Log.ReflectorBug(logger, failure, settings.Resource);
            _resourceVersion = null;
        }

        observer.Restarted(settings.Resource, failure is TimeoutException ? "stalled" : "error");
        await WaitAsync(failure.Message, refusal?.RetryAfter, stop).ConfigureAwait(false);
    }

    /// <summary>Turns to the other version of the API; at once if it is the older one, after the usual wait if there is none left.</summary>
    private bool TryOtherVersion()
    {
        if (settings.OlderPath is null)
            return false;
        _path = _path == settings.Path ? settings.OlderPath : settings.Path;
        return _path == settings.OlderPath;
    }

    /// <summary>At the start nothing is lost by believing a 404; once there was a list, believing it empties the sink.</summary>
    private bool IsMissingForLong()
    {
        if (!HasSynced)
            return true;
        _missingSince ??= time.GetTimestamp();
        return time.GetElapsedTime(_missingSince.Value) >= settings.AbsentAfter;
    }

    private async Task WaitAsync(string why, TimeSpan? retryAfter, CancellationToken stop)
    {
        var wait = _backoff.Next(retryAfter);
        Log.ReflectorBackoff(logger, settings.Resource, why, wait.TotalSeconds, _backoff.Failures);
        observer.BackingOff(settings.Resource, _backoff.Failures, wait);
        await Task.Delay(wait, time, stop).ConfigureAwait(false);
    }

    private async Task ListWantedAsync(CancellationToken stop)
    {
        List<TaskCompletionSource> wanted;
        lock (_gate)
            (wanted, _wanted) = (_wanted, []);
        try
        {
            await ListAsync(stop).ConfigureAwait(false);
        }
        catch
        {
            lock (_gate)
                _wanted.AddRange(wanted);
            throw;
        }

        foreach (var delivered in wanted)
            delivered.TrySetResult();
    }

    private async Task ListAsync(CancellationToken stop)
    {
        var items = new List<TItem>();
        string? next = null;
        ListMeta meta;
        do
        {
            var query = $"?limit={settings.PageSize}{_selector}{(next is null ? "" : "&continue=" + Uri.EscapeDataString(next))}";
            using var response = await client.OpenAsync(_path + query, stop).ConfigureAwait(false);
            var page = await ReadPageAsync(response, stop).ConfigureAwait(false);
            var metadata = JsonSlices.ReadListPage(page, slice => Decode(slice, items.Add));
            meta = (metadata.IsEmpty ? null : JsonSerializer.Deserialize(metadata.Span, WireJson.Default.ListMeta)) ?? new ListMeta();
            next = string.IsNullOrEmpty(meta.Continue) ? null : meta.Continue;
        }
        while (next is not null);

        // A server that names no version can only be watched from "now"; 0 is the API's word for "any".
        _resourceVersion = string.IsNullOrEmpty(meta.ResourceVersion) ? "0" : meta.ResourceVersion;
        Deliver(items);
        (_isAbsent, _missingSince) = (false, null);
        Log.Listed(logger, settings.Resource, items.Count, _resourceVersion);
    }

    private void Deliver(List<TItem> items)
    {
        sink.Replace(items);
        observer.Listed(settings.Resource, items.Count);
        _firstList.TrySetResult();
    }

    private async Task<byte[]> ReadPageAsync(HttpResponseMessage response, CancellationToken stop)
    {
        using var stalled = new CancellationTokenSource(settings.StalledAfter, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stop, stalled.Token);
        try
        {
            return await response.Content.ReadAsByteArrayAsync(both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new TimeoutException($"a page of {settings.Resource} did not arrive within {settings.StalledAfter.TotalSeconds:0.#} s");
        }
    }

    /// <summary>True if the watch was of use: it delivered something, or lived for a while.</summary>
    private async Task<bool> WatchAsync(CancellationToken stop)
    {
        var seconds = WatchSecondsLow + (int)(_jitter() * WatchSecondsSpread);
        var query = $"?watch=true&allowWatchBookmarks=true&resourceVersion={_resourceVersion}&timeoutSeconds={seconds}{_selector}";
        var started = time.GetTimestamp();
        using var stalled = new CancellationTokenSource(settings.StalledAfter, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stop, stalled.Token);
        // Before the request goes out: a server that takes its time to answer delays nobody who wants a list.
        lock (_gate)
            _watching = both;
        try
        {
            if (IsListWanted)
                return true;
            using var response = await client.OpenAsync(_path + query, both.Token).ConfigureAwait(false);
            var stream = await response.Content.ReadAsStreamAsync(both.Token).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                var events = await ReadLinesAsync(PipeReader.Create(stream), stalled, both.Token).ConfigureAwait(false);
                observer.Restarted(settings.Resource, "ended");
                if (events == 0 && time.GetElapsedTime(started) < HealthyWatch)
                    return false;
                _backoff.Reset();
                return true;
            }
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested && !stalled.IsCancellationRequested)
        {
            // Somebody wants a list.
            return true;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new TimeoutException($"the watch of {settings.Resource} was silent for {settings.StalledAfter.TotalSeconds:0.#} s");
        }
        finally
        {
            lock (_gate)
                _watching = null;
        }
    }

    private async Task<int> ReadLinesAsync(PipeReader reader, CancellationTokenSource stalled, CancellationToken cancellation)
    {
        var events = 0;
        try
        {
            while (true)
            {
                var result = await reader.ReadAsync(cancellation).ConfigureAwait(false);
                stalled.CancelAfter(settings.StalledAfter);
                var buffer = result.Buffer;
                while (buffer.PositionOf((byte)'\n') is { } end)
                {
                    events += HandleLine(buffer.Slice(0, end)) ? 1 : 0;
                    buffer = buffer.Slice(buffer.GetPosition(1, end));
                }

                if (buffer.Length > settings.MaxLineBytes)
                    throw new JsonException($"a line of more than {settings.MaxLineBytes} bytes");
                reader.AdvanceTo(buffer.Start, buffer.End);
                if (result.IsCompleted)
                    return buffer.Length == 0 ? events : throw new IOException("the connection was cut in the middle of a line");
            }
        }
        finally
        {
            await reader.CompleteAsync().ConfigureAwait(false);
        }
    }

    private bool HandleLine(in ReadOnlySequence<byte> line)
    {
        if (line.IsEmpty)
            return false;
        var (kind, body) = JsonSlices.ReadWatchLine(line.IsSingleSegment ? line.First : line.ToArray());
        switch (kind)
        {
            case "ADDED" or "MODIFIED":
                Decode(body, sink.Upsert);
                break;
            case "DELETED":
                Decode(body, sink.Delete);
                break;
            case "BOOKMARK":
                Decode(body, null);
                break;
            case "ERROR":
                var status = JsonSerializer.Deserialize(body.Span, WireJson.Default.StatusObject) ?? new StatusObject();
                var retry = status.Details?.RetryAfterSeconds is > 0 and var seconds ? TimeSpan.FromSeconds(seconds) : (TimeSpan?)null;
                throw new ApiServerException((HttpStatusCode)(status.Code ?? 500), $"watch of {settings.Resource}", status, retry);
            default:
                throw new JsonException($"a watch event of unknown type '{kind}'");
        }

        _backoff.Reset();
        observer.Event(settings.Resource);
        return true;
    }

    private void Decode(ReadOnlyMemory<byte> slice, Action<TItem>? deliver)
    {
        TObject decoded;
        try
        {
            decoded = JsonSerializer.Deserialize(slice.Span, type) ?? throw new JsonException("null");
        }
        catch (JsonException malformed)
        {
            Log.ObjectUndecodable(logger, settings.Resource, malformed.Message);
            observer.Undecodable(settings.Resource);
            return;
        }

        deliver?.Invoke(project(decoded));
        // Only after the sink has it: a version once passed is never asked for again. In a list it is the list's that counts.
        if (_resourceVersion is not null && !string.IsNullOrEmpty(decoded.Metadata.ResourceVersion))
            _resourceVersion = decoded.Metadata.ResourceVersion;
    }
}
