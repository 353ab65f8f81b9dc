using Microsoft.Extensions.Logging;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Kubernetes;

namespace Scheduler.Daemon.Loop;

/// <summary>
/// Asks the API server about bindings that the watch did not show in time. Only its clear answer that a pod is not bound gives
/// the room back: silence of the watch, or of the API server, never does.
/// </summary>
internal sealed class BindingCheck(PodBinder binder, ClusterCache cache, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    /// <summary>Runs until <paramref name="stop"/> is cancelled.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                await Task.Delay(Every, time, stop).ConfigureAwait(false);
                foreach (var request in cache.TakeOverdue())
                    await CheckAsync(request, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    private async Task CheckAsync(BindRequest request, CancellationToken stop)
    {
        string found;
        try
        {
            var outcome = await binder.FindOutAsync(request, stop).ConfigureAwait(false);
            found = outcome is null ? "it is not bound" : outcome.Result == BindResult.Bound ? "it is bound" : outcome.Message;
            if (outcome?.Result != BindResult.Bound)
                cache.Forget(request.Pod, backOff: outcome is null);
        }
        catch (Exception failure) when (failure is ApiServerException || ApiServerClient.IsUncertain(failure))
        {
            found = $"nothing ({failure.Message}); it is asked again";
        }

        Log.BindingOverdue(logger, request.Namespace, request.Name, request.Node.Value, found);
    }
}
