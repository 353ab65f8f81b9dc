using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Actions.Victims;

/// <summary>For what capacity is taken back. Closed.</summary>
internal enum VictimScope
{
    /// <summary>For demand inside a guarantee: burst of other tenants, and lower priority of the own.</summary>
    Guarantee,

    /// <summary>For a higher priority inside the tenant.</summary>
    Priority,

    /// <summary>For a tenant below its entitlement: burst of tenants above theirs.</summary>
    FairShare,
}

/// <summary>Who may be a victim of whom.</summary>
internal sealed class VictimRule(Session session, Applicant beneficiary, VictimScope scope, bool sparesYoung)
{
    /// <summary>For what.</summary>
    public VictimScope Scope { get; } = scope;

    /// <summary>Whether a pod of a running workload may be taken.</summary>
    public bool MayTake(RunningWorkload running, Pod pod)
    {
        var workload = running.Workload;
        if (!workload.IsManaged || !workload.IsPreemptible || session.IsGoing(pod) || running.Tenant is null
            || workload.Id == beneficiary.Workload.Id || (sparesYoung && IsYoung(workload)))
        {
            return false;
        }

        var isOwn = running.Tenant == beneficiary.Tenant;
        return Scope switch
        {
            VictimScope.Guarantee => isOwn ? IsLower(workload) : beneficiary.HasGpu && IsBorrowed(running, pod),
            VictimScope.Priority => isOwn && IsLower(workload),
            _ => !isOwn && IsBorrowed(running, pod) && IsAboveEntitlement(running.Tenant),
        };
    }

    private static bool IsBorrowed(RunningWorkload running, Pod pod) => running.HasGpu && running.IsOnBurst(pod.Id);

    private bool IsLower(Workload workload) => workload.Priority < beneficiary.Workload.Priority;

    private bool IsYoung(Workload workload) =>
        workload.MinRuntime > TimeSpan.Zero && session.Snapshot.Now - (workload.StartedAt ?? session.Snapshot.Now) < workload.MinRuntime;

    private bool IsAboveEntitlement(TenantNode tenant) => session.Excess(tenant.Index) > 0;
}
