using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>
/// All pending workloads at the start of a cycle: those that may be planned, by tenant, and those that wait for a reason
/// that no placement can change.
/// </summary>
internal sealed class CycleQueues
{
    public CycleQueues(Session session)
    {
        var byTenant = new SortedDictionary<int, TenantQueue>();
        foreach (var workload in session.Snapshot.Workloads)
        {
            if (!workload.IsPending)
            {
                continue;
            }

            if (HeldBack(session, workload) is { } reason)
            {
                Held.Add((workload, reason));
                continue;
            }

            var tenant = session.TenantOf(workload)!;
            if (!byTenant.TryGetValue(tenant.Index, out var queue))
            {
                byTenant.Add(tenant.Index, queue = new TenantQueue(tenant));
            }

            queue.Add(new Applicant(workload, tenant, session.Running.Find(workload.Id)));
        }

        foreach (var queue in byTenant.Values)
        {
            queue.Sort();
        }

        ByTenant = [.. byTenant.Values];
    }

    /// <summary>Queues with at least one workload, in the order of the tenant tree.</summary>
    public IReadOnlyList<TenantQueue> ByTenant { get; }

    /// <summary>Workloads that are not planned in this cycle, by id.</summary>
    public List<(Workload Workload, WaitReason Reason)> Held { get; } = [];

    /// <summary>Starts another pass over all queues.</summary>
    public void Rewind()
    {
        foreach (var queue in ByTenant)
        {
            queue.Position = 0;
        }
    }

    private static WaitReason? HeldBack(Session session, Workload workload)
    {
        if (session.TenantOf(workload) is not { } tenant)
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
