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
/// A notice that the planner takes back before the eviction began goes from the pod again, with an Event.
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
    private readonly ConcurrentDictionary<PodId, (Notice? Notice, DateTimeOffset At)> _told = new();
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

        // The pod says whole seconds, and so does its time: never less than was promised.
        var deadline = decision.Deadline <= time.GetUtcNow() ? decision.Deadline : CeilingSecond(decision.Deadline);
        foreach (var id in decision.Pods)
            cache.PlaceUnderNotice(id, new Notice(deadline, decision.Beneficiary.Value));
        _wake.Set();
        return null;
    }

    /// <summary>Tells a pod to go because its GPU is sick.</summary>
    public void Evacuate(PodRecord pod)
    {
        var deadline = time.GetUtcNow() + pod.PreemptionGrace;
        cache.PlaceUnderNotice(pod.Id, new Notice(pod.PreemptionGrace > TimeSpan.Zero ? CeilingSecond(deadline) : deadline, PreemptionNotice.GpuHealth.Value));
        metrics.Evacuated();
        _wake.Set();
    }

    /// <summary>Takes one notice back.</summary>
    public void TakeBack(PodId pod)
    {
        cache.WithdrawNotice(pod);
        _wake.Set();
    }

    /// <summary>Takes notices back. A pod whose eviction has been accepted goes all the same.</summary>
    /// <returns>Null: there is nothing to refuse.</returns>
    public string? Withdraw(Withdraw decision)
    {
        foreach (var id in decision.Pods)
            cache.WithdrawNotice(id);
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
        foreach (var (pod, notice, isWritten) in cache.Notices())
        {
            var isTold = isWritten || WasTold(pod, notice, now);
            if (pod.Disposition != PodDisposition.Placed || IsBusy(pod, now) || (isTold && !IsDue(pod, notice, now)))
                continue;
            if (_accepted.TryGetValue(pod.Id, out var accepted) && now - accepted < ShownWithin)
                continue;
            await StartAsync(pod, token => CarryOutAsync(pod, notice, isTold, term, token), term, slots, stop).ConfigureAwait(false);
        }

        foreach (var pod in cache.Withdrawn())
        {
            if (!IsBusy(pod, now) && !WasTold(pod, null, now))
                await StartAsync(pod, token => TakeBackAsync(pod, token), term, slots, stop).ConfigureAwait(false);
        }

        foreach (var id in _retries.Keys.Concat(_accepted.Keys).Concat(_told.Keys))
        {
            if (cache.FindPod(id) is { Disposition: PodDisposition.Placed })
                continue;
            _retries.TryRemove(id, out _);
            _accepted.TryRemove(id, out _);
            _told.TryRemove(id, out _);
        }
    }

    private bool IsBusy(PodRecord pod, DateTimeOffset now) =>
        _underWay.ContainsKey(pod.Id) || (_retries.TryGetValue(pod.Id, out var retry) && now < retry.NotBefore);

    /// <summary>Whether it was written just now, and the watch may not show it yet.</summary>
    private bool WasTold(PodRecord pod, Notice? notice, DateTimeOffset now) =>
        _told.TryGetValue(pod.Id, out var told) && told.Notice == notice && now - told.At < ShownWithin;

    private async Task StartAsync(
        PodRecord pod, Func<CancellationToken, Task> work, LeadershipTerm term, SemaphoreSlim slots, CancellationToken stop)
    {
        await slots.WaitAsync(stop).ConfigureAwait(false);
        _underWay[pod.Id] = WorkAsync(pod, work, term, slots, stop);
    }

    /// <summary>
    /// The time is over, or the job has saved its work since it was told. The deadline was rounded up, so the notice can be almost a
    /// second older than it tells: who heeds it within that second has heeded it.
    /// </summary>
    private static bool IsDue(PodRecord pod, Notice notice, DateTimeOffset now) =>
        notice.Deadline <= now || pod.CheckpointedAt > notice.Deadline - pod.PreemptionGrace - TimeSpan.FromSeconds(1);

    private async Task WorkAsync(
        PodRecord pod, Func<CancellationToken, Task> work, LeadershipTerm term, SemaphoreSlim slots, CancellationToken stop)
    {
        // The rest runs beside the caller, who registers this task first.
        await Task.Yield();
        try
        {
            using var both = CancellationTokenSource.CreateLinkedTokenSource(stop, term.Lost);
            if (term.IsHeld)
                await work(both.Token).ConfigureAwait(false);
            _retries.TryRemove(pod.Id, out _);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested || !term.IsHeld)
        {
        }
        catch (Exception failure)
        {
            var isBudget = failure is ApiServerException { StatusCode: HttpStatusCode.TooManyRequests };
            metrics.Eviction(isBudget ? "refused" : "failed");
            if (isBudget)
                events.Record(EventSubject.Of(pod), EventKind.Warning, "EvictionRefused", $"a disruption budget does not let it go yet: {failure.Message}");
            RetryLater(pod, failure);
        }
        finally
        {
            _underWay.TryRemove(pod.Id, out _);
            slots.Release();
        }
    }

    private async Task CarryOutAsync(PodRecord pod, Notice notice, bool isTold, LeadershipTerm term, CancellationToken cancellation)
    {
        if (!isTold)
        {
            try
            {
                await WriteNoticeAsync(pod, notice, cancellation).ConfigureAwait(false);
            }
            catch (ApiServerException refusal) when (refusal.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
            {
                // Gone, or another pod by now: the watch tells. A notice that is on its pod stands, or nobody would carry it out.
                cache.WithdrawNotice(pod.Id);
                return;
            }

            _told[pod.Id] = (notice, time.GetUtcNow());
            await TellAsync(pod, notice, cancellation).ConfigureAwait(false);
        }

        // The planner may have changed its mind since this was begun.
        if (IsDue(pod, notice, time.GetUtcNow()) && term.IsHeld && cache.IsUnderNotice(pod.Id))
            await EvictAsync(pod, notice, cancellation).ConfigureAwait(false);
    }

    private async Task TakeBackAsync(PodRecord pod, CancellationToken cancellation)
    {
        try
        {
            await PatchAnnotationsAsync(pod, null, null, cancellation).ConfigureAwait(false);
            _told[pod.Id] = (null, time.GetUtcNow());
            await SetConditionAsync(pod, "False", "PreemptionWithdrawn", "its room is not needed any more", cancellation).ConfigureAwait(false);
        }
        catch (ApiServerException refusal) when (refusal.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
        {
            return;
        }

        metrics.Eviction("withdrawn");
        events.Record(EventSubject.Of(pod), EventKind.Normal, "PreemptionWithdrawn", "it may stay: its room is not needed any more");
    }

    private void RetryLater(PodRecord pod, Exception failure)
    {
        var backoff = _retries.TryGetValue(pod.Id, out var retry) ? retry.Backoff : new Backoff(RetryFirst, RetryCap, Backoff.RandomJitter);
        var wait = backoff.Next((failure as ApiServerException)?.RetryAfter);
        _retries[pod.Id] = (backoff, time.GetUtcNow() + wait);
        Log.EvictionFailed(logger, pod.Namespace, pod.Name, failure.Message, wait.TotalSeconds);
    }

    private Task WriteNoticeAsync(PodRecord pod, Notice notice, CancellationToken cancellation) =>
        PatchAnnotationsAsync(pod, MicroTime.FormatSeconds(notice.Deadline), notice.Beneficiary, cancellation);

    private Task PatchAnnotationsAsync(PodRecord pod, string? deadline, string? beneficiary, CancellationToken cancellation) => client.AnnotateAsync(
        PathOf(pod), pod.Id.Value, new() { [Annotations.PreemptBy] = deadline, [Annotations.PreemptedFor] = beneficiary }, cancellation);

    private async Task TellAsync(PodRecord pod, Notice notice, CancellationToken cancellation)
    {
        var message = $"{Cause(notice)}; to be evicted by {MicroTime.FormatSeconds(notice.Deadline)}";
        await SetConditionAsync(pod, "True", "PreemptionByScheduler", message, cancellation).ConfigureAwait(false);
        events.Record(EventSubject.Of(pod), EventKind.Warning, "Preempting", message);
        metrics.Eviction("noticed");
    }

    private Task SetConditionAsync(PodRecord pod, string status, string reason, string message, CancellationToken cancellation)
    {
        var condition = new PodStatusPatch
        {
            Metadata = new PatchedMeta { Uid = pod.Id.Value },
            Status = new PodConditionsPatch
            {
                Conditions =
                [
                    new Condition
                    {
                        Type = "DisruptionTarget", Status = status, Reason = reason, Message = message, LastTransitionTime = time.GetUtcNow(),
                    },
                ],
            },
        };
        return client.PatchAsync(
            $"{PathOf(pod)}/status", condition, WireJson.Default.PodStatusPatch, ApiServerClient.StrategicMergePatch, cancellation);
    }

    private async Task EvictAsync(PodRecord pod, Notice notice, CancellationToken cancellation)
    {
        var path = $"{PathOf(pod)}/eviction";
        // Others ask at the same time: what counts is the version that this request was in.
        var asked = _policyVersion;
        try
        {
            await client.PostAsync(path, Eviction(pod, asked), WireJson.Default.EvictionObject, cancellation).ConfigureAwait(false);
        }
        catch (ApiServerException refusal) when (IsUnknownVersion(refusal) && asked == "policy/v1")
        {
            // Kubernetes before 1.22.
            _policyVersion = "policy/v1beta1";
            await client.PostAsync(path, Eviction(pod, _policyVersion), WireJson.Default.EvictionObject, cancellation).ConfigureAwait(false);
        }

        _accepted[pod.Id] = time.GetUtcNow();
        metrics.Eviction("evicted");
        events.Record(EventSubject.Of(pod), EventKind.Normal, "Preempted", $"evicted: {Cause(notice)}");
        Log.Evicted(logger, pod.Namespace, pod.Name);
    }

    private static string Cause(Notice notice) => notice.Beneficiary == PreemptionNotice.GpuHealth.Value
        ? "moved, because a GPU that it holds is in quarantine"
        : $"preempted for {notice.Beneficiary}";

    private static DateTimeOffset CeilingSecond(DateTimeOffset at)
    {
        var over = at.UtcTicks % TimeSpan.TicksPerSecond;
        return over == 0 ? at : at.AddTicks(TimeSpan.TicksPerSecond - over);
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
