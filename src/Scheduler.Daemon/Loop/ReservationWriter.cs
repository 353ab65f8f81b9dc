using System.Net;
using Microsoft.Extensions.Logging;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Telemetry;

namespace Scheduler.Daemon.Loop;

/// <summary>
/// Keeps on each waiting pod which room is kept for it (annotation reservation), so that the next leader goes on where this one
/// ended. Compares what a pod should say with what it says: what is the same is not written.
/// </summary>
internal sealed class ReservationWriter(
    ApiServerClient client, ClusterCache cache, ILeadership leadership, RateLimit rate, SchedulerMetrics metrics, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);

    // How long the watch may take to show what was written, before it is written again. Also the wait after a failure.
    private static readonly TimeSpan ShownWithin = TimeSpan.FromSeconds(30);

    private readonly WakeSignal _wake = new();
    private readonly Dictionary<PodId, (string? Text, DateTimeOffset At)> _written = [];

    /// <summary>Takes over the nominations of a plan. Never waits.</summary>
    public void Keep(IEnumerable<PodBinding> nominated)
    {
        if (cache.Nominate(nominated))
            _wake.Set();
    }

    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                await WriteAsync(stop).ConfigureAwait(false);
                await _wake.WaitAsync(LookEvery, time, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    private async Task WriteAsync(CancellationToken stop)
    {
        var changes = cache.ReservationChanges();
        foreach (var settled in _written.Keys.Except(changes.Select(change => change.Pod.Id)).ToList())
            _written.Remove(settled);
        foreach (var change in changes)
        {
            if (leadership.Term is null)
                return;
            if (_written.TryGetValue(change.Pod.Id, out var last) && last.Text == change.Text && time.GetUtcNow() - last.At < ShownWithin)
                continue;
            await rate.WaitAsync(stop).ConfigureAwait(false);
            _written[change.Pod.Id] = (change.Text, time.GetUtcNow());
            await WriteAsync(change, stop).ConfigureAwait(false);
        }
    }

    private async Task WriteAsync(ReservationChange change, CancellationToken stop)
    {
        try
        {
            await client.AnnotateAsync($"/api/v1/namespaces/{change.Pod.Namespace}/pods/{change.Pod.Name}", change.Pod.Id.Value,
                new() { [Annotations.Reservation] = change.Text }, stop).ConfigureAwait(false);
            metrics.StatusWrite("reservation", "written");
        }
        catch (ApiServerException refusal) when (refusal.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
        {
            // Gone, or another pod by now: the watch tells.
        }
        catch (Exception failure) when (failure is ApiServerException || ApiServerClient.IsUncertain(failure))
        {
            metrics.StatusWrite("reservation", "failed");
            Log.ReservationFailed(logger, change.Pod.Namespace, change.Pod.Name, failure.Message);
        }
    }
}
