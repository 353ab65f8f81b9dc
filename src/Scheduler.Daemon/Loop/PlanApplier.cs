using System.Collections.Immutable;
using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Telemetry;

namespace Scheduler.Daemon.Loop;

/// <summary>
/// The only one who makes writes out of decisions. Each decision is checked again against the cache as it is now, a gang whole;
/// what does not hold any more is refused, counted, and decided anew in the next cycle.
/// </summary>
internal sealed class PlanApplier(
    ClusterCache cache, BindQueue binds, Evictor evictor, ReservationWriter reservations, ConditionWriter conditions,
    SchedulerMetrics metrics, ILogger logger)
{
    /// <summary>Applies a plan under a term.</summary>
    /// <returns>The decisions that were refused.</returns>
    public ImmutableArray<Decision> Apply(Plan plan, CacheView view, LeadershipTerm term)
    {
        cache.Decide();
        var refused = ImmutableArray.CreateBuilder<Decision>();
        foreach (var decision in plan.Decisions)
        {
            if (!term.IsHeld)
                break;
            var refusal = decision switch
            {
                Evict evict => ApplyEvict(evict),
                Bind bind => ApplyBind(bind, view, term),
                Wait wait => ApplyWait(wait, view),
                Withdraw withdraw => evictor.Withdraw(withdraw),
                // Below, all at once: what is not named again ends.
                Reserve => null,
                _ => throw new UnreachableException(decision.GetType().Name),
            };
            if (refusal is null)
                continue;

            refused.Add(decision);
            metrics.Refused(decision.GetType().Name);
            Log.DecisionRefused(logger, decision.GetType().Name, decision.Workload.Value, refusal);
        }

        if (term.IsHeld)
        {
            // A timed reservation is worked out anew in each cycle; the published plan shows it.
            reservations.Keep(plan.Decisions.OfType<Reserve>().Where(reserve => reserve.Kind == ReservationKind.Nomination)
                .SelectMany(reserve => reserve.Pods));
        }

        foreach (var (pod, reason, message) in view.Blocked)
            conditions.Offer(pod, reason, message);
        return refused.ToImmutable();
    }

    /// <summary>What kube-scheduler has not bound yet does not run: its room is there at once, and nobody is told to go.</summary>
    private string? ApplyEvict(Evict evict)
    {
        var running = cache.Revoke(evict.Pods);
        if (running.IsEmpty)
            return null;
        var told = evict with { Pods = running };
        if (evictor.Request(told) is { } refusal)
            return refusal;
        metrics.Preempted(told);
        return null;
    }

    private string? ApplyBind(Bind bind, CacheView view, LeadershipTerm term)
    {
        if (cache.TryAssume(bind, out var requests) is { } refusal)
            return refusal;
        foreach (var request in requests)
        {
            if (cache.FindPod(request.Pod) is { IsThroughExtender: true })
                cache.Commit(request, term);
            else
                binds.Enqueue(request, term);
        }

        if (view.Snapshot.TryGetWorkload(bind.Workload, out var workload) && workload.StartedAt is null)
            metrics.Waited(workload.Tenant?.Value ?? "", view.Snapshot.Now - workload.SubmittedAt);
        return null;
    }

    private string? ApplyWait(Wait wait, CacheView view)
    {
        if (!view.Snapshot.TryGetWorkload(wait.Workload, out var workload))
            return null;
        foreach (var pod in workload.Pods)
        {
            if (pod.State == PodState.Pending && cache.FindPod(pod.Id) is { } record)
                conditions.Offer(record, wait.Reason.ToString(), wait.Message);
        }

        return null;
    }
}
