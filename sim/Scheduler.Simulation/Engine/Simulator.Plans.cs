using System.Collections.Immutable;
using System.Diagnostics;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Simulation.Engine;

/// <summary>How plans take effect: as in the daemon, decision by decision, each checked against what is there.</summary>
public sealed partial class Simulator
{
    private void Apply(Plan plan)
    {
        RenewNominations(plan);
        var (hasBound, hasEvicted) = (false, false);
        foreach (var decision in plan.Decisions)
        {
            var refusal = decision switch
            {
                Bind bind => Apply(bind),
                Evict evict => Apply(evict),
                Withdraw withdraw => Apply(withdraw),
                Reserve or Wait => null,
                _ => throw new UnreachableException(decision.GetType().Name),
            };
            hasBound |= decision is Bind;
            hasEvicted |= decision is Evict;
            if (refusal is not null)
            {
                _refused++;
                foreach (var sink in _sinks)
                {
                    sink.Refused(decision, refusal);
                }
            }
        }

        // What was decided wakes the scheduler, as in a cluster: a cycle takes back only so much, and whoever may not be preempted may
        // start only once standing is told anew. Else the planner promises that it would start nobody more (W7), and is not asked.
        if (hasEvicted || (hasBound && (_scheduler.Promises is null || _waitingUnpreemptible > 0)))
        {
            Wake();
        }
    }

    /// <summary>Room is kept for whoever the plan names; what it does not name again is given up.</summary>
    private void RenewNominations(Plan plan)
    {
        var kept = new Dictionary<WorkloadId, Reserve>();
        foreach (var decision in plan.Decisions)
        {
            if (decision is Reserve { Kind: ReservationKind.Nomination } reserve)
            {
                kept.Add(reserve.Workload, reserve);
            }
        }

        foreach (var index in _nominated.ToArray())
        {
            var job = _state.Jobs[index];
            if (!kept.ContainsKey(job.Workload.Id))
            {
                Nominate(job, reserve: null);
                _nominated.Remove(index);
            }
        }

        foreach (var (workload, reserve) in kept)
        {
            if (_state.TryGetActive(workload, out var job))
            {
                Nominate(job, reserve);
                _nominated.Add(job.Index);
            }
        }
    }

    private void Nominate(SimulatedJob job, Reserve? reserve)
    {
        var pods = job.Workload.Pods.ToBuilder();
        var hasChanged = false;
        for (var index = 0; index < pods.Count; index++)
        {
            var pod = pods[index];
            var at = pod.State == PodState.Pending ? PlaceOf(pod.Id, reserve) : null;
            if (!IsSame(pod.Nomination, at))
            {
                pods[index] = pod with { Nomination = at is null ? null : new PodPlacement(at.Node, at.Devices) };
                hasChanged = true;
            }
        }

        if (hasChanged)
        {
            _state.Set(job, job.Workload with { Pods = pods.MoveToImmutable() });
        }
    }

    private static PodBinding? PlaceOf(PodId pod, Reserve? reserve)
    {
        if (reserve is not null)
        {
            foreach (var place in reserve.Pods)
            {
                if (place.Pod == pod)
                {
                    return place;
                }
            }
        }

        return null;
    }

    private static bool IsSame(PodPlacement? before, PodBinding? after) => (before, after) switch
    {
        (null, null) => true,
        (null, _) or (_, null) => false,
        _ => before.Node == after.Node && before.Devices.AsSpan().SequenceEqual(after.Devices.AsSpan()),
    };

