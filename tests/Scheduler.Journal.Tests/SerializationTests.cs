using System.Reflection;
using System.Text.Json;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.Journal.Serialization;
using Scheduler.TestKit.Clusters;

namespace Scheduler.Journal.Tests;

public class SerializationTests
{
    [Fact]
    public void A_snapshot_with_everything_in_it_comes_back_as_it_was()
    {
        var before = Everything();
        var (after, first) = RoundTrip(before);
        var (_, second) = RoundTrip(after);
        Assert.Equal(first, second);
        Assert.Equal(before.Nodes.Select(node => node.Name), after.Nodes.Select(node => node.Name));
        Assert.Equal(before.Workloads[1].Pods[0].Shape, after.Workloads[1].Pods[0].Shape);
        Assert.Equal(before.Workloads[1].Pods[0].Shape.Rules, after.Workloads[1].Pods[0].Shape.Rules);
        Assert.Equal(before.Workloads[1].Pods[0].Labels, after.Workloads[1].Pods[0].Labels);
        Assert.Equal(before.Mix, after.Mix);
        Assert.Equal(before.Namespaces, after.Namespaces);
        Assert.Equal(before.DisruptionsAllowed, after.DisruptionsAllowed);
        Assert.Equal(before.Exclusions, after.Exclusions);
        Assert.False(after.Workloads[1].IsPreemptible);
        Assert.True(after.Tenants.Nodes[0].Tenant.SharesDevices);
        Assert.Equal(new CanonicalPlan().Text(Planner.Compute(before, SchedulingPolicy.Default)), new CanonicalPlan().Text(Planner.Compute(after, SchedulingPolicy.Default)));
    }

    [Fact]
    public void Generated_clusters_are_planned_alike_before_and_after()
    {
        for (var seed = 1UL; seed <= 60; seed++)
        {
            var given = AllocationCase.Make(seed);
            var (after, _) = RoundTrip(given.Snapshot);
            Assert.Equal(
                new CanonicalPlan().Text(Planner.Compute(given.Snapshot, given.Policy)), new CanonicalPlan().Text(Planner.Compute(after, given.Policy)));
        }
    }

    /// <summary>The serializer writes settable members by itself; these types are written by hand.</summary>
    [Theory]
    [InlineData(typeof(PodShape), typeof(ShapeSurrogate), "Key,Base")]
    [InlineData(typeof(PodRules), typeof(RulesSurrogate), "Key,HasWishes,IsAlone")]
    [InlineData(typeof(PodTerm), typeof(TermSurrogate), "Key")]
    [InlineData(typeof(GpuRequest), typeof(GpuSurrogate), "MilliGpu,IsAny")]
    [InlineData(typeof(ClusterSnapshot), typeof(CycleRecord), "Exclusions")]
    public void What_is_written_by_hand_has_every_member(Type model, Type surrogate, string derived)
    {
        var missing = PropertiesOf(model).Except(PropertiesOf(surrogate)).Except(derived.Split(',')).ToArray();
        Assert.True(missing.Length == 0, $"{model.Name} has {string.Join(", ", missing)}, which the journal does not keep");
    }

    /// <summary>A new member of a decision must get into the text, or two plans that differ in it would count as the same.</summary>
    [Theory]
    [InlineData(typeof(Bind), "Workload,Pods,Standing,PodsLeftWaiting")]
    [InlineData(typeof(Evict), "Workload,Pods,Beneficiary,Cause,LostMilliGpuSeconds,Deadline")]
    [InlineData(typeof(Withdraw), "Workload,Pods")]
    [InlineData(typeof(Reserve), "Workload,Kind,Pods,From")]
    [InlineData(typeof(Wait), "Workload,Reason,Message,Place,Explanation")]
    [InlineData(typeof(Explanation), "Rejections,NodesExamined,FreeMilliGpu,NeededMilliGpu,Share,Victims")]
    [InlineData(typeof(TenantShare), "GuaranteedMilliGpu,EntitlementMilliGpu,UsedBeforeMilliGpu,UsedAfterMilliGpu")]
    [InlineData(typeof(VictimExplanation), "Workloads,NodesConsidered,Priority,BudgetViolations,LostMilliGpuSeconds,Disturbed")]
    [InlineData(typeof(QueuePlace), "InTenant,TenantLength,Overall,OverallLength")]
    [InlineData(typeof(PodBinding), "Pod,Node,Devices")]
    [InlineData(typeof(FilterRejection), "Filter,Nodes")]
    [InlineData(typeof(Plan), "Generation,Decisions,Accounts")]
    [InlineData(typeof(TenantAccount), "Tenant,Flavors,PendingWorkloads,Total")]
    [InlineData(typeof(FlavorAccount), "Flavor,GuaranteedMilliGpu,LimitMilliGpu,EntitlementMilliGpu,UsedGuaranteedMilliGpu,UsedBurstMilliGpu,PendingMilliGpu,UsedMilliGpu")]
    public void The_canonical_text_of_a_plan_knows_every_member(Type type, string known) =>
        Assert.Equal(known.Split(',').Order(StringComparer.Ordinal), PropertiesOf(type).Order(StringComparer.Ordinal));

