using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Quota;

/// <summary>Makes the division problem of a cycle: who asks for how much, running and waiting.</summary>
internal static class DemandAccount
{
    /// <summary>All flavors together.</summary>
    public static EntitlementProblem Total(Session session, CycleQueues queues)
    {
        var ledger = session.Ledger;
        var problem = new EntitlementProblem(session.Snapshot.Tenants.Nodes.Length) { Capacity = ledger.CapacityTotal };
        foreach (var tenant in session.Snapshot.Tenants.Nodes)
        {
            var quota = tenant.QuotaFor(FlavorId.Any);
            problem.Guaranteed[tenant.Index] = tenant.TotalGuaranteedMilliGpu;
            problem.Limit[tenant.Index] = TotalLimit(ledger, tenant);
            problem.Lending[tenant.Index] = quota?.LendingLimitMilliGpu ?? QuotaLedger.Unlimited;
            problem.Weight[tenant.Index] = tenant.Weight;
            problem.Demand[tenant.Index] = tenant.IsLeaf ? ledger.UsedTotal(tenant.Index) - session.GoingMilliGpu(tenant.Index) : 0;
        }

        foreach (var queue in queues.ByTenant)
        {
            foreach (var applicant in queue.Applicants)
            {
                foreach (var pod in applicant.Pending)
                {
                    problem.Demand[queue.Tenant.Index] += pod.Shape.Gpu.MilliGpu;
                }
            }
        }

        return problem;
    }

    /// <summary>The limit on all flavors together: that of <c>*</c>, else, for a leaf, the sum of those by flavor.</summary>
    public static long TotalLimit(QuotaLedger ledger, TenantNode tenant)
    {
        var total = ledger.LimitTotal(tenant.Index);
        return tenant.IsLeaf && tenant.QuotaFor(FlavorId.Any) is null
            ? Math.Min(total, tenant.Tenant.Quotas.Sum(quota => quota.LimitMilliGpu))
            : total;
    }
}
