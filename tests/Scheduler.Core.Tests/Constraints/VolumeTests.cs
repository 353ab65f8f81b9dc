using Scheduler.Core.Model;
using Scheduler.TestKit.Clusters;
using Xunit;
using static Scheduler.Core.Tests.Constraints.ConstraintCluster;

namespace Scheduler.Core.Tests.Constraints;

public class VolumeTests
{
    private static NodeSelectorTerm InZone(string zone) => new([new SelectorRequirement(Zone, SelectorOperator.In, [zone])], []);

    private static PodRules Disk(params string[] handles) => Rules("x", volumes: [.. handles.Select(handle => new AttachedVolume("disk", handle))]);

    private static Node Limited(string name, int limit) => Node(name, "a") with { AttachLimits = [new AttachLimit("disk", limit)] };

    [Fact]
    public void A_volume_takes_its_pod_to_where_it_can_be_reached() => Assert.Equal(
        ["b1"], Plan(FourNodes(), Make.Waiting("w", "t", Make.Shape(gpus: 1, volumeTerms: [[InZone("b")]]))).Places("w"));

    [Fact]
    public void Volumes_in_two_zones_reach_no_node() => Plan(
        FourNodes(), Make.Waiting("w", "t", Make.Shape(gpus: 1, volumeTerms: [[InZone("a")], [InZone("b")]]))).ExpectWait("w", "4 out of reach of its volumes");

    [Fact]
    public void A_node_takes_no_more_volumes_than_its_driver_says()
    {
        Assert.Equal(["n2"], Plan([Limited("n1", 1), Limited("n2", 1)], App("r", "x", Disk("v1")).RunningOn("n1"), App("w", "x", Disk("v2"))).Places("w"));
        Plan([Limited("n1", 1)], App("r", "x", Disk("v1")).RunningOn("n1"), App("w", "x", Disk("v2"))).ExpectWait("w", "1 takes no more volumes of its driver");
        Plan([Limited("n1", 1)], App("w", "x", Disk("v1", "v2"))).ExpectWait("w", "1 takes no more volumes of its driver");
    }

    [Fact]
    public void A_volume_that_is_there_already_counts_once() =>
        Assert.Equal(["n1"], Plan([Limited("n1", 1)], App("r", "x", Disk("v1")).RunningOn("n1"), App("w", "x", Disk("v1"))).Places("w"));

    [Fact]
    public void Another_driver_has_a_limit_of_its_own() => Assert.Equal(
        ["n1"],
        Plan([Limited("n1", 1)], App("r", "x", Disk("v1")).RunningOn("n1"), App("w", "x", Rules("x", volumes: [new AttachedVolume("file", "v2")]))).Places("w"));

    [Fact]
    public void The_validator_sees_volumes_misplaced()
    {
        var snapshot = Snapshot(
            [Limited("n1", 1), Node("n2", "b")], App("r", "x", Disk("v1")).RunningOn("n1"), App("w", "x", Disk("v2")),
            Make.Waiting("z", "t", Make.Shape(gpus: 1, volumeTerms: [[InZone("b")]])));

        Assert.Contains("takes 1 volumes of disk, and would have 2", Judge(snapshot, ("w", "n1")), StringComparison.Ordinal);
        Assert.Contains("volumes do not let it be there", Judge(snapshot, ("z", "n1")), StringComparison.Ordinal);
        Assert.Empty(Judge(snapshot, ("w", "n2"), ("z", "n2")));
    }
}
