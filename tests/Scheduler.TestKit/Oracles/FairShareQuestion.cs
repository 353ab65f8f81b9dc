using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;

namespace Scheduler.TestKit.Oracles;

/// <summary>The division, over all flavors together, that a snapshot asks for. For snapshots in which nobody is leaving.</summary>
public static class FairShareQuestion
{
    /// <summary>The entitlement of every tenant, by id.</summary>
    public static IReadOnlyDictionary<string, FairShare> Answer(ClusterSnapshot snapshot, SchedulingPolicy policy)
    {
        var capacity = snapshot.HealthyMilliGpu().Values.Sum();
        long? cap = policy.MaxShareOfClusterPermille is { } permille ? capacity * permille / 1000 : null;
        var demand = snapshot.Workloads.Where(workload => workload.Tenant is not null)
            .GroupBy(workload => workload.Tenant!.Value)
            .ToDictionary(group => group.Key, group => group.SelectMany(workload => workload.Pods).Sum(pod => pod.Shape.Gpu.MilliGpu));
        return FairShareOracle.Divide(
            snapshot.Tenants.Nodes.Where(node => node.Parent is null)
                .Select(node => TenantOf(node, demand))
                .Select(tenant => cap is { } most ? tenant with { Limit = Math.Min(most, tenant.Limit ?? most) } : tenant),
            capacity);
    }

    /// <summary>Whether a plan's accounts state exactly these entitlements.</summary>
    public static bool IsExact(ClusterSnapshot snapshot, SchedulingPolicy policy, Plan plan)
    {
        var expected = Answer(snapshot, policy);
        return plan.Accounts.Length == expected.Count
            && plan.Accounts.All(account => account.Total.EntitlementMilliGpu == expected[account.Tenant.Value].Entitlement);
    }

    private static FairShareTenant TenantOf(TenantNode node, Dictionary<TenantId, long> demand)
    {
        var any = node.QuotaFor(FlavorId.Any);
        var children = node.Children.Select(child => TenantOf(child, demand)).ToImmutableArray();
        var named = node.Tenant.Quotas.Where(quota => quota.Flavor != FlavorId.Any).ToArray();
        var guaranteed = any?.GuaranteedMilliGpu
            ?? Math.Max(children.Sum(child => child.Guaranteed), named.Sum(quota => quota.GuaranteedMilliGpu));
        long? limit = any is not null ? any.LimitMilliGpu : node.IsLeaf ? named.Sum(quota => quota.LimitMilliGpu) : null;
        var weight = node.Tenant.Weight ?? Math.Max(1, guaranteed / GpuRequest.MilliPerDevice);
        return new FairShareTenant(
            node.Id.Value, guaranteed, limit, any?.LendingLimitMilliGpu, weight, demand.GetValueOrDefault(node.Id), children);
    }
}
