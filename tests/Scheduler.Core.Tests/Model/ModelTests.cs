using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Core.Tests.Model;

public class ModelTests
{
    [Theory]
    [InlineData("1g.5gb", 143)]
    [InlineData("2g.10gb", 286)]
    [InlineData("3g.40gb", 429)]
    [InlineData("4g.20gb", 572)]
    [InlineData("7g.80gb", 1000)]
    [InlineData("1g.10gb+me", 143)]
    public void A_mig_profile_counts_its_sevenths_rounded_up(string profile, int milliGpu) =>
        Assert.Equal(milliGpu, GpuRequest.Mig(profile, 1).MilliEach);

    [Theory]
    [InlineData("")]
    [InlineData("g.5gb")]
    [InlineData("8g.5gb")]
    [InlineData("10g.5gb")]
    [InlineData("1gx5gb")]
    public void What_is_no_mig_profile_is_refused(string profile) =>
        Assert.Throws<ArgumentException>(() => GpuRequest.Mig(profile, 1));

    [Theory]
    [InlineData(SelectorOperator.In, "b", "b", true)]
    [InlineData(SelectorOperator.In, "b", null, false)]
    [InlineData(SelectorOperator.NotIn, "b", "b", false)]
    [InlineData(SelectorOperator.NotIn, "b", null, true)]
    [InlineData(SelectorOperator.Exists, "", "x", true)]
    [InlineData(SelectorOperator.DoesNotExist, "", "x", false)]
    [InlineData(SelectorOperator.Gt, "5", "6", true)]
    [InlineData(SelectorOperator.Gt, "5", "5", false)]
    [InlineData(SelectorOperator.Lt, "5", "-1", true)]
    [InlineData(SelectorOperator.Lt, "5", "many", false)]
    [InlineData(SelectorOperator.Gt, "5", null, false)]
    public void Selector_operators_work_as_in_kubernetes(SelectorOperator op, string wanted, string? actual, bool matches) =>
        Assert.Equal(matches, new SelectorRequirement("k", op, [wanted]).Matches(actual));

    [Theory]
    [InlineData("k", true, "", null, true)]
    [InlineData("", true, "", null, true)]
    [InlineData("k", false, "v", TaintEffect.NoSchedule, true)]
    [InlineData("k", false, "w", TaintEffect.NoSchedule, false)]
    [InlineData("k", true, "", TaintEffect.NoExecute, false)]
    [InlineData("other", true, "", null, false)]
    [InlineData("", false, "v", null, false)]
    public void Tolerations_work_as_in_kubernetes(string key, bool any, string value, TaintEffect? effect, bool tolerates) =>
        Assert.Equal(tolerates, new Toleration(key, any, value, effect).Tolerates(new Taint("k", "v", TaintEffect.NoSchedule)));

    [Fact]
    public void Shapes_are_equal_exactly_if_everything_that_places_them_is()
    {
        var shape = Make.Shape(gpus: 2, selector: [("a", "1"), ("b", "2")]);

        Assert.Equal(shape, Make.Shape(gpus: 2, selector: [("b", "2"), ("a", "1")]));
        Assert.NotEqual(shape, Make.Shape(gpus: 2, selector: [("a", "1")]));
        Assert.NotEqual(shape, Make.Shape(gpus: 3, selector: [("a", "1"), ("b", "2")]));
        Assert.NotEqual(Make.Shape(selector: [("a", "1b")]), Make.Shape(selector: [("a1", "b")]));
    }

    [Fact]
    public void What_is_not_asked_for_fits_even_where_somebody_over_committed()
    {
        Assert.True(new ResourceVector(0, 5).FitsIn(new ResourceVector(-3, 5)));
        Assert.False(new ResourceVector(1, 5).FitsIn(new ResourceVector(-3, 5)));
    }

    [Fact]
    public void A_snapshot_is_sorted_whatever_the_order_of_its_parts()
    {
        var snapshot = Make.Snapshot(
            [Make.Node("b"), Make.Node("a")], TenantTree.Empty, Make.Waiting("y", "t", Make.Shape()), Make.Waiting("x", "t", Make.Shape()));

        Assert.Equal(["a", "b"], snapshot.Nodes.Select(node => node.Name.Value));
        Assert.Equal(["x", "y"], snapshot.Workloads.Select(workload => workload.Id.Value));
    }

    [Fact]
    public void A_snapshot_with_the_same_node_or_pod_twice_is_refused()
    {
        Assert.Throws<InvalidOperationException>(() => Make.Snapshot([Make.Node("a"), Make.Node("a")], TenantTree.Empty));
        var workload = Make.Waiting("x", "t", Make.Shape());
        Assert.Throws<InvalidOperationException>(
            () => Make.Snapshot([], TenantTree.Empty, workload, workload with { Id = new WorkloadId("y") }));
    }

    [Fact]
    public void Sick_devices_and_nodes_that_take_no_pods_are_no_capacity()
    {
        var snapshot = Make.Snapshot(
            [
                Make.Node("a", quarantined: [0, 1]), Make.Node("b", isCordoned: true),
                Make.Node("c", gpus: 0, flavor: "A30", mig: [("1g.6gb", 4)]),
            ],
            TenantTree.Empty);

        Assert.Equal(6_000, snapshot.HealthyMilliGpu()[new("H100")]);
        Assert.Equal(16_000, snapshot.InstalledMilliGpu()[new("H100")]);
        Assert.Equal(4 * 143, snapshot.HealthyMilliGpu()[new("A30")]);
    }
}
