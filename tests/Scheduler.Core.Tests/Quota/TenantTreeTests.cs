using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Core.Tests.Quota;

public class TenantTreeTests
{
    [Fact]
    public void Parents_come_before_children_and_siblings_by_id()
    {
        var tree = Make.Tree(
            Make.Tenant("vision", 2, parent: "research"),
            Make.Tenant("search", 4),
            Make.Tenant("research", 8, namespaces: []),
            Make.Tenant("language", 4, parent: "research"));

        Assert.Equal(["research", "language", "vision", "search"], tree.Nodes.Select(node => node.Id.Value));
        Assert.Equal(Enumerable.Range(0, 4), tree.Nodes.Select(node => node.Index));
        Assert.Equal(new TenantId("vision"), tree.OwnerOf("vision"));
        Assert.Null(tree.OwnerOf("unknown"));
    }

    [Fact]
    public void Every_error_is_reported_at_once_with_its_place()
    {
        var valid = TenantTree.TryCreate(
            [
                Make.Tenant("a", -1),
                Make.Tenant("b", 4, parent: "nobody"),
                Make.Tenant("c", 4, weight: 0),
                Make.Tenant("d", 1, namespaces: ["a"]),
                Make.Tenant("e", 1, parent: "f"),
                Make.Tenant("f", 1, parent: "e", namespaces: []),
                Make.Tenant("g", 1) with { Quotas = [Make.Quota(1), Make.Quota(2)] },
            ],
            out _,
            out var errors);

        Assert.False(valid);
        Assert.Equal(
            [
                "tenant/a.quotas[0].guaranteed", "tenant/b.parent", "tenant/c.weight", "tenant/d.namespaces[0]",
                "tenant/e.namespaces", "tenant/e.parent", "tenant/f.parent", "tenant/g.quotas[1].flavor",
            ],
            errors.Select(error => error.Path).Order());
        Assert.Contains("-1", errors.First(error => error.Path == "tenant/a.quotas[0].guaranteed").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_parent_smaller_than_its_children_is_refused_and_both_numbers_are_named()
    {
        TenantTree.TryCreate(
            [Make.Tenant("top", 5, namespaces: []), Make.Tenant("x", 4, parent: "top"), Make.Tenant("y", 2, parent: "top")],
            out _,
            out var errors);

        var error = Assert.Single(errors);
        Assert.Equal("tenant/top.quotas[0].guaranteed", error.Path);
        Assert.Contains("5 GPUs", error.Message, StringComparison.Ordinal);
        Assert.Contains("less than the 6", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_parent_without_quotas_guarantees_the_sum_of_its_children()
    {
        var tree = Make.Tree(
            new Tenant { Id = new TenantId("top") }, Make.Tenant("x", 4, parent: "top"), Make.Tenant("y", 2.5, parent: "top"));

        Assert.Equal(6500, tree.Nodes[0].TotalGuaranteedMilliGpu);
    }

    [Fact]
    public void A_guarantee_over_capacity_is_refused_by_flavor_and_in_total()
    {
        var tree = Make.Tree(Make.Tenant("a", 10, flavor: "H100"), Make.Tenant("b", 10));

        var errors = tree.CheckCapacity(new Dictionary<FlavorId, long> { [new("H100")] = 8_000, [new("A100")] = 8_000 });

        Assert.Equal(["flavor/H100", "flavor/*"], errors.Select(error => error.Path));
        Assert.Contains("10 GPUs, but the cluster has 8", errors[0].Message, StringComparison.Ordinal);
        Assert.Contains("20 GPUs, but the cluster has 16", errors[1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Guarantees_by_flavor_may_not_exceed_the_one_for_any()
    {
        TenantTree.TryCreate(
            [Make.Tenant("a") with { Quotas = [Make.Quota(4), Make.Quota(6, flavor: "H100")] }], out _, out var errors);

        Assert.Equal("tenant/a.quotas", Assert.Single(errors).Path);
    }

    [Fact]
    public void The_burst_is_twice_the_guarantee_unless_it_is_given()
    {
        Assert.Equal(12_000, Make.Quota(4).LimitMilliGpu);
        Assert.Equal(4_000, Make.Quota(4, burst: 0).LimitMilliGpu);
        Assert.Equal(3_000, Make.Quota(0, burst: 3).LimitMilliGpu);
    }
}
