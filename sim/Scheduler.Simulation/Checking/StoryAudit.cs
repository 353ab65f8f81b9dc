using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Simulation.Engine;

namespace Scheduler.Simulation.Checking;

/// <summary>
/// Checks what only shows over time: W3 (whoever takes its guarantee back runs within the longest grace of its victims and one
/// cycle), W9 (with no arrivals, ends and faults, and no minimum runtime that is over, nothing is evicted twice) and W10 (what can run does run to its end).
/// </summary>
internal sealed class StoryAudit(SimulationState state, SchedulingPolicy? policy, Action<string, string> report)
{
    private readonly SortedDictionary<WorkloadId, (long Due, long Disturbances)> _promises = [];
    private readonly Dictionary<WorkloadId, long> _evictedAfter = [];
    private readonly Dictionary<WorkloadId, DateTimeOffset> _toldAt = [];
    private readonly HashSet<WorkloadId> _takenByReturned = [];
    private DateTimeOffset _planned;
    private long _changes;
    private long _disturbances;

    /// <summary>A job came or ended.</summary>
    public void Changed() => _changes++;

    /// <summary>Something failed or was repaired: what was promised before may not be there any more.</summary>
    public void Disturbed()
    {
        _changes++;
        _disturbances++;
    }

    /// <summary>A plan takes capacity back.</summary>
    public void Planned(ClusterSnapshot snapshot, Plan plan)
    {
        if (policy is null)
        {
            return;
        }

        _changes += snapshot.Workloads.Any(workload => workload.StartedAt + workload.MinRuntime is { } ripe && ripe > _planned && ripe <= snapshot.Now) ? 1 : 0;
        _planned = snapshot.Now;
        NoteReturned(plan);
        var taken = plan.Decisions.OfType<Evict>().Where(evict => evict.Cause == EvictionCause.Guarantee).ToLookup(evict => evict.Beneficiary);
        foreach (var reserve in plan.Decisions.OfType<Reserve>().Where(reserve => taken.Contains(reserve.Workload)))
        {
            var due = Milliseconds(LastToLeave(snapshot, plan, reserve)) + Math.Max(1, JobProgress.Milliseconds(state.Setup.CycleInterval));
            var known = _promises.TryGetValue(reserve.Workload, out var before) ? before.Due : 0;
            _promises[reserve.Workload] = (Math.Max(due, known), _disturbances);
        }
    }

    /// <summary>
    /// Of those whom one plan told to leave, some leave later than others: they come back as somebody who arrives, and may take
    /// from those others by a better right, who were back, and in the room that was free, before them.
    /// </summary>
    private void NoteReturned(Plan plan)
    {
        Evict[] evictions = [.. plan.Decisions.OfType<Evict>()];
        foreach (var evict in evictions)
        {
            if (_toldAt.TryGetValue(evict.Workload, out var victim) && _toldAt.TryGetValue(evict.Beneficiary, out var beneficiary) && victim == beneficiary)
            {
                _takenByReturned.Add(evict.Workload);
            }
        }

        foreach (var evict in evictions)
        {
            _toldAt[evict.Workload] = _planned;
        }
    }

    /// <summary>A plan has taken effect.</summary>
    public void Applied(Plan plan)
    {
        foreach (var (workload, promise) in _promises.ToArray())
        {
            if (!state.TryGetActive(workload, out var job) || job.Phase == JobPhase.Running || promise.Disturbances != _disturbances
                || IsOvertaken(job.Workload, plan) || IsOutgrown(job.Workload, plan))
            {
                _promises.Remove(workload);
            }
            else if (state.NowMilliseconds > promise.Due)
            {
                _promises.Remove(workload);
                report("W3", $"{workload} still waits, although its victims were to be gone and a cycle to have passed by {TimeSpan.FromMilliseconds(promise.Due):c}; it waits for {ReasonOf(plan, workload)}");
            }
        }
    }

    private long Milliseconds(DateTimeOffset moment) => (long)(moment - state.Setup.Start).TotalMilliseconds;

