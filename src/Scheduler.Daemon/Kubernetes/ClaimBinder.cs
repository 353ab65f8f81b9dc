using System.Net;
using Microsoft.Extensions.Logging;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Kubernetes.Mapping;

namespace Scheduler.Daemon.Kubernetes;

internal sealed record ClaimBinderSettings
{
    public int MaxAttempts { get; init; } = 5;
    public TimeSpan BackoffFirst { get; init; } = TimeSpan.FromMilliseconds(100);
    public TimeSpan BackoffCap { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a provisioner may take, as long as kube-scheduler waits too.</summary>
    public TimeSpan BoundWithin { get; init; } = TimeSpan.FromMinutes(10);
}

/// <summary>
/// Has the volumes of a pod made for its node before the pod is bound: names the node on each claim that waits for one
/// (<c>volume.kubernetes.io/selected-node</c>), and waits until the claims are bound.
/// </summary>
/// <remarks>
/// What was written stays there: after a restart, or under another leader, the claim draws its pod to the same node. A
/// provisioner that cannot serve the node takes the annotation off again. Safe for concurrent use.
/// </remarks>
internal sealed class ClaimBinder(
    ApiServerClient client, ClusterCache cache, ClaimBinderSettings settings, TimeProvider time, ILogger logger, Func<double>? jitter = null)
{
    private readonly Func<double> _jitter = jitter ?? Backoff.RandomJitter;

    /// <summary>Null once all claims of the request are bound; else how the binding ended.</summary>
    public async Task<BindOutcome?> BindAsync(BindRequest request, LeadershipTerm term, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var timer = time.CreateTimer(
            static state => ((CancellationTokenSource)state!).Cancel(), limit, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        try
        {
            var (ended, refusal) = await cache.UntilClaimsBoundAsync(request, SelectNodesAsync, limit.Token).ConfigureAwait(false);
            return ended ?? (refusal is null ? null : new BindOutcome(BindResult.Rejected, refusal));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new BindOutcome(
                BindResult.Rejected,
                $"its claims {string.Join(", ", request.UnboundClaims)} were not bound within {settings.BoundWithin.TotalMinutes:0} minutes; see their Events");
        }

        async Task<BindOutcome?> SelectNodesAsync()
        {
            foreach (var name in request.UnboundClaims)
            {
                if (await SelectNodeAsync(request, name, term, cancellation).ConfigureAwait(false) is { } failed)
                    return failed;
            }

            timer.Change(settings.BoundWithin, Timeout.InfiniteTimeSpan);
            return null;
        }
    }

    private async Task<BindOutcome?> SelectNodeAsync(BindRequest request, string name, LeadershipTerm term, CancellationToken cancellation)
    {
        var backoff = new Backoff(settings.BackoffFirst, settings.BackoffCap, _jitter);
        while (true)
        {
            var claim = cache.FindClaim(request.Namespace, name);
            if (claim is null)
                return new BindOutcome(BindResult.Rejected, $"the claim {name} is gone");
            if (claim.Volume is not null || claim.SelectedNode == request.Node.Value)
                return null;
            if (!term.IsHeld)
                return new BindOutcome(BindResult.Fenced, "the lease was lost");
            try
            {
                // Writing the same twice does no harm.
                await client.AnnotateAsync(
                    $"/api/v1/namespaces/{request.Namespace}/persistentvolumeclaims/{name}", claim.Uid,
                    new() { [VolumeMapping.SelectedNode] = request.Node.Value }, cancellation).ConfigureAwait(false);
                return null;
            }
            catch (ApiServerException refusal) when (!refusal.IsTransient && refusal.StatusCode != HttpStatusCode.Conflict)
            {
                return new BindOutcome(BindResult.Rejected, $"the claim {name}: {refusal.Message}");
            }
            catch (Exception failure) when (failure is ApiServerException || ApiServerClient.IsUncertain(failure))
            {
                if (backoff.Failures + 1 >= settings.MaxAttempts)
                    return new BindOutcome(BindResult.Exhausted, $"the claim {name}: {settings.MaxAttempts} attempts, the last: {failure.Message}");
                var wait = backoff.Next((failure as ApiServerException)?.RetryAfter);
                Log.BindRetry(logger, request.Namespace, request.Name, request.Node.Value, failure.Message, wait.TotalSeconds);
                await Task.Delay(wait, time, cancellation).ConfigureAwait(false);
            }
        }
    }
}
