using System.Net;
using Microsoft.Extensions.Logging;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Kubernetes.Wire;
using Scheduler.Daemon.Telemetry;

namespace Scheduler.Daemon.Extender;

/// <summary>
/// Makes kube-scheduler ask. A pod that was sent away sleeps in kube-scheduler until something about the cluster or the pod changes,
/// for minutes if nothing does; a decision of Weir is nothing that it sees. So the decision is written on the pod: the annotation
/// changes it, which wakes it.
/// </summary>
internal sealed class CommitmentAnnouncer(
    ApiServerClient client, ClusterCache cache, ILeadership leadership, RateLimit rate, SchedulerMetrics metrics, TimeProvider time, ILogger logger)
{
    private const int MaxConcurrency = 8;
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);

    /// <summary>Runs until <paramref name="stop"/> is cancelled.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                metrics.SetCommitments(cache.CommitmentCount);
                if (leadership.Term is { } term)
                {
                    await Parallel.ForEachAsync(
                        cache.TakeCommitmentNews(), new ParallelOptions { MaxDegreeOfParallelism = MaxConcurrency, CancellationToken = stop },
                        async (news, token) => await WriteAsync(news, term, token).ConfigureAwait(false)).ConfigureAwait(false);
                }

                await Task.Delay(LookEvery, time, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    private bool IsNews(CommitmentNews news) => cache.NodeOf(news.Pod.Id) is not null && cache.FindPod(news.Pod.Id) is { HoldsRoom: false };

    private async Task WriteAsync(CommitmentNews news, LeadershipTerm term, CancellationToken stop)
    {
        if (!IsNews(news))
            return;
        await rate.WaitAsync(stop).ConfigureAwait(false);
        // Bound or taken back while it waited for its turn.
        if (!term.IsHeld || !IsNews(news))
            return;
        try
        {
            await client.AnnotateAsync($"/api/v1/namespaces/{news.Pod.Namespace}/pods/{news.Pod.Name}", news.Pod.Id.Value,
                new() { [Annotations.Reservation] = news.Room, [Annotations.CommittedAt] = MicroTime.Format(time.GetUtcNow()) }, stop).ConfigureAwait(false);
            metrics.StatusWrite("commitment", "written");
        }
        catch (ApiServerException refusal) when (refusal.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
        {
            // Gone, or another pod by now: the watch tells.
        }
        catch (Exception failure) when (failure is ApiServerException || ApiServerClient.IsUncertain(failure))
        {
            cache.KeepCommitmentNews(news.Pod.Id);
            metrics.StatusWrite("commitment", "failed");
            Log.CommitmentNewsFailed(logger, news.Pod.Namespace, news.Pod.Name, failure.Message);
        }
    }
}
