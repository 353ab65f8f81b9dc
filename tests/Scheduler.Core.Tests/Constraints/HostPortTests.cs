using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.TestKit.Clusters;
using Xunit;
using static Scheduler.Core.Tests.Constraints.ConstraintCluster;

namespace Scheduler.Core.Tests.Constraints;

public class HostPortTests
{
    private static PodRules Port(int port, string protocol = "TCP", string address = HostPort.AnyAddress) =>
        Rules("x", ports: [new HostPort(port, protocol, address)]);

    [Fact]
    public void Two_pods_of_a_gang_with_one_port_go_to_two_nodes() =>
        Assert.Equal(["a1", "a2"], Plan(FourNodes(), App("gang", "x", Port(80), pods: 2)).Places("gang").Order());

    [Fact]
    public void A_port_that_runs_on_every_node_is_told()
    {
        var plan = Plan([Node("n1", "a"), Node("n2", "a")],
            App("r1", "x", Port(80)).RunningOn("n1"), App("r2", "x", Port(80)).RunningOn("n2"), App("w", "x", Port(80)));

        plan.ExpectWait("w", "2 where its host port is taken");
    }

    [Theory]
    [InlineData(81, "TCP", HostPort.AnyAddress, true)]
    [InlineData(80, "UDP", HostPort.AnyAddress, true)]
    [InlineData(80, "TCP", "10.0.0.2", true)]
    [InlineData(80, "TCP", "10.0.0.1", false)]
    [InlineData(80, "TCP", HostPort.AnyAddress, false)]
    public void Ports_conflict_by_number_protocol_and_address(int port, string protocol, string address, bool isBound) => Assert.Equal(
        isBound,
        Plan([Node("n", "a")], App("r", "x", Port(80, address: "10.0.0.1")).RunningOn("n"), App("w", "x", Port(port, protocol, address))).Places("w").Length == 1);

    [Fact]
    public void A_pod_of_another_scheduler_has_its_port_too() => Plan(
        [Node("n", "a") with { Others = [new OtherPod(new PodId("o"), "t", LabelSet.Empty, Port(80), IsLeaving: false)] }],
        App("w", "x", Port(80))).ExpectWait("w", "1 where its host port is taken");

    [Fact]
    public void The_port_of_a_victim_is_taken_until_it_has_gone()
    {
        // The guarantee of t is taken back from b, whose pod has the port: the room is kept, and used once the pod is gone.
        var tree = Make.Tree(Make.Tenant("t", 1), Make.Tenant("b", 0, burst: 1));
        var victim = Make.Waiting("v", "b", Make.Shape(gpus: 1, rules: Port(80))).RunningOn("n");
        var snapshot = Make.Snapshot([Node("n", "a", gpus: 1)], tree, victim, App("w", "x", Port(81)), App("same", "x", Port(80)));
        var plan = Plan(snapshot);

        Assert.Equal("v", Assert.Single(plan.Decisions.OfType<Evict>()).Workload.Value);
        Assert.Equal("w", Assert.Single(plan.Decisions.OfType<Reserve>()).Workload.Value);
        Assert.Empty(plan.Decisions.OfType<Bind>());
    }

    [Fact]
    public void The_validator_sees_a_port_given_out_twice()
    {
        var snapshot = Snapshot([Node("n1", "a"), Node("n2", "a")], App("gang", "x", Port(80), pods: 2), App("r", "x", Port(80)).RunningOn("n2"));

        Assert.Contains("host port 80", Judge(snapshot, ("gang", "n1"), ("gang", "n1")), StringComparison.Ordinal);
        Assert.Contains("host port 80", Judge(snapshot, ("gang", "n1"), ("gang", "n2")), StringComparison.Ordinal);
    }
}
