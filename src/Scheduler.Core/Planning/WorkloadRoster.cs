using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>
/// Who runs and who waits: turns the workloads of a snapshot into what the session works with, and keeps that up to date
/// from one snapshot to the next. Workloads are compared by reference: a host keeps the object of what did not change.
/// </summary>
internal sealed class WorkloadRoster(Session session)
{
    private readonly Dictionary<WorkloadId, RunningWorkload> _running = [];
    private readonly Dictionary<WorkloadId, Applicant> _applicants = [];
    private readonly SortedDictionary<WorkloadId, (Workload Workload, WaitReason Reason)> _held = [];
    private readonly SortedDictionary<WorkloadId, RunningWorkload> _onTheMove = [];
    private readonly SortedDictionary<WorkloadId, Workload> _nominated = [];
    private readonly List<Occupant> _chosen = [];
    private readonly List<Occupant> _going = [];

    /// <summary>Workloads that are not planned, by id, and why.</summary>
    public IReadOnlyCollection<(Workload Workload, WaitReason Reason)> Held => _held.Values;

    /// <summary>Waiting pods for which room was kept, by workload and pod.</summary>
    public IEnumerable<(Workload Workload, Pod Pod)> Nominated
    {
        get
        {
            foreach (var workload in _nominated.Values)
            {
                foreach (var pod in workload.Pods)
                {
                    if (pod is { State: PodState.Pending, Nomination: not null })
                    {
                        yield return (workload, pod);
                    }
                }
            }
        }
    }

    /// <summary>Workloads of which a pod leaves, or was told to when the cycle began, by id.</summary>
    public IReadOnlyCollection<RunningWorkload> OnTheMove => _onTheMove.Values;

    /// <summary>Pods that were on their way when the cycle began.</summary>
    public IReadOnlyList<Occupant> Going => _going;

    /// <summary>Workloads of which this cycle has bound pods, in order, once for each time; they may wait again since.</summary>
    public List<Applicant> Bound { get; } = [];

    /// <summary>Pods whose notice is taken back in this cycle: nobody needs their room.</summary>
    public List<Occupant> Withdrawn { get; } = [];

    /// <summary>Pods that were chosen as victims in this cycle.</summary>
    public IReadOnlyList<Occupant> Chosen => _chosen;

    /// <summary>A workload that waits and may be planned, or null.</summary>
    public Applicant? FindApplicant(WorkloadId id) => _applicants.GetValueOrDefault(id);

    /// <summary>What of a workload runs, or null.</summary>
    public RunningWorkload? FindRunning(WorkloadId id) => _running.GetValueOrDefault(id);

    /// <summary>Takes the first snapshot.</summary>
    public void Load(ImmutableArray<Workload> workloads)
    {
        var waiting = new SortedDictionary<int, List<Applicant>>();
        foreach (var workload in workloads)
        {
            if (Add(workload) is { } applicant)
            {
                if (!waiting.TryGetValue(applicant.Tenant.Index, out var ofTenant))
                {
                    waiting.Add(applicant.Tenant.Index, ofTenant = []);
                }

                ofTenant.Add(applicant);
            }
        }

        foreach (var (tenant, ofTenant) in waiting)
        {
            session.Tenants[tenant].Add(ofTenant);
        }
    }

    /// <summary>Takes the next snapshot: both lists are sorted by id.</summary>
    public void Change(ImmutableArray<Workload> before, ImmutableArray<Workload> after)
    {
        var (old, next) = (0, 0);
        while (old < before.Length || next < after.Length)
        {
            if (old < before.Length && next < after.Length && ReferenceEquals(before[old], after[next]))
            {
                old++;
                next++;
                continue;
            }

            var order = old == before.Length ? 1 : next == after.Length ? -1 : before[old].Id.CompareTo(after[next].Id);
            if (order <= 0)
            {
                Remove(before[old++]);
            }

            if (order >= 0 && Add(after[next++]) is { } applicant)
            {
                session.Tenants[applicant.Tenant.Index].Add(applicant);
            }
        }
    }

    /// <summary>Notes that pods of a workload were bound.</summary>
    public void NoteBound(Applicant applicant)
    {
        Bound.Add(applicant);
        var queue = session.Tenants[applicant.Tenant.Index];
        queue.LowestBoundPriority = Math.Min(queue.LowestBoundPriority, applicant.Workload.Priority);
    }

    /// <summary>Notes that a pod was chosen as a victim.</summary>
    public void NoteChosen(Occupant occupant) => _chosen.Add(occupant);

