using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Kubernetes.Wire;
using Scheduler.Daemon.Telemetry;

namespace Scheduler.Daemon.Loop;

/// <summary>
/// Takes pods back, with notice. Everything that has to survive a restart is on the pod itself.
/// </summary>
/// <remarks>
/// <code>
///   running ──notice──► under notice (annotations preempt-by and preempted-for, condition DisruptionTarget, Event)
///                          │ checkpointed-at later than the notice, or preempt-by reached
///                          ▼
///                       evict (Eviction API) ──429: a disruption budget── again, with growing waits
///                          │ accepted
///                          ▼
///                       leaving ──termination grace──► gone; the watch frees the room
/// </code>
/// </remarks>
internal sealed class Evictor(
    ApiServerClient client, ClusterCache cache, ILeadership leadership, EventRecorder events, SchedulerMetrics metrics,
    TimeProvider time, ILogger logger)
{
    private const int MaxConcurrency = 16;
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan RetryFirst = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryCap = TimeSpan.FromSeconds(30);

    // How long the watch may take to show a pod leaving whose eviction the API server took, before it is asked again.
    private static readonly TimeSpan ShownWithin = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<PodId, Task> _underWay = new();
    private readonly ConcurrentDictionary<PodId, (Backoff Backoff, DateTimeOffset NotBefore)> _retries = new();
    private readonly ConcurrentDictionary<PodId, DateTimeOffset> _accepted = new();
    private readonly WakeSignal _wake = new();
    private volatile string _policyVersion = "policy/v1";

    /// <summary>Takes an eviction over. Whether a pod is there to be evicted is checked against the cache as it is now.</summary>
    /// <returns>Why it is refused, or null.</returns>
    public string? Request(Evict decision)
    {
        foreach (var id in decision.Pods)
        {
            if (cache.FindPod(id) is not { IsManaged: true, Disposition: PodDisposition.Placed } pod)
                return $"pod {id} is not running any more";
            if (!pod.IsPreemptible)
                return $"pod {pod.Namespace}/{pod.Name} may not be preempted";
        }

        foreach (var id in decision.Pods)
            cache.PlaceUnderNotice(id, new Notice(decision.Deadline, decision.Beneficiary.Value));
        _wake.Set();
        return null;
    }

    public async Task RunAsync(CancellationToken stop)
    {
        using var slots = new SemaphoreSlim(MaxConcurrency);
        try
        {
            while (true)
            {
                if (leadership.Term is { } term)
                    await StartDueAsync(term, slots, stop).ConfigureAwait(false);
                await _wake.WaitAsync(LookEvery, time, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            await Task.WhenAll(_underWay.Values).ConfigureAwait(false);
        }
    }

    private async Task StartDueAsync(LeadershipTerm term, SemaphoreSlim slots, CancellationToken stop)
    {
        var now = time.GetUtcNow();
        foreach (var (pod, notice) in cache.Notices())
        {
            var isWritten = pod.EvictBy is not null;
            if (pod.Disposition != PodDisposition.Placed || _underWay.ContainsKey(pod.Id) || (isWritten && !IsDue(pod, notice, now)))
                continue;
            if (_retries.TryGetValue(pod.Id, out var retry) && now < retry.NotBefore)
                continue;
            if (_accepted.TryGetValue(pod.Id, out var accepted) && now - accepted < ShownWithin)
                continue;
            await slots.WaitAsync(stop).ConfigureAwait(false);
            _underWay[pod.Id] = WorkAsync(pod, notice, isWritten, term, slots, stop);
        }

        foreach (var id in _retries.Keys.Concat(_accepted.Keys))
        {
            if (cache.FindPod(id) is { Disposition: PodDisposition.Placed })
                continue;
            _retries.TryRemove(id, out _);
            _accepted.TryRemove(id, out _);
        }
    }

    /// <summary>The time is over, or the job has saved its work since it was told.</summary>
    private static bool IsDue(PodRecord pod, Notice notice, DateTimeOffset now) =>
        notice.Deadline <= now || pod.CheckpointedAt > notice.Deadline - pod.PreemptionGrace;

    private async Task WorkAsync(PodRecord pod, Notice notice, bool isWritten, LeadershipTerm term, SemaphoreSlim slots, CancellationToken stop)
    {
        // The rest runs beside the caller, who registers this task first.
        await Task.Yield();
        var isOnPod = isWritten;
        try
        {
            using var both = CancellationTokenSource.CreateLinkedTokenSource(stop, term.Lost);
            if (!isWritten && term.IsHeld)
            {
                await WriteNoticeAsync(pod, notice, both.Token).ConfigureAwait(false);
                isOnPod = true;
                await TellAsync(pod, notice, both.Token).ConfigureAwait(false);
            }

            if (IsDue(pod, notice, time.GetUtcNow()) && term.IsHeld)
                await EvictAsync(pod, both.Token).ConfigureAwait(false);
            _retries.TryRemove(pod.Id, out _);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested || !term.IsHeld)
        {
        }
        catch (ApiServerException refusal) when (!isOnPod && refusal.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
        {
            // Gone, or another pod by now: the watch tells. A notice that is on its pod stands, or nobody would carry it out.
            cache.WithdrawNotice(pod.Id);
        }
        catch (Exception failure)
        {
            var isBudget = failure is ApiServerException { StatusCode: HttpStatusCode.TooManyRequests };
            metrics.Eviction(isBudget ? "refused" : "failed");
            RetryLater(pod, failure);
        }
        finally
        {
            _underWay.TryRemove(pod.Id, out _);
            slots.Release();
        }
    }

    private void RetryLater(PodRecord pod, Exception failure)
    {
        var backoff = _retries.TryGetValue(pod.Id, out var retry) ? retry.Backoff : new Backoff(RetryFirst, RetryCap, Backoff.RandomJitter);
        var wait = backoff.Next((failure as ApiServerException)?.RetryAfter);
        _retries[pod.Id] = (backoff, time.GetUtcNow() + wait);
        Log.EvictionFailed(logger, pod.Namespace, pod.Name, failure.Message, wait.TotalSeconds);
    }

    private async Task WriteNoticeAsync(PodRecord pod, Notice notice, CancellationToken cancellation)
    {
        var deadline = MicroTime.FormatSeconds(notice.Deadline);
        var patch = new MetadataPatch
        {
            Metadata = new PatchedMeta
            {
                Uid = pod.Id.Value,
                Annotations = new() { [Annotations.PreemptBy] = deadline, [Annotations.PreemptedFor] = notice.Beneficiary },
            },
        };
        await client.PatchAsync(PathOf(pod), patch, WireJson.Default.MetadataPatch, ApiServerClient.MergePatch, cancellation).ConfigureAwait(false);
    }

    private async Task TellAsync(PodRecord pod, Notice notice, CancellationToken cancellation)
    {
        var message = $"preempted for {notice.Beneficiary}; to be evicted by {MicroTime.FormatSeconds(notice.Deadline)}";
        var condition = new PodStatusPatch
        {
            Metadata = new PatchedMeta { Uid = pod.Id.Value },
            Status = new PodConditionsPatch
            {
                Conditions =
                [
                    new Condition
                    {
                        Type = "DisruptionTarget", Status = "True", Reason = "PreemptionByScheduler", Message = message,
                        LastTransitionTime = time.GetUtcNow(),
                    },
                ],
            },
        };
        await client.PatchAsync($"{PathOf(pod)}/status", condition, WireJson.Default.PodStatusPatch, ApiServerClient.StrategicMergePatch, cancellation)
            .ConfigureAwait(false);
        events.Record(PodReference.Of(pod), EventKind.Warning, "Preempting", message);
        metrics.Eviction("noticed");
    }

    private async Task EvictAsync(PodRecord pod, CancellationToken cancellation)
    {
        var path = $"{PathOf(pod)}/eviction";
        try
        {
            await client.PostAsync(path, Eviction(pod, _policyVersion), WireJson.Default.EvictionObject, cancellation).ConfigureAwait(false);
        }
        catch (ApiServerException refusal) when (IsUnknownVersion(refusal) && _policyVersion == "policy/v1")
        {
            // Kubernetes before 1.22.
            _policyVersion = "policy/v1beta1";
            await client.PostAsync(path, Eviction(pod, _policyVersion), WireJson.Default.EvictionObject, cancellation).ConfigureAwait(false);
        }

        _accepted[pod.Id] = time.GetUtcNow();
        metrics.Eviction("evicted");
        events.Record(PodReference.Of(pod), EventKind.Normal, "Preempted", $"evicted for {pod.PreemptedFor ?? "another workload"}");
        Log.Evicted(logger, pod.Namespace, pod.Name);
    }

    private static string PathOf(PodRecord pod) => $"/api/v1/namespaces/{pod.Namespace}/pods/{pod.Name}";

    private static bool IsUnknownVersion(ApiServerException refusal) =>
        refusal.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.UnsupportedMediaType;

    private static EvictionObject Eviction(PodRecord pod, string version) => new()
    {
        ApiVersion = version,
        Metadata = new ObjectMeta { Name = pod.Name, Namespace = pod.Namespace },
        DeleteOptions = new DeleteOptions { Preconditions = new Preconditions { Uid = pod.Id.Value } },
    };
}
