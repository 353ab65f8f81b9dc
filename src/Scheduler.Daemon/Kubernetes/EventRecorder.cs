using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Kubernetes.Wire;
using Scheduler.Daemon.Telemetry;

namespace Scheduler.Daemon.Kubernetes;

/// <summary>The type field of an Event.</summary>
internal enum EventKind
{
    Normal,
    Warning,
}

/// <summary>The pod or node that an Event is about.</summary>
internal sealed record EventSubject(string Namespace, string Name, string Uid)
{
    /// <summary>Pod or Node.</summary>
    public string Kind { get; init; } = "Pod";

    public static EventSubject Of(PodRecord pod) => new(pod.Namespace, pod.Name, pod.Id.Value);

    /// <summary>A node, whose Events are in namespace default as those of its kubelet are.</summary>
    public static EventSubject OfNode(string name, string uid) => new("default", name, uid) { Kind = "Node" };

    public static EventSubject Of(BindRequest request) => new(request.Namespace, request.Name, request.Pod.Value);
}

/// <summary>
/// Writes Events, in the background: at most so many per second, at most <see cref="Capacity"/> waiting (what is beyond is dropped,
/// counted and logged), the same words about the same object once in <see cref="QuietFor"/>.
/// </summary>
internal sealed class EventRecorder(
    ApiServerClient client, ILeadership leadership, RateLimit rate, SchedulerMetrics metrics, string instance, TimeProvider time, ILogger logger)
{
    public const int Capacity = 10_000;
    private const int MaxMessageLength = 1024;
    private const int MaxNameLength = 230;
    private const int MaxRemembered = 50_000;
    private const string Component = "weir";
    private static readonly TimeSpan QuietFor = TimeSpan.FromMinutes(5);

    private readonly Channel<EventObject> _queue = Channel.CreateBounded<EventObject>(Capacity);
    private readonly Dictionary<(string Uid, string Reason, string Message), DateTimeOffset> _recent = [];
    private readonly Lock _gate = new();
    private long _dropped;
    private long _sequence;

    /// <summary>Hands an Event over; never waits. Nothing is written while another replica leads.</summary>
    public void Record(EventSubject about, EventKind kind, string reason, string message)
    {
        var now = time.GetUtcNow();
        if (leadership.Term is null || !IsNews((about.Uid, reason, message), now))
            return;
        var text = message.Length <= MaxMessageLength ? message : string.Concat(message.AsSpan(0, MaxMessageLength - 1), "…");
        var written = new EventObject
        {
            Metadata = new ObjectMeta
            {
                // The API's own custom: the object's name and a number that no other Event of it has, within a name's 253 characters.
                Name = $"{Shorten(about.Name)}.{now.UtcTicks:x}{Interlocked.Increment(ref _sequence) & 0xfff:x3}",
                Namespace = about.Namespace,
            },
            InvolvedObject = new ObjectReference
            {
                ApiVersion = "v1",
                Kind = about.Kind,
                Name = about.Name,
                Uid = about.Uid,
                Namespace = about.Kind == "Node" ? null : about.Namespace,
            },
            Type = kind.ToString(),
            Reason = reason,
            Message = text,
            Action = "Scheduling",
            ReportingComponent = Component,
            ReportingInstance = instance,
            FirstTimestamp = now,
            LastTimestamp = now,
            Source = new EventSource { Component = Component },
        };
        if (_queue.Writer.TryWrite(written))
            return;
        metrics.StatusWrite("event", "dropped");
        // The first and every thousandth: a flood of messages about a flood helps nobody, and the metric counts them all.
        var dropped = Interlocked.Increment(ref _dropped);
        if (dropped % 1000 == 1)
            Log.StatusWritesDropped(logger, dropped, Capacity);
    }

    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            await foreach (var written in _queue.Reader.ReadAllAsync(stop).ConfigureAwait(false))
            {
                await rate.WaitAsync(stop).ConfigureAwait(false);
                if (leadership.Term is not null)
                    await WriteAsync(written, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    private async Task WriteAsync(EventObject written, CancellationToken stop)
    {
        try
        {
            await client.PostAsync($"/api/v1/namespaces/{written.Metadata.Namespace}/events", written, WireJson.Default.EventObject, stop).ConfigureAwait(false);
            metrics.StatusWrite("event", "written");
        }
        catch (Exception failure) when (failure is ApiServerException || ApiServerClient.IsUncertain(failure))
        {
            // An Event is news, not state: written late it would mislead, so it is not tried again.
            metrics.StatusWrite("event", "failed");
            Log.EventFailed(logger, written.Reason, written.Metadata.Namespace!, written.InvolvedObject.Name!, failure.Message);
        }
    }

    private static string Shorten(string name) => name.Length <= MaxNameLength ? name : name[..MaxNameLength].TrimEnd('-', '.');

    private bool IsNews((string, string, string) key, DateTimeOffset now)
    {
        lock (_gate)
        {
            if (_recent.TryGetValue(key, out var last) && now - last < QuietFor)
                return false;
            if (_recent.Count >= MaxRemembered)
            {
                foreach (var old in _recent.Where(entry => now - entry.Value >= QuietFor).Select(entry => entry.Key).ToList())
                    _recent.Remove(old);
                if (_recent.Count >= MaxRemembered)
                    _recent.Clear();
            }

            _recent[key] = now;
            return true;
        }
    }
}
