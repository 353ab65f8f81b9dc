using System.Net;
using Microsoft.Extensions.Logging;
using Scheduler.Daemon.Kubernetes.Wire;

namespace Scheduler.Daemon.Kubernetes;

/// <summary>Which lease, and how fast. RetryPeriod &lt; RenewDeadline &lt; LeaseDuration.</summary>
internal sealed record LeaseSettings
{
    public required string Namespace { get; init; }
    public required string Name { get; init; }

    /// <summary>Unique among all replicas, and among restarts of one.</summary>
    public required string Identity { get; init; }

    /// <summary>How long others wait after the last sign of life before they take over.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long after its last successful renewal a leader still writes.</summary>
    public TimeSpan RenewDeadline { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan RetryPeriod { get; init; } = TimeSpan.FromSeconds(2);
}

/// <summary>Leader election over a coordination.k8s.io Lease.</summary>
/// <remarks>
/// <code>
///               free, or silent for its duration: PUT accepted
///    Standby ──────────────────────────────────────────────────► Leading ──┐ renewed every RetryPeriod
///       ▲                                                          │   ▲   │
///       │   no renewal within RenewDeadline; another holder seen   │   └───┘
///       ├──────────────────────────────────────────────────────────┤
///       │   released at shutdown: holder emptied, next one starts at once
/// </code>
/// A holder's expiry is judged by how long its record has not changed by the local monotonic clock; the times inside the record
/// are another machine's, and only for people. The leader stops at RenewDeadline, others start at LeaseDuration: the difference
/// is the margin for clocks that run at different speeds and for writes on their way.
/// </remarks>
internal sealed class LeaseElection(
    ApiServerClient client, LeaseSettings settings, TimeProvider time, ILogger logger, Func<double>? jitter = null) : ILeadership, IDisposable
{
    private static readonly TimeSpan ReleaseTimeout = TimeSpan.FromSeconds(3);

    private readonly Func<double> _jitter = jitter ?? Backoff.RandomJitter;
    private readonly string _collection = $"/apis/coordination.k8s.io/v1/namespaces/{settings.Namespace}/leases";
    private LeaseSpec? _seen;
    private long _seenAt;
    private volatile LeadershipTerm? _term;
    private string? _reportedHolder;

    public LeadershipTerm? Term => _term is { IsHeld: true } term ? term : null;

    public string? Holder { get; private set; }

    public event Action? Changed;

    private string LeaseName => $"{settings.Namespace}/{settings.Name}";

    public void Dispose() => _term?.Dispose();

    /// <summary>Takes part in the election until <paramref name="stop"/> is cancelled, then releases the lease if it is held.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                await AttemptAsync(stop).ConfigureAwait(false);
                // Spread, so that replicas that wait for the same lease do not ask in step.
                var wait = settings.RetryPeriod * (_term is null ? 1 + (0.2 * _jitter()) : 1);
                await Task.Delay(wait, time, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            await ReleaseAsync().ConfigureAwait(false);
        }
    }

    private async Task AttemptAsync(CancellationToken stop)
    {
        if (_term is { IsHeld: false })
            Lose($"not renewed within {settings.RenewDeadline.TotalSeconds:0.#} s");
        var sent = time.GetTimestamp();
        using var deadline = new CancellationTokenSource(settings.RenewDeadline / 2, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stop, deadline.Token);
        try
        {
            await TryHoldAsync(sent, both.Token).ConfigureAwait(false);
        }
        catch (ApiServerException refusal) when (refusal.StatusCode == HttpStatusCode.Conflict)
        {
            // Another writer was faster. Whether it took the lease is seen at the next reading; until then the deadline guards.
            _seen = null;
        }
        catch (Exception failure) when (!stop.IsCancellationRequested && IsOutside(failure))
        {
            Log.LeaseFailed(logger, LeaseName, failure.Message, settings.RetryPeriod.TotalSeconds);
        }
    }

    private static bool IsOutside(Exception failure) =>
        failure is ApiServerException or OperationCanceledException or System.Text.Json.JsonException || ApiServerClient.IsUncertain(failure);

