using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Scheduler.Core.Model;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Kubernetes.Wire;
using Scheduler.Daemon.Telemetry;

namespace Scheduler.Daemon.Kubernetes;

/// <summary>
/// Tells pods why they wait: condition PodScheduled=False with the reason and the message. Written in the background, at most so
/// many per second; of a pod only the newest state waits to be written. A new reason is written at once, new numbers in the
/// message of the same reason at most once in <see cref="MessageEvery"/>. The condition of a pod that kube-scheduler binds is
/// kube-scheduler's, which writes Weir's reason there when it has asked: such a pod gets the Event alone.
/// </summary>
internal sealed class ConditionWriter(
    ApiServerClient client, ClusterCache cache, ILeadership leadership, EventRecorder events, RateLimit rate, SchedulerMetrics metrics,
    TimeProvider time, ILogger logger)
{
    public static readonly TimeSpan MessageEvery = TimeSpan.FromMinutes(1);
    private const int MaxMessageLength = 4096;
    private const int PruneAbove = 1000;

    private readonly Lock _gate = new();
    private readonly Dictionary<PodId, Wanted> _waiting = [];
    private readonly Dictionary<PodId, (string Reason, string Message, DateTimeOffset At)> _written = [];
    private readonly Channel<PodId> _order = Channel.CreateUnbounded<PodId>();
    private int _pruneAt = PruneAbove;

    /// <summary>Hands over what the pod is to say; never waits. Called with every waiting pod in every cycle.</summary>
    public void Offer(PodRecord pod, string reason, string message)
    {
        var text = message.Length <= MaxMessageLength ? message : string.Concat(message.AsSpan(0, MaxMessageLength - 1), "…");
        lock (_gate)
        {
            if (!IsDue(pod, reason, text))
                return;
            if (!_waiting.ContainsKey(pod.Id) && !_order.Writer.TryWrite(pod.Id))
                return;
            _waiting[pod.Id] = new Wanted(pod, reason, text);
        }
    }

    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            await foreach (var id in _order.Reader.ReadAllAsync(stop).ConfigureAwait(false))
            {
                await rate.WaitAsync(stop).ConfigureAwait(false);
                Wanted? wanted;
                lock (_gate)
                    _waiting.Remove(id, out wanted);
                if (wanted is not null && leadership.Term is not null)
                    await WriteAsync(wanted, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    private bool IsDue(PodRecord pod, string reason, string message)
    {
        var isWritten = _written.TryGetValue(pod.Id, out var written);
        var now = isWritten ? (written.Reason, written.Message) : pod.IsThroughExtender ? null : pod.UnscheduledBecause;
        if (isWritten && pod.IsThroughExtender)
            return written.Reason != reason;
        if (now is null || now.Value.Reason != reason)
            return true;
        return now.Value.Message != message && (!isWritten || time.GetUtcNow() - written.At >= MessageEvery);
    }

    private async Task WriteAsync(Wanted wanted, CancellationToken stop)
    {
        var pod = cache.FindPod(wanted.Pod.Id);
        // Placed or gone in the meantime: what it waited for is of no interest any more.
        if (pod is null || pod.HoldsRoom || cache.IsAssumed(pod.Id))
            return;
        string? before;
        lock (_gate)
            before = _written.TryGetValue(pod.Id, out var last) ? last.Reason : pod.UnscheduledBecause?.Reason;
        var now = time.GetUtcNow();
        if (pod.IsThroughExtender)
        {
            Remember(pod.Id, wanted, now);
            events.Record(EventSubject.Of(pod), EventKind.Warning, "FailedScheduling", $"{wanted.Reason}: {wanted.Message}");
            return;
        }

        try
        {
            await client.PatchAsync($"/api/v1/namespaces/{pod.Namespace}/pods/{pod.Name}/status", PatchOf(wanted, before is null, now),
                WireJson.Default.PodStatusPatch, ApiServerClient.StrategicMergePatch, stop).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is ApiServerException || ApiServerClient.IsUncertain(failure))
        {
            // The next cycle offers it again.
            metrics.StatusWrite("condition", "failed");
            Log.ConditionFailed(logger, pod.Namespace, pod.Name, failure.Message);
            return;
        }

        metrics.StatusWrite("condition", "written");
        Remember(pod.Id, wanted, now);
        if (before != wanted.Reason)
            events.Record(EventSubject.Of(pod), EventKind.Warning, "FailedScheduling", $"{wanted.Reason}: {wanted.Message}");
    }

    private static PodStatusPatch PatchOf(Wanted wanted, bool isTransition, DateTimeOffset now) => new()
    {
        Metadata = new PatchedMeta { Uid = wanted.Pod.Id.Value },
        Status = new PodConditionsPatch
        {
            Conditions =
            [
                new Condition
                {
                    Type = "PodScheduled", Status = "False", Reason = wanted.Reason, Message = wanted.Message,
                    LastTransitionTime = isTransition ? now : null,
                },
            ],
        },
    };

    private void Remember(PodId pod, Wanted wanted, DateTimeOffset now)
    {
        lock (_gate)
        {
            _written[pod] = (wanted.Reason, wanted.Message, now);
            if (_written.Count < _pruneAt)
                return;
            foreach (var gone in _written.Keys.Where(id => cache.FindPod(id) is not { HoldsRoom: false }).ToList())
                _written.Remove(gone);
            _pruneAt = Math.Max(PruneAbove, 2 * _written.Count);
        }
    }

    private sealed record Wanted(PodRecord Pod, string Reason, string Message);
}
