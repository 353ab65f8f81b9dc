using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Simulation.Engine;

namespace Scheduler.Simulation.Checking;

/// <summary>
/// Checks what only shows over time: W3 (whoever takes its guarantee back runs within the longest grace of its victims and one
/// cycle), W9 (with no arrivals, ends and faults nothing is evicted twice) and W10 (what can run does run to its end).
/// </summary>
internal sealed class StoryAudit(SimulationState state, SchedulingPolicy? policy, Action<string, string> report)
{
    private readonly SortedDictionary<WorkloadId, (long Due, long Disturbances)> _promises = [];
    private readonly Dictionary<WorkloadId, long> _evictedAfter = [];
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
    public void Planned(Plan plan)
    {
        foreach (var decision in plan.Decisions)
        {
            if (policy is not null && decision is Evict { Cause: EvictionCause.Guarantee } evict)
            {
                var due = (long)(evict.Deadline - state.Setup.Start).TotalMilliseconds + Math.Max(1, JobProgress.Milliseconds(state.Setup.CycleInterval));
                var known = _promises.TryGetValue(evict.Beneficiary, out var before) ? before.Due : 0;
                _promises[evict.Beneficiary] = (Math.Max(due, known), _disturbances);
            }
        }
    }

    /// <summary>A plan has taken effect.</summary>
    public void Applied(Plan plan)
    {
        foreach (var (workload, promise) in _promises.ToArray())
        {
            if (!state.TryGetActive(workload, out var job) || job.Phase == JobPhase.Running || promise.Disturbances != _disturbances)
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
        if (policy is not null && _evictedAfter.TryGetValue(job.Workload.Id, out var changes) && changes == _changes)
        {
            report("W9", $"{job.Workload.Id} is evicted for the second time, and nothing has come, ended or failed since the first");
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
