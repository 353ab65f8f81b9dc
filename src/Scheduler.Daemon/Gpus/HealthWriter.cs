using System.Net;
using Microsoft.Extensions.Logging;
using Scheduler.Core.Model;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Loop;
using Scheduler.Daemon.Telemetry;

namespace Scheduler.Daemon.Gpus;

/// <summary>
/// Lets time go by for the health of the cluster, and keeps on each node what must outlive a restart. What could not be written is
/// tried again after a wait, as long as it differs.
/// </summary>
internal sealed class HealthWriter(
    ApiServerClient client, ClusterHealth health, ILeadership leadership, RateLimit rate, SchedulerMetrics metrics, TimeSpan tickEvery,
    TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(10);

    private readonly WakeSignal _wake = new();
    private readonly Dictionary<NodeName, DateTimeOffset> _failed = [];

    public async Task RunAsync(CancellationToken stop)
    {
        health.Changed += _wake.Set;
        try
        {
            while (true)
            {
                health.Tick();
                await WriteAsync(stop).ConfigureAwait(false);
                await _wake.WaitAsync(tickEvery, time, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
        finally
        {
            health.Changed -= _wake.Set;
        }
    }

    private async Task WriteAsync(CancellationToken stop)
    {
        foreach (var change in health.Unwritten())
        {
            if (leadership.Term is null)
                return;
            if (_failed.TryGetValue(change.Node, out var at) && time.GetUtcNow() - at < RetryAfter)
                continue;
            await rate.WaitAsync(stop).ConfigureAwait(false);
            try
            {
                await client.AnnotateAsync($"/api/v1/nodes/{change.Node}", change.Uid, new() { [Annotations.GpuHealth] = change.Text }, stop).ConfigureAwait(false);
                health.Wrote(change);
                _failed.Remove(change.Node);
                metrics.StatusWrite("health", "written");
            }
            catch (ApiServerException refusal) when (refusal.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
            {
                // Gone, or another node by now: the watch tells.
                _failed[change.Node] = time.GetUtcNow();
            }
            catch (Exception failure) when (failure is ApiServerException || ApiServerClient.IsUncertain(failure))
            {
                _failed[change.Node] = time.GetUtcNow();
                metrics.StatusWrite("health", "failed");
                Log.HealthWriteFailed(logger, change.Node.Value, failure.Message, RetryAfter.TotalSeconds);
            }
        }
    }
}
