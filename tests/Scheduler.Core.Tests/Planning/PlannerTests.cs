using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Core.Tests.Planning;

public class PlannerTests
{
    private static readonly PodShape OneGpu = Make.Shape(gpus: 1);
    private static readonly PodShape FourGpus = Make.Shape(gpus: 4);
    private static readonly PodShape EightGpus = Make.Shape(gpus: 8);

    [Fact]
    public void A_pod_that_fits_is_bound_with_the_lowest_idle_device()
    {
        var plan = Compute(
            Make.Nodes(2),
            Make.Tree(Make.Tenant("a", 8)),
            Make.Waiting("old", "a", OneGpu).RunningOn("h100-000"),
            Make.Waiting("new", "a", OneGpu));

        var pod = Assert.Single(BindOf(plan, "new").Pods);
        Assert.Equal("h100-000", pod.Node.Value);
        Assert.Equal([1], pod.Devices);
        Assert.Equal(Standing.Guaranteed, BindOf(plan, "new").Standing);
    }

    [Fact]
    public void Guaranteed_demand_goes_before_burst_demand_that_came_first()
    {
        var plan = Compute(
            Make.Nodes(1),
            Make.Tree(Make.Tenant("a", 4), Make.Tenant("b", 4)),
            Make.Waiting("b-burst", "b", EightGpus, submittedMinutesAgo: 60),
            Make.Waiting("a-inside", "a", FourGpus, submittedMinutesAgo: 1));

        Assert.Equal(Standing.Guaranteed, BindOf(plan, "a-inside").Standing);
        Assert.Equal(WaitReason.BurstPoolBusy, WaitOf(plan, "b-burst").Reason);
    }

    [Fact]
    public void What_others_leave_idle_is_burst()
    {
        var plan = Compute(
            Make.Nodes(1), Make.Tree(Make.Tenant("a", 4), Make.Tenant("b", 4)), Make.Waiting("big", "b", EightGpus));

        Assert.Equal(Standing.Burst, BindOf(plan, "big").Standing);
        var account = plan.Accounts.Single(account => account.Tenant.Value == "b").Total;
        Assert.Equal((0, 8000), (account.UsedGuaranteedMilliGpu, account.UsedBurstMilliGpu));
    }

    [Fact]
    public void Burst_goes_to_the_lowest_share_by_weight_in_turns()
    {
        var plan = Compute(
            Make.Nodes(1),
            Make.Tree(Make.Tenant("a", 0, burst: 8, weight: 3), Make.Tenant("b", 0, burst: 8, weight: 1)),
            [.. Enumerable.Range(0, 8).SelectMany(index => new[]
            {
                Make.Waiting($"a{index}", "a", OneGpu), Make.Waiting($"b{index}", "b", OneGpu),
            })]);

        Assert.Equal(6, plan.Decisions.OfType<Bind>().Count(bind => bind.Workload.Value[0] == 'a'));
        Assert.Equal(2, plan.Decisions.OfType<Bind>().Count(bind => bind.Workload.Value[0] == 'b'));
    }

    [Fact]
    public void A_subtree_gets_its_share_whatever_its_number_of_leaves()
    {
        var plan = Compute(
            Make.Nodes(1),
            Make.Tree(
                Make.Tenant("many", 0, burst: 8, weight: 1, namespaces: []),
                Make.Tenant("m1", 0, burst: 8, parent: "many"), Make.Tenant("m2", 0, burst: 8, parent: "many"),
                Make.Tenant("m3", 0, burst: 8, parent: "many"),
                Make.Tenant("one", 0, burst: 8, weight: 1)),
            [.. new[] { "m1", "m2", "m3", "one" }.SelectMany(tenant => Enumerable.Range(0, 8).Select(
                index => Make.Waiting($"{tenant}-{index}", tenant, OneGpu)))]);

        Assert.Equal(4, plan.Decisions.OfType<Bind>().Count(bind => bind.Workload.Value.StartsWith("one", StringComparison.Ordinal)));
    }

