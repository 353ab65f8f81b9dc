using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Cli.Rendering;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.Daemon.Loop;

namespace Scheduler.Cli.Up;

/// <summary>
/// Tells in words what happens: pods from what the API server shows, standing and reasons from what the scheduler decided.
/// Keeps the latest lines for the live view, and hands each to whoever prints them. Safe for concurrent use.
/// </summary>
internal sealed class Narrator(TenantTree tenants, Func<TimeSpan> elapsed, Action<StyledLine>? onLine)
{
    private const int MaxRecent = 100;
    private const int MaxRemembered = 50_000;
    private static readonly TimeSpan GangFormsWithin = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly Queue<StyledLine> _recent = [];
    private readonly ConcurrentDictionary<string, Standing> _standings = new(StringComparer.Ordinal);
    private readonly Queue<ObservedPod> _held = [];
    private Dictionary<WorkloadId, WaitReason> _waits = [];

    /// <summary>The latest lines, newest last.</summary>
    public ImmutableArray<StyledLine> Recent
    {
        get
        {
            lock (_gate)
            {
                return [.. _recent];
            }
        }
    }

    public void Tell(PodEvent happened)
    {
        var pod = happened.Pod;
        switch (happened.Kind)
        {
            case PodEventKind.Bound:
                Bound(pod);
                break;
            case PodEventKind.Finished:
                Say("finished", Tone.Dim, pod.FullName, pod.Node is { } node ? $" on {node}" : "");
                break;
            case PodEventKind.Failed:
                Say("failed", Tone.Bad, pod.FullName, pod.Node is { } at ? $" on {at}" : "");
                break;
            case PodEventKind.Evicted:
                Say("evicted", Tone.Bad, pod.FullName, $" from {pod.Node}, {(pod.IsMovedForHealth ? "because its GPU is out of service" : "to make room")}");
                break;
            case PodEventKind.Created:
            default:
                break;
        }
    }

    /// <summary>Remembers what a cycle decided, and tells what waits since, or for another reason than before.</summary>
    public void Tell(PublishedCycle cycle)
    {
        foreach (var bind in cycle.Plan.Decisions.OfType<Bind>())
        {
            foreach (var pod in bind.Pods)
            {
                _standings[pod.Pod.Value] = bind.Standing;
            }
        }

        ReleaseHeld();
        if (_standings.Count > MaxRemembered)
        {
            // Pods that were to be bound and never were. Forgetting them costs a word in a line, at most.
            _standings.Clear();
        }


        var waits = new Dictionary<WorkloadId, WaitReason>();
        foreach (var entry in cycle.Queue)
        {
            // A controller creates the pods of a gang one after the other; that is not worth a line unless it lasts.
            if (entry.Reason == WaitReason.GangIncomplete && cycle.Snapshot.Now - entry.Workload.SubmittedAt < GangFormsWithin)
            {
                continue;
            }

            waits[entry.Workload.Id] = entry.Reason;
            if (!_waits.TryGetValue(entry.Workload.Id, out var before) || before != entry.Reason)
            {
                Say("waits", Tone.Waiting, $"{entry.Workload.Namespace}/{entry.Workload.Name}", $" [{entry.Reason}] {entry.Message}");
            }
        }

        _waits = waits;
    }

    /// <summary>
    /// A binding can be seen before the cycle that decided it has been published: the line is held until that cycle, or one
    /// after it, tells the standing.
    /// </summary>
    private void Bound(ObservedPod pod)
    {
        lock (_gate)
        {
            if (!_standings.ContainsKey(pod.Uid))
            {
                _held.Enqueue(pod);
                return;
            }
        }

        SayBound(pod);
    }

    private void ReleaseHeld()
    {
        ObservedPod[] released;
        lock (_gate)
        {
            released = [.. _held];
            _held.Clear();
        }

        foreach (var pod in released)
        {
            SayBound(pod);
        }
    }

    private void SayBound(ObservedPod pod)
    {
        var tenant = tenants.OwnerOf(pod.Namespace) is { } owner ? $"tenant {owner}" : "no tenant";
        var place = $" on {pod.Node}{DevicesOf(pod)}";
        if (!_standings.TryRemove(pod.Uid, out var standing))
        {
            Say("bound", Tone.Plain, pod.FullName, $"{place} ({tenant})");
        }
        else if (standing == Standing.Guaranteed)
        {
            Say("bound", Tone.Guaranteed, pod.FullName, $"{place} ({tenant}, guaranteed)");
        }
        else
        {
            Say("bound", Tone.Burst, pod.FullName, $"{place} ({tenant}, burst)");
        }
    }

    private static string DevicesOf(ObservedPod pod)
    {
        if (pod.Devices.IsEmpty)
        {
            return "";
        }

        var numbers = Ranges(pod.Devices);
        return pod.MilliPerDevice == GpuRequest.MilliPerDevice
            ? $", {(pod.Devices.Length == 1 ? "device" : "devices")} {numbers}"
            : $", {GpuAmount.Format(pod.MilliPerDevice)} of device {numbers}";
    }

    /// <summary>Ascending numbers, neighbours joined: <c>0-3,6</c>.</summary>
    public static string Ranges(ImmutableArray<int> numbers)
    {
        var parts = new List<string>();
        for (var start = 0; start < numbers.Length;)
        {
            var end = start;
            while (end + 1 < numbers.Length && numbers[end + 1] == numbers[end] + 1)
            {
                end++;
            }

            parts.Add(end == start ? $"{numbers[start]}" : $"{numbers[start]}-{numbers[end]}");
            start = end + 1;
        }

        return string.Join(",", parts);
    }

    private void Say(string verb, Tone tone, string subject, string rest)
    {
        var line = new StyledLine()
            .Add(string.Create(NumberFormatInfo.InvariantInfo, $"{elapsed().TotalSeconds,6:0.0}s  "), Tone.Dim)
            .Add(verb.PadRight(9), tone).Add(subject).Add(rest, tone is Tone.Dim ? Tone.Dim : Tone.Plain);
        lock (_gate)
        {
            _recent.Enqueue(line);
            if (_recent.Count > MaxRecent)
            {
                _recent.Dequeue();
            }

            onLine?.Invoke(line);
        }
    }
}