    /// <summary>Forgets what the last cycle did to pods and tenants.</summary>
    public void ForgetCycle()
    {
        foreach (var occupant in _chosen)
        {
            occupant.IsGoing = false;
            occupant.Beneficiary = null;
            MarkDirty(occupant.Owner.Tenant);
        }

        _chosen.Clear();
        Withdrawn.Clear();
        Bound.Clear();
        foreach (var tenant in session.Tenants)
        {
            foreach (var applicant in tenant.Touched)
            {
                applicant.Reset();
                tenant.IsDirty = true;
            }

            tenant.Touched.Clear();
            tenant.LowestBoundPriority = int.MaxValue;
            tenant.Reservations = 0;
        }
    }

    /// <summary>Tells which pods are on their way; what that decides is made anew.</summary>
    public void TellWhoIsGoing()
    {
        _going.Clear();
        foreach (var running in _onTheMove.Values)
        {
            foreach (var occupant in running.Pods)
            {
                TellWhetherGoing(occupant);
            }

            running.Split();
            MarkDirty(running.Tenant);
        }
    }

    private void TellWhetherGoing(Occupant occupant)
    {
        var notice = occupant.Pod.Notice;
        occupant.IsGoing = occupant.Pod.State == PodState.Leaving || notice is not null;
        occupant.Beneficiary = notice?.Beneficiary;
        session.MarkDirty(occupant.Node);
        if (occupant.IsGoing)
        {
            _going.Add(occupant);
        }
    }

    private Applicant? Add(Workload workload)
    {
        var tenant = session.TenantOf(workload);
        var running = AddRunning(workload, tenant);
        if (!workload.IsPending)
        {
            return null;
        }

        if (workload.Pods.Any(pod => pod is { State: PodState.Pending, Nomination: not null }))
        {
            _nominated.Add(workload.Id, workload);
        }

        if (HeldBack(workload, tenant) is { } reason)
        {
            _held.Add(workload.Id, (workload, reason));
            return null;
        }

        var applicant = new Applicant(session, workload, tenant!, running);
        _applicants.Add(workload.Id, applicant);
        return applicant;
    }

    private RunningWorkload? AddRunning(Workload workload, TenantNode? tenant)
    {
        var running = default(RunningWorkload);
        foreach (var pod in workload.Pods)
        {
            if (pod.Placement is { } placement && session.Snapshot.TryGetNodeIndex(placement.Node, out var index))
            {
                running ??= new RunningWorkload(workload, tenant);
                var occupant = new Occupant(running, pod, session.Nodes[index]);
                running.Add(occupant);
                occupant.Node.Add(occupant);
                session.MarkDirty(occupant.Node);
            }
        }

        if (running is null)
        {
            return null;
        }

        running.Split();
        _running.Add(workload.Id, running);
        if (running.IsOnTheMove)
        {
            _onTheMove.Add(workload.Id, running);
        }

        if (tenant is not null)
        {
            session.Tenants[tenant.Index].Add(running);
        }

        return running;
    }

    private void Remove(Workload workload)
    {
        _held.Remove(workload.Id);
        _nominated.Remove(workload.Id);
        if (_applicants.Remove(workload.Id, out var applicant))
        {
            session.Tenants[applicant.Tenant.Index].Remove(applicant);
            applicant.Release();
        }

        if (_running.Remove(workload.Id, out var running))
        {
            _onTheMove.Remove(workload.Id);
            foreach (var occupant in running.Pods)
            {
                occupant.Node.Remove(occupant);
                session.MarkDirty(occupant.Node);
            }

            if (running.Tenant is { } tenant)
            {
                session.Tenants[tenant.Index].Remove(running);
            }
        }
    }

    private void MarkDirty(TenantNode? tenant)
    {
        if (tenant is not null)
        {
            session.Tenants[tenant.Index].IsDirty = true;
        }
    }

    private static WaitReason? HeldBack(Workload workload, TenantNode? tenant)
    {
        if (tenant is null)
        {
            return WaitReason.TenantUnknown;
        }

        if (tenant.IsSuspended)
        {
            return WaitReason.TenantSuspended;
        }

        var present = workload.CountPods(PodState.Pending) + workload.CountPods(PodState.Placed);
        if (present < workload.MinMember)
        {
            return WaitReason.GangIncomplete;
        }

        return workload.Hold switch
        {
            Hold.Backoff => WaitReason.Backoff,
            Hold.VolumePending => WaitReason.VolumePending,
            _ => null,
        };
    }
}