    [Fact]
    public void No_tenant_and_no_inner_tenant_is_taken_above_its_limit()
    {
        var plan = Compute(
            Make.Nodes(2),
            Make.Tree(
                Make.Tenant("top", 4, burst: 2, namespaces: []), Make.Tenant("x", 2, burst: 6, parent: "top"),
                Make.Tenant("y", 2, burst: 0, parent: "top")),
            [.. Enumerable.Range(0, 8).SelectMany(index => new[]
            {
                Make.Waiting($"x{index}", "x", OneGpu), Make.Waiting($"y{index}", "y", OneGpu),
            })]);

        Assert.Equal(4, plan.Decisions.OfType<Bind>().Count(bind => bind.Workload.Value[0] == 'x'));
        Assert.Equal(2, plan.Decisions.OfType<Bind>().Count(bind => bind.Workload.Value[0] == 'y'));
        var wait = plan.Decisions.OfType<Wait>().First(wait => wait.Workload.Value[0] == 'x');
        Assert.Equal(WaitReason.LimitReached, wait.Reason);
        Assert.Contains("tenant 'top' uses 6 of its limit of 6 GPUs", wait.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_gang_runs_whole_or_not_at_all_and_blocks_nobody()
    {
        var plan = Compute(
            Make.Nodes(2),
            Make.Tree(Make.Tenant("a", 16)),
            Make.Waiting("gang", "a", FourGpus, pods: 5, priority: 10),
            Make.Waiting("small", "a", FourGpus));

        Assert.Equal(WaitReason.LimitReached, WaitOf(Compute(
            Make.Nodes(2), Make.Tree(Make.Tenant("a", 16, burst: 0)), Make.Waiting("gang", "a", FourGpus, pods: 5)), "gang").Reason);
        Assert.Equal(WaitReason.BurstPoolBusy, WaitOf(plan, "gang").Reason);
        Assert.Single(BindOf(plan, "small").Pods);
    }

    [Fact]
    public void Pods_of_a_gang_beyond_its_minimum_start_where_there_is_room()
    {
        var plan = Compute(
            Make.Nodes(1), Make.Tree(Make.Tenant("a", 8)), Make.Waiting("elastic", "a", Make.Shape(gpus: 3), pods: 4, minMember: 2));

        Assert.Equal(2, BindOf(plan, "elastic").Pods.Length);
        Assert.Equal(2, BindOf(plan, "elastic").PodsLeftWaiting);
    }

    [Fact]
    public void A_running_gang_takes_a_lost_pod_back_alone()
    {
        var gang = Make.Waiting("gang", "a", FourGpus, pods: 2);
        var half = gang with { Pods = [gang.RunningOn("h100-000").Pods[0], gang.Pods[1]], StartedAt = Make.Now };

        var plan = Compute(Make.Nodes(1), Make.Tree(Make.Tenant("a", 8)), half);

        Assert.Equal("gang/001", Assert.Single(BindOf(plan, "gang").Pods).Pod.Value);
    }

    [Fact]
    public void A_fraction_fills_the_fullest_device_before_it_opens_another()
    {
        var plan = Compute(
            Make.Nodes(2),
            Make.Tree(Make.Tenant("a", 8)),
            Make.Waiting("half", "a", Make.Shape(fraction: 500)).RunningOn("h100-001", firstDevice: 3),
            Make.Waiting("other", "a", Make.Shape(fraction: 500)));

        var pod = Assert.Single(BindOf(plan, "other").Pods);
        Assert.Equal("h100-001", pod.Node.Value);
        Assert.Equal([3], pod.Devices);
    }

    [Theory]
    [InlineData(false, false, false)]
    [InlineData(true, false, false)]
    [InlineData(true, true, true)]
    public void Fractions_of_two_tenants_share_a_device_only_if_both_allow_it(bool first, bool second, bool share)
    {
        var plan = Compute(
            [Make.Node("n", gpus: 2)],
            Make.Tree(Make.Tenant("a", 1, sharesDevices: first), Make.Tenant("b", 1, sharesDevices: second)),
            Make.Waiting("a1", "a", Make.Shape(fraction: 300)).RunningOn("n"),
            Make.Waiting("b1", "b", Make.Shape(fraction: 300)));

        Assert.Equal([share ? 0 : 1], Assert.Single(BindOf(plan, "b1").Pods).Devices);
    }

    [Fact]
    public void Mig_instances_are_counted_by_profile_and_in_sevenths_against_quota()
    {
        var plan = Compute(
            [Make.Node("n", gpus: 0, mig: [("1g.5gb", 3)])],
            Make.Tree(Make.Tenant("a", 0.3, burst: 0)),
            [.. Enumerable.Range(0, 4).Select(index => Make.Waiting($"m{index}", "a", Make.Shape(mig: ("1g.5gb", 1))))]);

        Assert.Equal(2, plan.Decisions.OfType<Bind>().Count());
        Assert.All(plan.Decisions.OfType<Wait>(), wait => Assert.Equal(WaitReason.LimitReached, wait.Reason));
    }

    [Fact]
    public void What_may_not_be_preempted_starts_only_inside_the_guarantee()
    {
        var plan = Compute(
            Make.Nodes(1),
            Make.Tree(Make.Tenant("a", 4)),
            Make.Waiting("inside", "a", FourGpus, isPreemptible: false, priority: 1),
            Make.Waiting("outside", "a", OneGpu, isPreemptible: false));

        Assert.Equal(Standing.Guaranteed, BindOf(plan, "inside").Standing);
        Assert.Equal(WaitReason.LimitReached, WaitOf(plan, "outside").Reason);
        Assert.Contains("preemptible", WaitOf(plan, "outside").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_guarantee_that_is_not_lent_stays_idle()
    {
        var plan = Compute(
            Make.Nodes(1),
            Make.Tree(Make.Tenant("a", 4, lending: 0), Make.Tenant("b", 4)),
            Make.Waiting("b-big", "b", EightGpus), Make.Waiting("b-small", "b", FourGpus));

        Assert.Equal(WaitReason.BurstPoolBusy, WaitOf(plan, "b-big").Reason);
        BindOf(plan, "b-small");
    }

    [Fact]
    public void Leaving_pods_hold_their_room_until_they_are_gone()
    {
        var plan = Compute(
            Make.Nodes(1),
            Make.Tree(Make.Tenant("a", 8)),
            Make.Waiting("old", "a", EightGpus).RunningOn("h100-000", state: PodState.Leaving),
            Make.Waiting("new", "a", OneGpu));

        Assert.Equal(WaitReason.WaitingForVictims, plan.Decisions.OfType<Wait>().Single().Reason);
        Assert.Equal("h100-000", Assert.Single(plan.Decisions.OfType<Reserve>().Single().Pods).Node.Value);
        Assert.Empty(plan.Decisions.OfType<Evict>());
    }

    [Fact]
    public void Pods_without_gpus_stay_off_idle_gpu_nodes()
    {
        var plan = Compute(
            [Make.Node("a-gpu"), Make.Node("b-cpu", gpus: 0)],
            Make.Tree(Make.Tenant("a", 8)),
            Make.Waiting("web", "a", Make.Shape()));

        Assert.Equal("b-cpu", Assert.Single(BindOf(plan, "web").Pods).Node.Value);
    }

    [Fact]
    public void Nodes_that_are_cordoned_tainted_or_of_another_pool_are_left_alone()
    {
        var tenant = Make.Tenant("a", 8) with
        {
            NodePool = Node.NoLabels.Add("pool", "a"),
        };
        var plan = Compute(
            [
                Make.Node("1", isCordoned: true, labels: [("pool", "a")]),
                Make.Node("2", labels: [("pool", "b")]),
                Make.Node("3", labels: [("pool", "a")], taints: [new Taint("k", "v", TaintEffect.NoSchedule)]),
                Make.Node("4", labels: [("pool", "a")], isReady: false),
            ],
            Make.Tree(tenant),
            Make.Waiting("x", "a", OneGpu));

        var wait = WaitOf(plan, "x");
        Assert.Equal(WaitReason.NodeConstraints, wait.Reason);
        Assert.Equal(
            [("NodeReady", 2), ("NodePool", 1), ("Taints", 1)],
            wait.Explanation.Rejections.Select(rejection => (rejection.Filter.ToString(), rejection.Nodes)));
    }

    [Fact]
    public void The_cap_on_any_one_tenant_holds()
    {
        var plan = Planner.Compute(
            Make.Snapshot(
                Make.Nodes(1), Make.Tree(Make.Tenant("a", 4)),
                [.. Enumerable.Range(0, 8).Select(index => Make.Waiting($"w{index}", "a", OneGpu))]),
            SchedulingPolicy.Default with { MaxShareOfClusterPermille = 500 });

        Assert.Equal(4, plan.Decisions.OfType<Bind>().Count());
    }

    [Fact]
    public void Places_count_from_one_in_the_tenant_and_overall()
    {
        var plan = Compute(
            [Make.Node("n", gpus: 1)],
            Make.Tree(Make.Tenant("a", 0.5, burst: 8), Make.Tenant("b", 0.5, burst: 8)),
            Make.Waiting("busy", "a", OneGpu).RunningOn("n"),
            Make.Waiting("a-late", "a", OneGpu, submittedMinutesAgo: 1), Make.Waiting("a-early", "a", OneGpu, submittedMinutesAgo: 9),
            Make.Waiting("b-only", "b", OneGpu), Make.Waiting("lost", "nobody", OneGpu));

        Assert.Equal(new QueuePlace(1, 1, 1, 4), WaitOf(plan, "b-only").Place);
        Assert.Equal(new QueuePlace(1, 2, 2, 4), WaitOf(plan, "a-early").Place);
        Assert.Equal(new QueuePlace(2, 2, 3, 4), WaitOf(plan, "a-late").Place);
        Assert.Equal(new QueuePlace(1, 1, 4, 4), WaitOf(plan, "lost").Place);
    }

    private static Plan Compute(IEnumerable<Node> nodes, TenantTree tenants, params Workload[] workloads)
    {
        var snapshot = Make.Snapshot(nodes, tenants, workloads);
        var plan = Planner.Compute(snapshot, SchedulingPolicy.Default);
        Assert.Empty(PlanValidator.Check(snapshot, SchedulingPolicy.Default, plan));
        return plan;
    }

    private static Bind BindOf(Plan plan, string workload) =>
        Assert.IsType<Bind>(plan.Decisions.Single(decision => decision.Workload.Value == workload));

    private static Wait WaitOf(Plan plan, string workload) =>
        Assert.IsType<Wait>(plan.Decisions.Single(decision => decision.Workload.Value == workload));
}