    /// <summary>
    /// When the last of those leaves that free the room of a workload: whom the plan tells to, and who had been told before and is
    /// on the nodes where the room is.
    /// </summary>
    private static DateTimeOffset LastToLeave(ClusterSnapshot snapshot, Plan plan, Reserve reserve)
    {
        var nodes = reserve.Pods.Select(pod => pod.Node).ToHashSet();
        return plan.Decisions.OfType<Evict>().Where(evict => evict.Beneficiary == reserve.Workload).Select(evict => evict.Deadline)
            .Concat(snapshot.Workloads.SelectMany(workload => workload.Pods)
                .Where(pod => pod.Placement is { } at && nodes.Contains(at.Node)).Select(pod => pod.Notice?.Deadline ?? DateTimeOffset.MinValue))
            .Max();
    }

    /// <summary>
    /// Whether a plan gives room to work of the same tenant that comes before in the order of the guarantee: it may have filled it.
    /// </summary>
    private bool IsOvertaken(Workload promised, Plan plan) => plan.Decisions.Any(decision =>
        decision is Bind or Reserve { Kind: ReservationKind.Nomination } && state.TryGetActive(decision.Workload, out var other)
        && other.Workload.Tenant == promised.Tenant
        && (other.Workload.Priority, promised.SubmittedAt).CompareTo((promised.Priority, other.Workload.SubmittedAt)) > 0);

    /// <summary>
    /// Whether the guarantee is filled by work of the same tenant that started in idle room meanwhile: what runs comes before what
    /// waits in the order of the guarantee, whoever was submitted first.
    /// </summary>
    private bool IsOutgrown(Workload promised, Plan plan)
    {
        var inside = state.Active.Where(job => job.Phase == JobPhase.Running && job.Workload.Tenant == promised.Tenant
            && job.Workload.Priority >= promised.Priority).Sum(job => CoreMilliGpu(job.Workload));
        return plan.Accounts.Any(account => account.Tenant == promised.Tenant
            && inside + CoreMilliGpu(promised) > account.Total.GuaranteedMilliGpu);
    }

    private static long CoreMilliGpu(Workload workload) => workload.Pods.Take(workload.MinMember).Sum(pod => pod.Shape.Gpu.MilliGpu);

    private static string ReasonOf(Plan plan, WorkloadId workload)
    {
        foreach (var decision in plan.Decisions)
        {
            if (decision is Wait wait && wait.Workload == workload)
            {
                return $"{wait.Reason}: {wait.Message}";
            }
        }

        return "nothing that the plan tells";
    }

    /// <summary>A run was preempted.</summary>
    public void Preempted(SimulatedJob job)
    {
        var isTakenByReturned = _takenByReturned.Remove(job.Workload.Id);
        if (policy is not null && !isTakenByReturned && _evictedAfter.TryGetValue(job.Workload.Id, out var changes) && changes == _changes)
        {
            report("W9", $"{job.Workload.Id} is evicted for the second time, and nothing has come, ended, failed or passed its minimum runtime since the first");
        }

        _evictedAfter[job.Workload.Id] = _changes;
    }

    /// <summary>It is over.</summary>
    public void End(SimulationEnd end)
    {
        if (policy is null || !state.Setup.Faults.IsNone || end.Outcome != SimulationOutcome.NothingCanStart)
        {
            return;
        }

        foreach (var job in state.Active.OrderBy(job => job.Index))
        {
            if (job.Phase == JobPhase.Waiting && StartsAlone(job))
            {
                report("W10", $"{job.Workload.Id} waits for ever, but alone it would start");
            }
        }
    }

    private bool StartsAlone(SimulatedJob job) => Planner.Compute(
        new ClusterSnapshotBuilder { Now = state.NowMoment }.Add(state.Setup.Nodes).With(state.Setup.Tenants).Add(job.Workload).Build(), policy!)
        .Decisions.Any(decision => decision is Bind);
}