    private async Task TryHoldAsync(long sent, CancellationToken cancellation)
    {
        LeaseObject lease;
        try
        {
            lease = await client.GetAsync($"{_collection}/{settings.Name}", WireJson.Default.LeaseObject, cancellation).ConfigureAwait(false);
        }
        catch (ApiServerException refusal) when (refusal.StatusCode == HttpStatusCode.NotFound)
        {
            var created = new LeaseObject
            {
                Metadata = new ObjectMeta { Name = settings.Name, Namespace = settings.Namespace },
                Spec = Mine(previous: null),
            };
            await client.PostAsync(_collection, created, WireJson.Default.LeaseObject, WireJson.Default.LeaseObject, cancellation).ConfigureAwait(false);
            Hold(sent, created.Spec);
            return;
        }

        Observe(lease.Spec);
        if (IsHeldByAnother(lease.Spec))
        {
            if (_term is not null)
                Lose($"{lease.Spec.HolderIdentity} holds the lease");
            Stand(lease.Spec.HolderIdentity!);
            return;
        }

        var mine = lease with { Spec = Mine(lease.Spec) };
        await client.PutAsync($"{_collection}/{settings.Name}", mine, WireJson.Default.LeaseObject, cancellation).ConfigureAwait(false);
        Hold(sent, mine.Spec);
    }

    private void Observe(LeaseSpec spec)
    {
        if (spec == _seen)
            return;
        _seen = spec;
        _seenAt = time.GetTimestamp();
    }

    private bool IsHeldByAnother(LeaseSpec spec)
    {
        if (string.IsNullOrEmpty(spec.HolderIdentity) || spec.HolderIdentity == settings.Identity)
            return false;
        var duration = spec.LeaseDurationSeconds is > 0 and var seconds ? TimeSpan.FromSeconds(seconds) : settings.LeaseDuration;
        return time.GetElapsedTime(_seenAt) < duration;
    }

    private LeaseSpec Mine(LeaseSpec? previous)
    {
        var now = MicroTime.Format(time.GetUtcNow());
        var isRenewal = previous?.HolderIdentity == settings.Identity && _term is not null;
        return new LeaseSpec
        {
            HolderIdentity = settings.Identity,
            LeaseDurationSeconds = (int)Math.Ceiling(settings.LeaseDuration.TotalSeconds),
            AcquireTime = isRenewal ? previous!.AcquireTime : now,
            RenewTime = now,
            LeaseTransitions = previous is null ? 0 : (previous.LeaseTransitions ?? 0) + (isRenewal ? 0 : 1),
        };
    }

    private void Hold(long sent, LeaseSpec spec)
    {
        Observe(spec);
        Holder = settings.Identity;
        if (_term is { IsHeld: true } term)
        {
            term.Extend(settings.RenewDeadline, sent);
            return;
        }

        if (_term is not null)
            Lose($"not renewed within {settings.RenewDeadline.TotalSeconds:0.#} s");
        _reportedHolder = null;
        _term = new LeadershipTerm(time, settings.RenewDeadline, sent);
        _term.Lost.Register(() => Changed?.Invoke());
        Log.LeaseAcquired(logger, settings.Identity, LeaseName);
        Changed?.Invoke();
    }

    private void Stand(string holder)
    {
        Holder = holder;
        if (_reportedHolder == holder)
            return;
        _reportedHolder = holder;
        Log.LeaseStandby(logger, LeaseName, holder);
        Changed?.Invoke();
    }

    private void Lose(string why)
    {
        var term = _term;
        _term = null;
        Holder = null;
        term?.End();
        Log.LeaseLost(logger, settings.Identity, why);
        Changed?.Invoke();
    }

    private async Task ReleaseAsync()
    {
        if (_term is not { IsHeld: true } term)
            return;
        // First the fence, then the lease: nothing of ours is written once another may hold it.
        _term = null;
        term.End();
        using var deadline = new CancellationTokenSource(ReleaseTimeout, time);
        try
        {
            var lease = await client.GetAsync($"{_collection}/{settings.Name}", WireJson.Default.LeaseObject, deadline.Token).ConfigureAwait(false);
            if (lease.Spec.HolderIdentity != settings.Identity)
                return;
            var released = lease with
            {
                Spec = lease.Spec with { HolderIdentity = "", LeaseDurationSeconds = 1, RenewTime = MicroTime.Format(time.GetUtcNow()) },
            };
            await client.PutAsync($"{_collection}/{settings.Name}", released, WireJson.Default.LeaseObject, deadline.Token).ConfigureAwait(false);
            Log.LeaseReleased(logger, LeaseName);
        }
        catch (Exception failure) when (IsOutside(failure))
        {
            Log.LeaseReleaseFailed(logger, LeaseName, failure.Message);
        }
    }
}
