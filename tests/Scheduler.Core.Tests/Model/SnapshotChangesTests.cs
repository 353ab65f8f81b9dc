using Scheduler.Core.Model;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Core.Tests.Model;

public class SnapshotChangesTests
{
    private static readonly ClusterSnapshot First = Make.Snapshot(
        [Make.Node("b"), Make.Node("d"), Make.Node("f")], Make.Tree(Make.Tenant("a", 8)),
        Make.Waiting("w2", "a", Make.Shape(gpus: 1)), Make.Waiting("w4", "a", Make.Shape(gpus: 1)), Make.Waiting("w6", "a", Make.Shape(gpus: 1)));

    [Fact]
    public void What_is_new_changed_or_gone_is_merged_in_order_and_the_rest_keeps_its_objects()
    {
        var changed = First.Workloads[1] with { Priority = 7 };
        var next = First.Next(2, Make.Now.AddSeconds(1), new SnapshotChanges
        {
            Nodes = [Make.Node("e"), Make.Node("a")],
            RemovedNodes = [new NodeName("d"), new NodeName("never")],
            Workloads = [Make.Waiting("w9", "a", Make.Shape()), changed, Make.Waiting("w1", "a", Make.Shape())],
            RemovedWorkloads = [new WorkloadId("w6"), new WorkloadId("never")],
        });

        Assert.Equal(["a", "b", "e", "f"], next.Nodes.Select(node => node.Name.Value));
        Assert.Equal(["w1", "w2", "w4", "w9"], next.Workloads.Select(workload => workload.Id.Value));
        Assert.Same(First.Nodes[0], next.Nodes[1]);
        Assert.Same(First.Workloads[0], next.Workloads[1]);
        Assert.Same(changed, next.Workloads[2]);
        Assert.Same(First.Tenants, next.Tenants);
        Assert.Equal((2, Make.Now.AddSeconds(1)), (next.Generation, next.Now));
        Assert.True(next.TryGetNodeIndex(new NodeName("f"), out var index) && index == 3);
        Assert.False(next.TryGetNodeIndex(new NodeName("d"), out _));
        Assert.True(next.TryGetWorkload(new WorkloadId("w9"), out _));
        Assert.False(next.TryGetWorkload(new WorkloadId("w6"), out _));
    }

    [Fact]
    public void A_changed_workload_is_checked()
    {
        var bad = First.Workloads[0] with { MinMember = 0 };
        Assert.Throws<InvalidOperationException>(() => First.Next(2, Make.Now, new SnapshotChanges { Workloads = [bad] }));
    }
}
