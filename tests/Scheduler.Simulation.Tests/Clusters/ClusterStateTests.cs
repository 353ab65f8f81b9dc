using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Input;
using Scheduler.Simulation.Clusters;
using Xunit;

namespace Scheduler.Simulation.Tests.Clusters;

public class ClusterStateTests
{
    [Fact]
    public void What_is_written_is_read_as_it_was_and_written_the_same_again()
    {
        var state = Good(ClusterFile.Text);
        var again = Write(state);

        Assert.Equal(ClusterFile.Text, again);
        var gang = Assert.Single(state.Workloads, workload => workload.IsGang);
        Assert.Equal(("lab/podgroup/gang", "lab", -5, 2), (gang.Id.Value, gang.Tenant?.Value, gang.Priority, gang.MinMember));
        Assert.Equal(new TopologyRequest("example.com/rack", IsRequired: true), gang.Topology);
        Assert.Equal([PodState.Placed, PodState.Placed, PodState.Leaving], gang.Pods.Select(pod => pod.State));
        var node = state.Nodes[1];
        Assert.Equal((7, 2, true, false), (node.MigCapacities[0].Count, node.Devices.Count(device => device.Health == DeviceHealth.Healthy), node.IsCordoned, node.IsSchedulable));
        Assert.Equal(new Taint("dedicated", "lab", TaintEffect.NoSchedule), node.Taints[0]);
        var shape = state.Workloads.Single(workload => workload.Name == "one").Pods[0].Shape;
        Assert.Equal(new Toleration("", true, "", null), shape.Tolerations[2]);
        Assert.Equal((SelectorOperator.NotIn, "metadata.name"), (shape.RequiredTerms[0].Fields[0].Operator, shape.RequiredTerms[0].Fields[0].Key));
        Assert.Equal(SchedulingPolicy.Default with { MaxShareOfClusterPermille = 900, TopologyLevels = state.Policy.TopologyLevels, BurstNodes = state.Policy.BurstNodes }, state.Policy);
    }

    [Theory]
    [InlineData("shape: s2}]}", "shape: s22}]}", "cluster.yaml:54: export.workloads[1].pods[0].shape: there is no shape 's22'; did you mean 's2'?")]
    [InlineData("shape: s2}]}", "shape: s2, gpus: [0]}]}", "cluster.yaml:54: export.workloads[1].pods[0].gpus: needs a node beside it; a pod without a node waits")]
    [InlineData("gpus: [2, 3]}", "gpus: [3, 2]}", "cluster.yaml:55: export.workloads[2].pods[1].gpus[1]: must be the number of a GPU, from 0, each once and ascending")]
    [InlineData("quarantined: [2, 3]", "quarantined: [2, 4]", "cluster.yaml:47: export.nodes[1].quarantined: names GPU 4, but the node has 4; they are counted from 0")]
    [InlineData("{name: waits, namespace", "{name: one, namespace", "cluster.yaml:54: export.workloads[1].name: 'one' of namespace 'lab' is on line 53 already; keep one")]
    [InlineData("{name: gang-1,", "{name: gang-0,", "cluster.yaml:55: export.workloads[2].pods[1].name: 'gang-0' of namespace 'lab' is there twice; keep one")]
    [InlineData("11:30:00.500Z", "11:30:00.500", "cluster.yaml:54: export.workloads[1].submitted: '2026-01-31T11:30:00.500' is not a time such as \"2026-01-31T08:00:00Z\", with its zone")]
    [InlineData("{\"1g.5gb\": 7}", "{\"9g.5gb\": 7}", "cluster.yaml:47: export.nodes[1].mig.9g.5gb: '9g.5gb' is not a MIG profile; it starts with 1g to 7g, like 3g.40gb")]
    [InlineData("slow:PreferNoSchedule", "slow:Prefer", "cluster.yaml:47: export.nodes[1].taints: 'slow:Prefer' is not a taint such as dedicated=search:NoSchedule; the effects are NoSchedule, PreferNoSchedule, NoExecute")]
    [InlineData("cores > 8", "cores >= eight cores", "cluster.yaml:49: export.shapes[0].preferred[0].labels: 'cores >= eight cores' is not a requirement such as 'zone in (a, b)', 'zone notin (a)', 'spot', '!spot', 'cores > 8'")]
    [InlineData("required=example.com/rack", "required=zone", "cluster.yaml:55: export.workloads[2].topology: names the level 'zone'; the levels are example.com/rack")]
    [InlineData("cordoned: true", "cordond: true", "cluster.yaml:47: export.nodes[1].cordond: unknown field; did you mean 'cordoned'?")]
    [InlineData("  historySince: \"2026-01-31T02:00:00.000Z\"\n", "", "cluster.yaml:42: export.historySince: is missing; it is from when on the history is complete; rates are counted from there")]
    [InlineData("kind: ClusterExport", "kind: ClusterExports", "cluster.yaml:39: kind: 'ClusterExports' does not belong here; write Tenant or SchedulingPolicy, and keep other objects in files of their own")]
    [InlineData("kind: ClusterExport", "kind: Scenario", "cluster.yaml: is a scenario, not an exported cluster; write weir simulate SCENARIO --from-cluster to let its workloads come to the live cluster")]
    public void A_mistake_is_one_error_with_its_place_and_its_remedy(string old, string changed, string expected)
    {
        Assert.Contains(old, ClusterFile.Text, StringComparison.Ordinal);
        var errors = new FileErrors();

        Assert.Null(ClusterStateReader.OfText("cluster.yaml", ClusterFile.Text.Replace(old, changed, StringComparison.Ordinal), errors));
        Assert.Equal([expected], errors.ToLines());
    }

    [Fact]
    public void A_file_that_is_cut_off_is_told_as_such()
    {
        var errors = new FileErrors();

        Assert.Null(ClusterStateReader.OfText("cluster.yaml", ClusterFile.Text[..(ClusterFile.Text.Length / 2)], errors));
        Assert.Contains("is not valid YAML", Assert.Single(errors.ToLines()), StringComparison.Ordinal);
    }

    internal static ClusterState Good(string text)
    {
        var errors = new FileErrors();
        var state = ClusterStateReader.OfText("cluster.yaml", text, errors);
        Assert.Empty(errors.ToLines());
        return state!;
    }

    private static string Write(ClusterState state)
    {
        using var text = new StringWriter();
        ClusterStateWriter.Write(state, text);
        return text.ToString();
    }
}
