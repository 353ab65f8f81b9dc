using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Core.Tests.Planning;

/// <summary>Good plans, each spoilt in one way: the validator must find exactly that.</summary>
public class PlanValidatorTests
{
    private static readonly ClusterSnapshot Snapshot = Make.Snapshot(
        [Make.Node("full", gpus: 1), Make.Node("n", gpus: 4, quarantined: [3], maxPods: 3), Make.Node("out", isCordoned: true)],
        Make.Tree(Make.Tenant("a", 3, burst: 0), Make.Tenant("b", 1)),
        Make.Waiting("r", "b", Make.Shape(gpus: 1)).RunningOn("full"),
        Make.Waiting("g", "a", Make.Shape(gpus: 1), pods: 2),
        Make.Waiting("s", "a", Make.Shape(fraction: 600)));

    private static readonly Plan Good = Planner.Compute(Snapshot, SchedulingPolicy.Default);

    [Fact]
    public void The_plan_itself_is_good()
    {
        Assert.Equal(2, Good.Decisions.OfType<Bind>().Count());
        Assert.Empty(Check(Good));
    }

    [Fact]
    public void A_missing_decision() => ExpectOnly("W15", Good with { Decisions = Good.Decisions.RemoveAt(0) });

    [Fact]
    public void A_second_decision() => Assert.Contains(
        Check(Good with { Decisions = Good.Decisions.Add(Good.Decisions[0]) }), violation => violation.Invariant == "W15");

    [Fact]
    public void A_decision_about_what_runs() => ExpectOnly("W15", Good with
    {
        Decisions = Good.Decisions.Add(new Wait(new WorkloadId("r"))
        {
            Reason = WaitReason.Backoff,
            Message = "no",
            Place = default,
            Explanation = Explanation.NotExamined,
        }),
    });

    [Fact]
    public void Half_a_gang() => ExpectOnly("W8", Change("g", bind => bind with { Pods = bind.Pods.RemoveAt(0) }));

    [Fact]
    public void A_device_given_twice() => ExpectOnly("W1", ChangePod("s", 0, pod => pod with { Devices = [0] }));

    [Fact]
    public void A_device_of_another_pod() => ExpectOnly("W1", ChangePod("s", 0, pod => pod with { Node = new NodeName("full"), Devices = [0] }));

    [Fact]
    public void A_quarantined_device() => ExpectOnly("W1", ChangePod("s", 0, pod => pod with { Devices = [3] }));

    [Fact]
    public void A_device_that_is_not_there() => ExpectOnly("W1", ChangePod("s", 0, pod => pod with { Devices = [4] }));

    [Fact]
    public void No_device_at_all() => ExpectOnly("W1", ChangePod("s", 0, pod => pod with { Devices = [] }));

    [Fact]
    public void A_cordoned_node() => ExpectOnly("W1", ChangePod("s", 0, pod => pod with { Node = new NodeName("out"), Devices = [0] }));

    [Fact]
    public void A_node_that_is_not_there() => ExpectOnly("W1", ChangePod("s", 0, pod => pod with { Node = new NodeName("nowhere") }));

    [Fact]
    public void A_pod_of_somebody_else() => Assert.Contains(
        Check(ChangePod("s", 0, pod => pod with { Pod = new PodId("r/000") })), violation => violation.Invariant == "W1");

    [Fact]
    public void More_pods_than_the_node_takes()
    {
        var snapshot = Make.Snapshot(
            [Make.Node("n", gpus: 4, maxPods: 2)], Snapshot.Tenants, Snapshot.Workloads.Where(workload => workload.Id.Value != "r"));

        Assert.Contains(
            PlanValidator.Check(snapshot, SchedulingPolicy.Default, Good),
            violation => violation.Invariant == "W1" && violation.Message.Contains("2 pods", StringComparison.Ordinal));
    }

    [Fact]
    public void A_limit_that_is_exceeded()
    {
        var lower = Make.Snapshot(
            Snapshot.Nodes, Make.Tree(Make.Tenant("a", 2, burst: 0.5), Make.Tenant("b", 1)), Snapshot.Workloads);

        Assert.Equal("W2", Assert.Single(PlanValidator.Check(lower, SchedulingPolicy.Default, Good)).Invariant);
    }

    [Fact]
    public void The_cap_on_any_one_tenant_that_is_exceeded() => Assert.Equal(
        "W2",
        Assert.Single(PlanValidator.Check(Snapshot, SchedulingPolicy.Default with { MaxShareOfClusterPermille = 500 }, Good)).Invariant);

    private static ImmutableArray<InvariantViolation> Check(Plan plan) => PlanValidator.Check(Snapshot, SchedulingPolicy.Default, plan);

    private static void ExpectOnly(string invariant, Plan plan)
    {
        var violations = Check(plan);
        Assert.NotEmpty(violations);
        Assert.All(violations, violation => Assert.Equal(invariant, violation.Invariant));
    }

    private static Plan Change(string workload, Func<Bind, Bind> change) => Good with
    {
        Decisions = [.. Good.Decisions.Select(decision => decision is Bind bind && bind.Workload.Value == workload ? change(bind) : decision)],
    };

    private static Plan ChangePod(string workload, int index, Func<PodBinding, PodBinding> change) =>
        Change(workload, bind => bind with { Pods = bind.Pods.SetItem(index, change(bind.Pods[index])) });
}
