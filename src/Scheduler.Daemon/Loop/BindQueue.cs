using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Telemetry;

namespace Scheduler.Daemon.Loop;

/// <summary>
/// Bindings under way: a bounded number at once, each reported to the cache when it ended. The queue itself needs no bound of its
/// own: a pod is in it at most once, because it is assumed before it gets here. A pod whose volumes have to be made first waits
/// for them beside the queue, and takes no worker meanwhile.
/// </summary>
internal sealed class BindQueue(
    PodBinder binder, ClaimBinder claims, ClusterCache cache, EventRecorder events, SchedulerMetrics metrics, int concurrency, TimeProvider time, ILogger logger) : IDisposable
{
    private readonly Channel<(BindRequest Request, LeadershipTerm Term)> _queue =
        Channel.CreateUnbounded<(BindRequest, LeadershipTerm)>();
    private readonly Lock _gate = new();
    private readonly HashSet<Task> _waitingForClaims = [];
    private readonly CancellationTokenSource _completed = new();

    public void Enqueue(BindRequest request, LeadershipTerm term)
    {
        if (request.UnboundClaims.IsEmpty)
        {
            EnqueueNow(request, term);
            return;
        }

        lock (_gate)
        {
            var waiting = Task.Run(() => BindClaimsAsync(request, term), CancellationToken.None);
            _waitingForClaims.Add(waiting);
            _ = waiting.ContinueWith(Forget, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }

        void Forget(Task done)
        {
            lock (_gate)
                _waitingForClaims.Remove(done);
        }
    }

    private void EnqueueNow(BindRequest request, LeadershipTerm term)
    {
        if (!_queue.Writer.TryWrite((request, term)))
            cache.Forget(request.Pod, backOff: false);
    }

    /// <summary>Bindings that have not begun.</summary>
    public int Waiting => _queue.Reader.Count;

    /// <summary>
    /// Takes no more; <see cref="RunAsync"/> returns when what is queued is done. What waits for volumes is given up: the nodes stay
    /// on the claims, and the next daemon goes on from there.
    /// </summary>
    public void Complete()
    {
        _completed.Cancel();
        _queue.Writer.TryComplete();
    }

    public async Task RunAsync(CancellationToken stop)
    {
        await Task.WhenAll(Enumerable.Range(0, concurrency).Select(_ => Task.Run(() => WorkAsync(stop), CancellationToken.None))).ConfigureAwait(false);
        Task[] waiting;
        lock (_gate)
            waiting = [.. _waitingForClaims];
        await Task.WhenAll(waiting).ConfigureAwait(false);
    }

    public void Dispose() => _completed.Dispose();

    private async Task BindClaimsAsync(BindRequest request, LeadershipTerm term)
    {
        var started = time.GetTimestamp();
        BindOutcome? failed;
        try
        {
            using var both = CancellationTokenSource.CreateLinkedTokenSource(_completed.Token, term.Lost);
            failed = await claims.BindAsync(request, term, both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_completed.IsCancellationRequested || !term.IsHeld)
        {
            failed = new BindOutcome(BindResult.Fenced, "the lease was lost, or the daemon stops");
        }
        catch (Exception bug)
        {
            // As below: the pod would stay assumed for good.
            Log.BindBug(logger, bug, request.Namespace, request.Name);
            failed = new BindOutcome(BindResult.Rejected, bug.Message);
        }

        if (failed is null)
        {
            EnqueueNow(request, term);
            return;
        }

        metrics.BindEnded(failed.Result, time.GetElapsedTime(started));
        Settle(request, failed);
    }

    private async Task WorkAsync(CancellationToken stop)
    {
        await foreach (var (request, term) in _queue.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
        {
            await CarryOutAsync(request, term, stop).ConfigureAwait(false);
        }
    }

    /// <summary>Binds now, past the queue, and reports to the cache how it ended. Does not throw.</summary>
    public async Task<BindOutcome> CarryOutAsync(BindRequest request, LeadershipTerm term, CancellationToken stop)
    {
        var started = time.GetTimestamp();
        var outcome = await BindAsync(request, term, stop).ConfigureAwait(false);
        metrics.BindEnded(outcome.Result, time.GetElapsedTime(started));
        Settle(request, outcome);
        return outcome;
    }

    private async Task<BindOutcome> BindAsync(BindRequest request, LeadershipTerm term, CancellationToken stop)
    {
        try
        {
            using var both = CancellationTokenSource.CreateLinkedTokenSource(stop, term.Lost);
            return await binder.BindAsync(request, term, both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested || !term.IsHeld)
        {
            return new BindOutcome(BindResult.Fenced, "the lease was lost, or the daemon stops");
        }
        catch (Exception bug)
        {
            // A worker that died would leave its share of the queue unserved for good.
            Log.BindBug(logger, bug, request.Namespace, request.Name);
            return new BindOutcome(BindResult.Rejected, bug.Message);
        }
    }

    private void Settle(BindRequest request, BindOutcome outcome)
    {
        if (outcome.Result == BindResult.Bound)
        {
            cache.FinishBinding(request.Pod);
            Log.Bound(logger, request.Namespace, request.Name, request.Node.Value);
            var devices = request.Devices.IsEmpty ? "" : $", GPU {PodBinder.FormatDevices(request.Devices)}";
            events.Record(EventSubject.Of(request), EventKind.Normal, "Scheduled", $"assigned to {request.Node}{devices}");
            return;
        }

        if (outcome.Result == BindResult.Unknown)
        {
            // It may be bound. Its room stays taken until the watch shows it, or BindingCheck finds out.
            cache.FinishBinding(request.Pod);
            Log.BindUnknown(logger, request.Namespace, request.Name, request.Node.Value, outcome.Message);
            return;
        }

        Log.BindFailed(logger, request.Namespace, request.Name, request.Node.Value, outcome.Result.ToString(), outcome.Message);
        cache.Forget(request.Pod, backOff: outcome.Result is not (BindResult.Gone or BindResult.Fenced));
        if (outcome.Result is BindResult.Rejected or BindResult.Exhausted)
            events.Record(EventSubject.Of(request), EventKind.Warning, "FailedBinding", $"binding to {request.Node} failed: {outcome.Message}");
    }
}