    [Fact]
    public void A_policy_comes_back_as_it_was()
    {
        var policy = SchedulingPolicy.Default with
        {
            MaxShareOfClusterPermille = 800,
            HasFairShareReclaim = false,
            TopologyLevels = ["zone", "rack"],
            BurstNodes = Node.NoLabels.Add("pool", "burst"),
            Scores = new ScoreWeights { Packing = 7 },
        };
        var after = JsonSerializer.Deserialize<SchedulingPolicy>(JsonSerializer.Serialize(policy, ModelJson.ForSegment()), ModelJson.ForSegment())!;
        Assert.Equal(policy with { TopologyLevels = [], BurstNodes = Node.NoLabels }, after with { TopologyLevels = [], BurstNodes = Node.NoLabels });
        Assert.Equal(policy.TopologyLevels.AsEnumerable(), after.TopologyLevels);
        Assert.Equal(policy.BurstNodes.AsEnumerable(), after.BurstNodes);
    }

    private static (ClusterSnapshot Snapshot, string Text) RoundTrip(ClusterSnapshot snapshot)
    {
        var record = SnapshotDifference.Fill(
            new CycleRecord
            {
                Number = 1,
                Generation = snapshot.Generation,
                Now = snapshot.Now,
                IsApplied = true,
                DurationMicroseconds = 0,
                PlanDigest = "",
                Waiting = 0,
            },
            SnapshotDifference.Empty, snapshot);
        var text = JsonSerializer.Serialize(record, ModelJson.ForSegment());
        return (JsonSerializer.Deserialize<CycleRecord>(text, ModelJson.ForSegment())!.ApplyTo(SnapshotDifference.Empty), text);
    }

    private static IEnumerable<string> PropertiesOf(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(property => property.Name);

    private static ClusterSnapshot Everything()
    {
        var selector = PodSelector.ByLabel("app", "db", "cache");
        var term = new PodTerm("zone", selector, ["ml", "web"], PodSelector.Everything);
        NodeSelectorTerm affinity = new([new SelectorRequirement("zone", SelectorOperator.NotIn, ["z9"])], [new SelectorRequirement("metadata.name", SelectorOperator.In, ["h100-000"])]);
        var rules = PodRules.Create(
            "ml", Clusters.Labels(("app", "db")), [new HostPort(80), new HostPort(53, "UDP", "10.0.0.1")], [new AttachedVolume("disk", "vol-1")],
            [term], [term], [new PreferredPodTerm(5, term)],
            [new SpreadConstraint(1, "zone", selector) { IsRequired = false, MinDomains = 2, HonorsTaints = true, HonorsNodeAffinity = false }])!;
        var shape = Clusters.Shape(
            gpus: 2, selector: [("pool", "a")], required: [affinity], preferred: [new PreferredTerm(9, affinity)],
            tolerations: [new Toleration("gpu", true, "", null), new Toleration("x", false, "y", TaintEffect.NoExecute)],
            volumeTerms: [[affinity], [affinity, affinity]], rules: rules);
        var other = new OtherPod(new PodId("other"), "kube-system", Clusters.Labels(("app", "db")), rules, true);
        var node = Clusters.Node("h100-000", quarantined: [3]) with
        {
            Labels = Node.NoLabels.Add("zone", "z1").Add("ä", "\"<&'"),
            Taints = [new Taint("gpu", "yes", TaintEffect.NoExecute)],
            MigCapacities = [new MigCapacity("1g.5gb", 7)],
            Scalars = [new ScalarResource("example.com/fpga", 2)],
            IsReady = false,
            IsCordoned = true,
            UsedByOthers = new ResourceVector(1, 2, 3),
            PodsOfOthers = 4,
            ScalarsUsedByOthers = [new ScalarResource("example.com/fpga", 1)],
            Others = [other],
            AttachLimits = [new AttachLimit("disk", 25)],
        };
        var waiting = Clusters.Waiting("ml/podgroup/a", "ml", shape, pods: 2, isPreemptible: false, podLabels: [("app", "db")]) with
        {
            ExpectedDuration = TimeSpan.FromHours(4),
            AttainedMilliGpuSeconds = 12,
            MinRuntime = TimeSpan.FromMinutes(3),
            PreemptionGrace = TimeSpan.FromSeconds(30),
            CheckpointedAt = Clusters.Now,
            DisruptionBudget = "ml/pdb",
            Topology = new TopologyRequest("zone", true),
            MayPreempt = false,
            Hold = Hold.VolumePending,
            HoldDetail = "claim x",
            HoldUntil = Clusters.Now.AddTicks(1),
        };
        waiting = waiting with { Pods = waiting.Pods.SetItem(0, waiting.Pods[0] with { Nomination = new PodPlacement(new NodeName("h100-001"), [0, 1]) }) };
        var running = Clusters.Waiting("ml/pod/b", "ml", shape).RunningOn("h100-001");
        running = running with
        {
            IsManaged = false,
            Pods = [running.Pods[0] with { Notice = new PreemptionNotice(new WorkloadId("web/pod/c"), Clusters.Now), IsIdle = true }],
        };
        return new ClusterSnapshotBuilder { Now = Clusters.Now, Generation = 42 }
            .Add(node, Clusters.Node("h100-001"))
            .Add(waiting, running, Clusters.Waiting("web/pod/c", "web", Clusters.Shape(mig: ("1g.5gb", 2))), Clusters.Waiting("web/pod/d", "web", Clusters.Shape(fraction: 250)))
            .With(Clusters.Tree(Clusters.Tenant("ml", 8, sharesDevices: true) with { NodePool = Node.NoLabels.Add("pool", "a"), Order = QueueOrder.LeastAttained }, Clusters.Tenant("web", 4, lending: 1)))
            .With(Core.Scoring.ShapeMix.Of([(shape, 5)], new ResourceVector(100, 200)))
            .WithBudget("ml/pdb", 1)
            .WithNamespace("ml", Clusters.Labels(("team", "x")))
            .Build();
    }
}
