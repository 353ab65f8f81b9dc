using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Telemetry;

namespace Scheduler.Daemon.Loop;

internal sealed record LoopSettings
{
    /// <summary>Least time between the starts of two cycles: what arrives together is planned together.</summary>
    public TimeSpan MinInterval { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Most time between two cycles: some things change by time alone.</summary>
    public TimeSpan MaxInterval { get; init; } = TimeSpan.FromSeconds(10);
    public TimeSpan FailureBackoffFirst { get; init; } = TimeSpan.FromMilliseconds(100);
    public TimeSpan FailureBackoffCap { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>
/// The one loop that plans: snapshot, plan, check, apply, publish. Everything else only wakes it. A cycle that throws is logged and
/// counted, and the loop goes on after a wait. A replica that stands by plans too, so that it can answer readers, but writes nothing.
/// </summary>
internal sealed class SchedulingLoop(
    ClusterCache cache, IPlanning planning, PlanApplier applier, ILeadership leadership, ReadModel readModel,
    SchedulerMetrics metrics, LoopSettings settings, TimeProvider time, ILogger logger, Func<Task>? refreshPods = null)
{
    private readonly WakeSignal _wake = new();
    private readonly Backoff _failures = new(settings.FailureBackoffFirst, settings.FailureBackoffCap, static () => 1);
    private LeadershipTerm? _refreshedFor;
    private LeadershipTerm? _plannedFor;
    private long _number;
    private long _lastTurn;
    private ImmutableArray<Core.Quota.ConfigurationError> _reported = [];
    private ImmutableArray<Core.Quota.ConfigurationError> _reportedCapacity = [];
    private ClusterSnapshot? _measured;

    /// <summary>Told after each cycle, on the loop's thread; must be quick.</summary>
    public event Action<PublishedCycle>? CycleEnded;

    /// <summary>When the loop last began to look for work, as a timestamp of the clock; null before the first list.</summary>
    public long? LastTurn => Volatile.Read(ref _lastTurn) is var turn and not 0 ? turn : null;

    /// <summary>Asks for a cycle. Any number of calls before it begins are one.</summary>
    public void Wake() => _wake.Set();

    /// <summary>Plans until <paramref name="stop"/> is cancelled. The first cycle waits for <paramref name="synced"/>.</summary>
    public async Task RunAsync(Task synced, CancellationToken stop)
    {
        cache.Changed += Wake;
        leadership.Changed += Wake;
        try
        {
            await synced.WaitAsync(stop).ConfigureAwait(false);
            var (pods, nodes) = cache.Size;
            Log.Synced(logger, nodes, pods);
            while (true)
            {
                await RefreshForTermAsync(stop).ConfigureAwait(false);
                var started = time.GetTimestamp();
                Volatile.Write(ref _lastTurn, started);
                var pause = RunGuarded();
                var rest = pause - time.GetElapsedTime(started);
                if (rest > TimeSpan.Zero)
                    await Task.Delay(rest, time, stop).ConfigureAwait(false);
                await _wake.WaitAsync(UntilNextCycle(), time, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
        finally
        {
            cache.Changed -= Wake;
            leadership.Changed -= Wake;
        }
    }

    /// <summary>One cycle. Gives back how long after its start the next may begin.</summary>
    private TimeSpan RunGuarded()
    {
        var started = time.GetTimestamp();
        try
        {
            var (result, refused) = RunCycle(started);
            metrics.CycleEnded(result, time.GetElapsedTime(started));
            _failures.Reset();

            // A refusal is usually the world having moved on. If it is not, the pods concerned wait, and nobody else.
            cache.BackOff(refused.OfType<Bind>().SelectMany(bind => bind.Pods).Select(pod => pod.Pod));
            return settings.MinInterval;
        }
        catch (Exception bug)
        {
            metrics.CycleEnded("failed", time.GetElapsedTime(started));
            planning.StartOver();
            var wait = _failures.Next();
            Log.CycleFailed(logger, bug, wait.TotalSeconds);
            // What was to be planned is still to be planned.
            _wake.Set();
            return wait;
        }
    }

    /// <summary>
    /// A new leader first lists all pods: its watch may be behind what the old leader bound last, and would give that room away
    /// again.
    /// </summary>
    private async Task RefreshForTermAsync(CancellationToken stop)
    {
        if (leadership.Term is var now && now != _plannedFor)
        {
            // What the pods say is read again: until a plan of this term is applied, somebody else's word is the last.
            cache.Follow();
            planning.StartOver();
            _plannedFor = now;
        }

        if (refreshPods is null || leadership.Term is not { } term || term == _refreshedFor)
            return;
        await refreshPods().WaitAsync(stop).ConfigureAwait(false);
        _refreshedFor = term;
    }

    private (string Result, ImmutableArray<Decision> Refused) RunCycle(long started)
    {
        var view = cache.View();
        var plan = planning.Compute(view.Snapshot);
        var violations = planning.FindViolations(view.Snapshot, plan);
        if (violations.Count > 0)
        {
            // A plan that could do harm is never applied. The same snapshot would give the same plan, so the next cycle waits
            // for a change.
            metrics.Violated(violations.Count);
            var isHarmful = violations.Any(violation => violation.IsHarmful);
            foreach (var violation in violations)
            {
                if (isHarmful)
                    Log.PlanDropped(logger, plan.Generation, violation.ToString());
                else
                    Log.PlanFlawed(logger, plan.Generation, violation.ToString());
            }

            if (isHarmful)
                return ("dropped", []);
        }

        var term = leadership.Term is { } held && (refreshPods is null || held == _refreshedFor) ? held : null;
        metrics.SetLeader(term is not null);
        var refused = term is null ? [] : applier.Apply(plan, view, term);
        Publish(view, plan, term is not null, refused, started);
        if (term is not null && plan.Decisions.Any(LeavesMoreToPlan))
            _wake.Set();
        return ("ok", refused);
    }

    /// <summary>Pods that were left waiting have no reason yet, and the room that a notice held is to be had again.</summary>
    private static bool LeavesMoreToPlan(Decision decision) => decision is Bind { PodsLeftWaiting: > 0 } or Withdraw;

    private void Publish(CacheView view, Plan plan, bool isApplied, ImmutableArray<Decision> refused, long started)
    {
        ReportTenants();
        ReportCapacity(view.Snapshot);
        var cycle = new PublishedCycle(
            ++_number, view.Snapshot, plan, isApplied, leadership.Holder, time.GetElapsedTime(started),
            [.. view.Blocked.Select(blocked => new UnqueuedPod(blocked.Pod.Namespace, blocked.Pod.Name, blocked.Reason, blocked.Message))],
            refused,
            [.. cache.TenantVerdicts.Select(verdict => new TenantAcceptance(verdict.Record.Name, verdict.IsAccepted, verdict.Message))]);
        readModel.Publish(cycle);
        Measure(view, plan);
        Log.CycleEnded(logger, cycle.Number, plan.Decisions.Length, view.Snapshot.Nodes.Length, view.Snapshot.Workloads.Length, cycle.Duration.TotalMilliseconds);
        try
        {
            CycleEnded?.Invoke(cycle);
        }
        catch (Exception bug)
        {
            // A live view that fails must not stop the scheduling.
            Log.ListenerFailed(logger, bug);
        }
    }

    private void Measure(CacheView view, Plan plan)
    {
        metrics.Decided(plan);
        metrics.SetAccounts(plan.Accounts);
        metrics.SetCache(cache.AssumedCount, view.Blocked.Length);
        var pending = new Dictionary<(string, WaitReason), int>();
        foreach (var decision in plan.Decisions)
        {
            if (decision is not Wait wait || !view.Snapshot.TryGetWorkload(wait.Workload, out var workload))
                continue;
            var key = (workload.Tenant?.Value ?? "", wait.Reason);
            pending[key] = pending.GetValueOrDefault(key) + 1;
        }

        metrics.SetPending(pending);
    }

    private void ReportTenants()
    {
        var errors = cache.TenantErrors;
        if (!errors.IsEmpty && !errors.SequenceEqual(_reported))
            Log.TenantsRefused(logger, string.Join("; ", errors));
        _reported = errors;
    }

    /// <summary>Guarantees beyond the hardware are never refused here, where work runs under them; but somebody has to know.</summary>
    private void ReportCapacity(ClusterSnapshot snapshot)
    {
        if (_measured is { } measured && ReferenceEquals(measured.Tenants, snapshot.Tenants)
            && ModelComparison.AreSame(measured.Nodes, snapshot.Nodes))
        {
            return;
        }

        _measured = snapshot;
        var errors = snapshot.Tenants.CheckCapacity(snapshot.InstalledMilliGpu());
        metrics.SetCapacityErrors(errors.Length);
        if (!errors.IsEmpty && !errors.SequenceEqual(_reportedCapacity))
            Log.GuaranteesExceedCapacity(logger, string.Join("; ", errors));
        _reportedCapacity = errors;
    }

    private TimeSpan UntilNextCycle()
    {
        if (cache.NextDue is not { } due)
            return settings.MaxInterval;
        var until = due - time.GetUtcNow();
        return until > settings.MaxInterval ? settings.MaxInterval : until > TimeSpan.Zero ? until : TimeSpan.Zero;
    }
}
