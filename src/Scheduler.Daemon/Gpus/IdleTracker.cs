using System.Collections.Immutable;
using Scheduler.Telemetry.Devices;

namespace Scheduler.Daemon.Gpus;

/// <summary>What counts as doing nothing; the ranges are on TelemetryOptions.</summary>
internal sealed record IdleRule
{
    /// <summary>For how long without a break.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>At most so busy, 0 to 1.</summary>
    public double Activity { get; init; } = 0.02;

    /// <summary>At most so much of the memory in use, 0 to 1: a model that is loaded waits for work, and is not idle.</summary>
    public double Memory { get; init; } = 0.1;

    /// <summary>Nothing is known after so long without a word.</summary>
    public TimeSpan StaleAfter { get; init; } = TimeSpan.FromSeconds(90);
}

/// <summary>
/// Which pods of one node hold GPUs and do nothing with them, from one reading to the next. A pod is idle only if all its devices are
/// known to be idle all the time; a device of which activity or memory is not told is not idle. It has no clock.
/// </summary>
internal sealed class IdleTracker(IdleRule rule)
{
    private Dictionary<(string Namespace, string Pod), DateTimeOffset> _since = [];
    private DateTimeOffset? _last;

    /// <summary>Takes a reading of all devices of the node.</summary>
    /// <returns>Pods, by namespace and name, that have been idle for the whole window.</returns>
    public ImmutableHashSet<(string Namespace, string Pod)> Observe(DateTimeOffset now, ImmutableArray<GpuReading> readings)
    {
        if (now - _last >= rule.StaleAfter)
            _since = [];
        _last = now;
        var since = new Dictionary<(string, string), DateTimeOffset>();
        var byPod = readings.SelectMany(gpu => gpu.Holders.Select(holder => (Pod: (holder.Namespace, holder.Pod), Gpu: gpu))).GroupBy(pair => pair.Pod, pair => pair.Gpu);
        foreach (var pod in byPod)
        {
            if (pod.All(IsIdle))
                since[pod.Key] = _since.TryGetValue(pod.Key, out var began) ? began : now;
        }

        _since = since;
        return [.. since.Where(pod => now - pod.Value >= rule.Window).Select(pod => pod.Key)];
    }

    private bool IsIdle(GpuReading gpu) =>
        gpu.Activity <= rule.Activity && gpu[GpuMetric.FbUsed] is { } used && gpu[GpuMetric.FbFree] is { } free && used <= rule.Memory * (used + free);
}
