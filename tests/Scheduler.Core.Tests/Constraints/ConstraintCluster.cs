using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Core.Tests.Constraints;

/// <summary>Short ways to write clusters whose pods look at each other.</summary>
internal static class ConstraintCluster
{
    public const string Zone = "zone";
    public const string Host = "host";

    /// <summary>A node that names itself and its zone.</summary>
    public static Node Node(string name, string zone, int gpus = 8) => Make.Node(name, gpus, labels: [(Zone, zone), (Host, name)]);

    /// <summary>Two zones of two nodes: a1, a2, b1, b2.</summary>
    public static Node[] FourNodes(int gpus = 8) => [Node("a1", "a", gpus), Node("a2", "a", gpus), Node("b1", "b", gpus), Node("b2", "b", gpus)];

    /// <summary>Pods with a label app in the namespace of the tenant "t".</summary>
    public static PodTerm Like(string app, string by) => new(by, PodSelector.ByLabel("app", app), ["t"]);

    public static SpreadConstraint Spread(string app, string by, int maxSkew = 1) => new(maxSkew, by, PodSelector.ByLabel("app", app));

    public static PodRules Rules(
        string app, PodTerm[]? near = null, PodTerm[]? apart = null, PreferredPodTerm[]? wishes = null, SpreadConstraint[]? spread = null,
        HostPort[]? ports = null, AttachedVolume[]? volumes = null) =>
        PodRules.Create("t", Make.Labels(("app", app)), ports, volumes, [.. near ?? []], [.. apart ?? []], [.. wishes ?? []], [.. spread ?? []])!;

    /// <summary>A waiting workload of the tenant "t" whose pods carry the label app, and ask for a GPU each.</summary>
    public static Workload App(string name, string app, PodRules? rules = null, int pods = 1, int minutesAgo = 10, int gpus = 1) =>
        Make.Waiting(name, "t", Make.Shape(gpus: gpus, rules: rules), pods, submittedMinutesAgo: minutesAgo, podLabels: [("app", app)]);

    public static ClusterSnapshot Snapshot(IEnumerable<Node> nodes, params Workload[] workloads) =>
        Make.Snapshot(nodes, Make.Tree(Make.Tenant("t", 64)), workloads);

    /// <summary>The plan, which the validator must find right.</summary>
    public static Plan Plan(ClusterSnapshot snapshot)
    {
        var plan = Planner.Compute(snapshot, SchedulingPolicy.Default);
        Assert.Empty(PlanValidator.Check(snapshot, SchedulingPolicy.Default, plan));
        return plan;
    }

    public static Plan Plan(IEnumerable<Node> nodes, params Workload[] workloads) => Plan(Snapshot(nodes, workloads));

    /// <summary>Where the pods of a workload go, in their order; empty if they wait.</summary>
    public static string[] Places(this Plan plan, string workload) =>
        [.. plan.Decisions.OfType<Bind>().Where(bind => bind.Workload.Value == workload).SelectMany(bind => bind.Pods).Select(pod => pod.Node.Value)];

    public static void ExpectWait(this Plan plan, string workload, string words)
    {
        var wait = plan.Decisions.OfType<Wait>().Single(decision => decision.Workload.Value == workload);
        Assert.Equal(WaitReason.NodeConstraints, wait.Reason);
        Assert.Contains(words, wait.Message, StringComparison.Ordinal);
    }

    /// <summary>What the validator says if pods are bound to nodes that somebody else chose.</summary>
    public static string Judge(ClusterSnapshot snapshot, params (string Workload, string Node)[] binds)
    {
        var good = Planner.Compute(snapshot, SchedulingPolicy.Default);
        var decisions = binds.GroupBy(bind => bind.Workload).Select(Decision (group) =>
        {
            snapshot.TryGetWorkload(new WorkloadId(group.Key), out var workload);
            return new Bind(workload!.Id)
            {
                Pods = [.. workload.Pods.Zip(group, (pod, bind) => new PodBinding(pod.Id, new NodeName(bind.Node), [Device(workload, pod)]))],
                Standing = Standing.Guaranteed,
                PodsLeftWaiting = 0,
            };
        });
        var broken = PlanValidator.Check(snapshot, SchedulingPolicy.Default, good with { Decisions = [.. decisions] });
        return string.Join("; ", broken.Where(violation => violation.Invariant == "W16"));
    }

    private static int Device(Workload workload, Pod pod) => workload.Pods.IndexOf(pod);
}