    /// <summary>Puts pods on nodes, all of them or none.</summary>
    private string? Apply(Bind bind)
    {
        if (!_state.TryGetActive(bind.Workload, out var job))
        {
            return "the workload is gone";
        }

        var pods = job.Workload.Pods.ToBuilder();
        var taken = new List<Pod>(bind.Pods.Length);
        var refusal = default(string);
        foreach (var binding in bind.Pods)
        {
            refusal = TryTake(job, pods, binding, taken);
            if (refusal is not null)
            {
                break;
            }
        }

        if (refusal is null && job.PlacedPods + taken.Count < job.Workload.MinMember)
        {
            refusal = $"with {job.PlacedPods + taken.Count} pods it does not run; it needs {job.Workload.MinMember}";
        }

        if (refusal is not null)
        {
            taken.ForEach(pod => _state.Give(job, pod));
            return refusal;
        }

        job.PlacedPods += taken.Count;
        job.PlacedMilliGpu += taken.Sum(pod => pod.Shape.Gpu.MilliGpu);
        _state.JobsWithPendingPods -= job.PlacedPods == pods.Count ? 1 : 0;
        _state.Set(job, job.Workload with { Pods = pods.MoveToImmutable(), StartedAt = job.Workload.StartedAt ?? _state.NowMoment });
        Grow(job);
        return null;
    }

    private string? TryTake(SimulatedJob job, ImmutableArray<Pod>.Builder pods, PodBinding binding, List<Pod> taken)
    {
        var index = 0;
        while (index < pods.Count && pods[index].Id != binding.Pod)
        {
            index++;
        }

        if (index == pods.Count || pods[index].State != PodState.Pending)
        {
            return $"pod {binding.Pod} does not wait";
        }

        if (!_state.TryGetNode(binding.Node, out var node))
        {
            return $"there is no node {binding.Node}";
        }

        if (node.Refusal(pods[index].Shape, binding.Devices.AsSpan()) is { } refusal)
        {
            return refusal;
        }

        var placement = new PodPlacement(binding.Node, binding.Devices);
        pods[index] = pods[index] with { State = PodState.Placed, Placement = placement, Nomination = null };
        _state.Take(job, pods[index], placement);
        taken.Add(pods[index]);
        return null;
    }

    /// <summary>Tells pods to leave.</summary>
    private string? Apply(Evict evict)
    {
        if (!_state.TryGetActive(evict.Workload, out var job) || job.Phase != JobPhase.Running)
        {
            return "the workload does not run";
        }

        var pods = job.Workload.Pods.ToBuilder();
        var (told, toldFirst) = (0, 0);
        for (var index = 0; index < pods.Count; index++)
        {
            if (pods[index].State == PodState.Placed && evict.Pods.Contains(pods[index].Id))
            {
                told++;
                toldFirst += pods[index].Notice is null ? 1 : 0;
                pods[index] = pods[index] with { Notice = new PreemptionNotice(evict.Beneficiary, evict.Deadline) };
            }
        }

        if (told < evict.Pods.Length)
        {
            return "not all of its pods are there";
        }

        _noticedPods += toldFirst;
        _state.Set(job, job.Workload with { Pods = pods.MoveToImmutable() });

        // A checkpoint that is written just in time comes before the deadline.
        ReactToNotices(job);
        EnqueueFor(job, SimulationEventKind.NoticeDeadline, JobProgress.Milliseconds(evict.Deadline - _setup.Start), job.Run);
        foreach (var sink in _sinks)
        {
            sink.Noticed(job, evict);
        }

        return null;
    }

    /// <summary>Tells pods that they may stay.</summary>
    private string? Apply(Withdraw withdraw)
    {
        if (!_state.TryGetActive(withdraw.Workload, out var job))
        {
            return "the workload is gone";
        }

        var pods = job.Workload.Pods.ToBuilder();
        for (var index = 0; index < pods.Count; index++)
        {
            if (pods[index].Notice is not null && withdraw.Pods.Contains(pods[index].Id))
            {
                _noticedPods--;
                pods[index] = pods[index] with { Notice = null };
            }
        }

        _state.Set(job, job.Workload with { Pods = pods.MoveToImmutable() });
        ReactToNotices(job);
        foreach (var sink in _sinks)
        {
            sink.Withdrawn(job, withdraw);
        }

        return null;
    }
}
