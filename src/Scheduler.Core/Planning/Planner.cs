using Scheduler.Core.Actions;
using Scheduler.Core.Actions.Victims;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>
/// The planner: a pure function from a snapshot and a policy to a plan. Equal inputs give equal plans, byte for byte, in
/// any process.
/// </summary>
public static class Planner
{
    /// <summary>Plans one cycle.</summary>
    public static Plan Compute(ClusterSnapshot snapshot, SchedulingPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(policy);

        // 1 the snapshot, 2 accounts: a session knows what is free and what everybody uses
        var session = new Session(snapshot, policy);
        var queues = new CycleQueues(session);

        // 3 what each tenant may have now
        session.Entitlement = Entitlements.Compute(snapshot.Tenants, DemandAccount.Total(session, queues));

        // 4 guaranteed demand; where it does not fit, borrowed capacity is reclaimed
        var allocate = new Allocate(session, queues);
        var preempt = new Preempt(session);
        Nominations.Resume(session, queues, allocate);
        allocate.Cores(Standing.Guaranteed, applicant => preempt.TryFor(applicant, VictimScope.Guarantee) || preempt.TryFor(applicant, VictimScope.Priority));
        allocate.Surplus(Standing.Guaranteed);

        // 5 burst demand, lowest share first; inside a tenant higher priority preempts lower
        allocate.Cores(Standing.Burst, applicant => preempt.TryFor(applicant, VictimScope.Priority)
            || (policy.HasFairShareReclaim && preempt.TryFor(applicant, VictimScope.FairShare)));
        allocate.Surplus(Standing.Burst);

        // 7 one decision for every pending workload
        return new PlanWriter(session, queues).Write(preempt.Evictions);
    }
}
