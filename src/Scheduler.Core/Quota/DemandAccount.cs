using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Quota;

/// <summary>Makes the division problem of a cycle: who asks for how much, running and waiting.</summary>
internal static class DemandAccount
{
    /// <summary>All flavors together.</summary>
    public static EntitlementProblem Total(Session session)
    {
        var ledger = session.Ledger;
        var problem = new EntitlementProblem(session.Tenants.Length) { Capacity = ledger.CapacityTotal };
        foreach (var queue in session.Tenants)
        {
            var tenant = queue.Tenant;
            problem.Guaranteed[tenant.Index] = tenant.TotalGuaranteedMilliGpu;
            problem.Limit[tenant.Index] = TotalLimit(ledger, tenant);
            problem.Lending[tenant.Index] = tenant.QuotaFor(FlavorId.Any)?.LendingLimitMilliGpu ?? QuotaLedger.Unlimited;
            problem.Weight[tenant.Index] = tenant.Weight;
            problem.Demand[tenant.Index] = tenant.IsLeaf
                ? ledger.UsedTotal(tenant.Index) - session.EndingMilliGpu(tenant.Index) + queue.DemandMilliGpu
                : 0;
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
