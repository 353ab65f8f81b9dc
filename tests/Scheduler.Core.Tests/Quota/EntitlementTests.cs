using Scheduler.Core.Quota;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Core.Tests.Quota;

public class EntitlementTests
{
    [Fact]
    public void A_cap_below_a_guarantee_does_not_give_children_more_than_their_parent_has()
    {
        var tree = Make.Tree(
            Make.Tenant("above", guaranteed: 6, namespaces: []), Make.Tenant("below", guaranteed: 6, parent: "above"),
            Make.Tenant("beside"));
        var entitlement = Compute(tree, capacity: 10_000, ("above", 4_000), demand: 9_000);

        Assert.Equal(4_000, entitlement["above"]);
        Assert.Equal(4_000, entitlement["below"]);
    }

    [Fact]
    public void What_a_cap_keeps_a_tenant_from_using_is_not_withheld_from_others()
    {
        var tree = Make.Tree(Make.Tenant("capped", guaranteed: 6, lending: 0), Make.Tenant("other", guaranteed: 1, burst: 9));
        var entitlement = Compute(tree, capacity: 10_000, ("capped", 4_000), demand: 9_000);

        Assert.Equal(4_000, entitlement["capped"]);
        Assert.Equal(6_000, entitlement["other"]);
    }

    /// <summary>Every leaf wants the same; one tenant has a limit below its guarantee.</summary>
    private static Dictionary<string, long> Compute(TenantTree tree, long capacity, (string Tenant, long MilliGpu) cap, long demand)
    {
        var problem = new EntitlementProblem(tree.Nodes.Length) { Capacity = capacity };
        foreach (var node in tree.Nodes)
        {
            var quota = node.Tenant.Quotas[0];
            problem.Guaranteed[node.Index] = node.TotalGuaranteedMilliGpu;
            problem.Limit[node.Index] = node.Id.Value == cap.Tenant ? cap.MilliGpu : quota.LimitMilliGpu;
            problem.Lending[node.Index] = quota.LendingLimitMilliGpu ?? QuotaLedger.Unlimited;
            problem.Weight[node.Index] = node.Weight;
            problem.Demand[node.Index] = node.IsLeaf ? demand : 0;
        }

        var entitlements = Entitlements.Compute(tree, problem);
        return tree.Nodes.ToDictionary(node => node.Id.Value, node => entitlements[node.Index]);
    }
}
