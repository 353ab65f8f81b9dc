using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Controllers;

/// <summary>Writes events of the control plane and the kubelets, and removes all events when they are old.</summary>
internal sealed class EventRecorder(ObjectService objects, ObjectDeletion deletion, TimeSpan lifetime)
{
    private readonly Lock _sync = new();
    private readonly Queue<(DateTimeOffset At, ObjectKey Key, long Version)> _written = new();
    private readonly TimeSpan _sweepInterval = TimeSpan.FromSeconds(Math.Clamp(lifetime.TotalSeconds / 10, 0.1, 60));
    private long _sequence;

    private ResourceType Events => objects.Registry.Find("", "v1", "events")!;

    public void Record(JsonObject about, string type, string reason, string message, string component, string? host = null)
    {
        var now = objects.Clock.GetUtcNow();
        var inNamespace = about.StringAt("metadata", "namespace") ?? "default";
        var name = about.StringAt("metadata", "name");
        var time = Timestamps.Seconds(now);
        var obj = new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Event",
            ["metadata"] = new JsonObject { ["name"] = $"{Shortened(name)}.{now.UtcTicks + Interlocked.Increment(ref _sequence):x16}", ["namespace"] = inNamespace },
            ["involvedObject"] = new JsonObject
            {
                ["kind"] = about.StringAt("kind"),
                ["namespace"] = about.StringAt("metadata", "namespace"),
                ["name"] = name,
                ["uid"] = about.StringAt("metadata", "uid"),
                ["apiVersion"] = about.StringAt("apiVersion"),
                ["resourceVersion"] = about.StringAt("metadata", "resourceVersion"),
            },
            ["reason"] = reason,
            ["message"] = message,
            ["source"] = host is null ? new JsonObject { ["component"] = component } : new JsonObject { ["component"] = component, ["host"] = host },
            ["firstTimestamp"] = time,
            ["lastTimestamp"] = time,
            ["count"] = 1,
            ["type"] = type,
            ["reportingComponent"] = component,
            ["reportingInstance"] = host ?? "",
        };
        try
        {
            objects.Create(Events, inNamespace, obj, WriteOptions.Default);
        }
        catch (ApiException e) when (e.Code is 403 or 404)
        {
            // The namespace is going or gone, and its events with it.
        }
    }

    // The name of an event is the name of its object and a suffix, and must fit into 253 characters.
    private static string Shortened(string? name) => name is { Length: > 230 } ? name[..230].TrimEnd('-', '.') : name ?? "unknown";

    /// <summary>Notes that an event was written, so that it goes in time. An update starts its life anew.</summary>
    public void Noted(StoredObject stored)
    {
        lock (_sync)
            _written.Enqueue((objects.Clock.GetUtcNow(), stored.Key, stored.ResourceVersion));
    }

    public async Task RunAsync(CancellationToken ct)
    {
        using var timer = new PeriodicTimer(_sweepInterval, objects.Clock);
        while (await timer.WaitForNextTickAsync(ct))
        {
            while (TakeExpired() is { } key)
            {
                try
                {
                    deletion.Delete(Events, key, DeleteOptions.Now);
                }
                catch (ApiException e) when (e.Code == 404)
                {
                    // Already deleted by a client.
                }
            }
        }
    }

    private ObjectKey? TakeExpired()
    {
        lock (_sync)
        {
            while (_written.TryPeek(out var oldest) && oldest.At + lifetime <= objects.Clock.GetUtcNow())
            {
                _written.Dequeue();
                if (objects.Find(Events, oldest.Key)?.ResourceVersion == oldest.Version)
                    return oldest.Key;
            }

            return null;
        }
    }
}
