using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Core.Tests.Planning;

public class ReclaimTests
{
    private static readonly PodShape OneGpu = Make.Shape(gpus: 1);
    private static readonly PodShape FourGpus = Make.Shape(gpus: 4);
    private static readonly PodShape EightGpus = Make.Shape(gpus: 8);
    private static readonly TimeSpan TwoMinutes = TimeSpan.FromMinutes(2);

    [Fact]
    public void A_guarantee_is_taken_back_and_kept_for_whom_it_was_freed()
    {
        var cluster = new LivingCluster(
            Make.Nodes(1),
            Make.Tree(Make.Tenant("a", 4), Make.Tenant("b", 4), Make.Tenant("c", 0, burst: 8)),
            [
                Make.Waiting("b1", "b", FourGpus) with { PreemptionGrace = TwoMinutes },
                Make.Waiting("b2", "b", FourGpus, submittedMinutesAgo: 5) with { PreemptionGrace = TwoMinutes },
            ]);
        cluster.Cycle();
        cluster.Submit(Make.Waiting("a1", "a", FourGpus));
        cluster.Submit(Make.Waiting("c1", "c", OneGpu, priority: 100));

        var plan = cluster.Cycle();
        var evict = Assert.Single(plan.Decisions.OfType<Evict>());
        Assert.Equal(("b2", "a1", EvictionCause.Guarantee), (evict.Workload.Value, evict.Beneficiary.Value, evict.Cause));
        Assert.Equal(cluster.Now + TwoMinutes, evict.Deadline);
        Assert.Equal(WaitReason.WaitingForVictims, plan.WaitOf("a1").Reason);

        cluster.Pass(TwoMinutes - TimeSpan.FromSeconds(1));
        Assert.Empty(cluster.Cycle().Decisions.OfType<Evict>());
        cluster.Pass(TimeSpan.FromSeconds(1));
        plan = cluster.Cycle();
        Assert.Equal("a1", Assert.Single(plan.Decisions.OfType<Bind>()).Workload.Value);
        Assert.Equal(WaitReason.BurstPoolBusy, plan.WaitOf("b2").Reason);
        Assert.Empty(cluster.Cycle().Decisions.OfType<Evict>());
    }

    [Fact]
    public void Training_goes_before_inference_and_the_least_lost_work_before_more()
    {
        var cluster = Borrowed(
            Make.Waiting("inference", "b", FourGpus, priority: 10_000).RunningOn("h100-000"),
            Make.Waiting("old-training", "b", FourGpus, priority: 1_000, submittedMinutesAgo: 600).RunningOn("h100-000", firstDevice: 4),
            Make.Waiting("new-training", "b", FourGpus, priority: 1_000, submittedMinutesAgo: 5).RunningOn("h100-001"),
            Make.Waiting("saved-training", "b", FourGpus, priority: 1_000, submittedMinutesAgo: 900).RunningOn("h100-001", firstDevice: 4) with
            {
                CheckpointedAt = Make.Now.AddMinutes(-1),
            });
        cluster.Submit(Make.Waiting("claim", "a", FourGpus));

        var evict = Assert.Single(cluster.Cycle().Decisions.OfType<Evict>());

        Assert.Equal("saved-training", evict.Workload.Value);
        Assert.Equal(4000 * (60 + 60), evict.LostMilliGpuSeconds);
    }

    [Fact]
    public void Inference_is_taken_only_when_no_training_is_enough()
    {
        var cluster = Borrowed(
            Make.Waiting("inference", "b", EightGpus, priority: 10_000).RunningOn("h100-000"),
            Make.Waiting("training", "b", FourGpus, priority: 1_000).RunningOn("h100-001"),
            Make.Waiting("fixed", "b", FourGpus, priority: 1_000).RunningOn("h100-001", firstDevice: 4) with { IsPreemptible = false, IsManaged = false });
        cluster.Submit(Make.Waiting("claim", "a", EightGpus));

        Assert.Equal("inference", Assert.Single(cluster.Cycle().Decisions.OfType<Evict>()).Workload.Value);
    }

    [Fact]
    public void Guaranteed_standing_is_never_touched_by_others()
    {
        var cluster = new LivingCluster(
            Make.Nodes(1),
            Make.Tree(Make.Tenant("a", 4), Make.Tenant("b", 4)),
            [
                Make.Waiting("b1", "b", FourGpus).RunningOn("h100-000"),
                Make.Waiting("a1", "a", OneGpu).RunningOn("h100-000", firstDevice: 4),
                Make.Waiting("a2", "a", FourGpus),
            ]);

        var plan = cluster.Cycle();

        Assert.Empty(plan.Decisions.OfType<Evict>());
        Assert.Equal(WaitReason.BurstPoolBusy, plan.WaitOf("a2").Reason);
    }

    [Fact]
    public void An_elastic_gang_shrinks_before_anything_stops()
    {
        var cluster = Borrowed(
            Make.Waiting("elastic", "b", Make.Shape(gpus: 2), pods: 4, minMember: 2, submittedMinutesAgo: 600).RunningOn("h100-000"),
            Make.Waiting("rigid", "b", FourGpus, submittedMinutesAgo: 600).RunningOn("h100-001"),
            Make.Waiting("fixed", "b", FourGpus).RunningOn("h100-001", firstDevice: 4) with { IsManaged = false });
        cluster.Submit(Make.Waiting("claim", "a", FourGpus));

        var evict = Assert.Single(cluster.Cycle().Decisions.OfType<Evict>());

        Assert.Equal("elastic", evict.Workload.Value);
        Assert.Equal(2, evict.Pods.Length);
    }

    [Fact]
    public void Minimum_runtime_protects_as_long_as_others_can_serve()
    {
        var young = Make.Waiting("young", "b", EightGpus, submittedMinutesAgo: 1).RunningOn("h100-000") with { MinRuntime = TimeSpan.FromHours(1) };
        var old = Make.Waiting("old", "b", EightGpus, submittedMinutesAgo: 600).RunningOn("h100-001");
        var cluster = Borrowed(young, old);
        cluster.Submit(Make.Waiting("claim", "a", EightGpus));
        Assert.Equal("old", Assert.Single(cluster.Cycle().Decisions.OfType<Evict>()).Workload.Value);

        var alone = Borrowed(young, old with { IsManaged = false });
        alone.Submit(Make.Waiting("claim", "a", EightGpus));
        Assert.Equal("young", Assert.Single(alone.Cycle().Decisions.OfType<Evict>()).Workload.Value);
    }

    [Fact]
    public void Inside_a_tenant_higher_priority_takes_from_lower_but_never_from_equal()
    {
        var cluster = new LivingCluster(
            Make.Nodes(1),
            Make.Tree(Make.Tenant("a", 8, burst: 0)),
            [
                Make.Waiting("low", "a", FourGpus, priority: 1).RunningOn("h100-000"),
                Make.Waiting("same", "a", FourGpus, priority: 5).RunningOn("h100-000", firstDevice: 4),
                Make.Waiting("high", "a", FourGpus, priority: 5),
                Make.Waiting("higher", "a", FourGpus, priority: 5, submittedMinutesAgo: 1),
            ]);

        var plan = cluster.Cycle();

        var evict = Assert.Single(plan.Decisions.OfType<Evict>());
        Assert.Equal(("low", "high", EvictionCause.Priority), (evict.Workload.Value, evict.Beneficiary.Value, evict.Cause));
        cluster.Pass(TwoMinutes);
        Assert.Equal("high", Assert.Single(cluster.Cycle().Decisions.OfType<Bind>()).Workload.Value);
    }

    [Fact]
    public void Between_borrowers_who_is_below_its_entitlement_takes_from_who_is_above()
    {
        var cluster = new LivingCluster(
            Make.Nodes(1),
            Make.Tree(Make.Tenant("a", 0, burst: 8), Make.Tenant("b", 0, burst: 8)),
            [.. Enumerable.Range(0, 8).Select(index => Make.Waiting($"a{index}", "a", OneGpu))]);
        cluster.Cycle();
        for (var index = 0; index < 8; index++)
        {
            cluster.Submit(Make.Waiting($"b{index}", "b", OneGpu));
        }

        var plan = cluster.Cycle();

        Assert.Equal(4, plan.Decisions.OfType<Evict>().Count());
        Assert.All(plan.Decisions.OfType<Evict>(), evict => Assert.Equal(EvictionCause.FairShare, evict.Cause));
        cluster.Pass(TwoMinutes);
        cluster.Cycle();
        Assert.Empty(cluster.Cycle().Decisions.OfType<Evict>());
        Assert.Equal(4, cluster.Workloads.Count(workload => workload.Tenant!.Value.Value == "b" && workload.StartedAt is not null));
    }

    [Fact]
    public void What_a_sibling_borrowed_up_to_the_limit_of_their_parent_is_given_back_to_a_guarantee()
    {
        var cluster = new LivingCluster(
            Make.Nodes(2),
            Make.Tree(Make.Tenant("p", 8, burst: 0, namespaces: []), Make.Tenant("x", 4, burst: 4, parent: "p"), Make.Tenant("y", 4, burst: 4, parent: "p"), Make.Tenant("z", 0, burst: 8)),
            [
                .. Enumerable.Range(0, 8).Select(index => Make.Waiting($"x{index}", "x", OneGpu)),
                Make.Waiting("z0", "z", FourGpus),
            ]);
        cluster.Cycle();
        cluster.Submit(Make.Waiting("y0", "y", FourGpus));

        var plan = cluster.Cycle();

        // There is room, even without victims; it is the parent's limit that only those below it can make way for.
        Assert.Equal(["x", "x", "x", "x"], plan.Decisions.OfType<Evict>().Select(evict => cluster[evict.Workload.Value].Tenant!.Value.Value));
        Assert.All(plan.Decisions.OfType<Evict>(), evict => Assert.Equal(EvictionCause.Guarantee, evict.Cause));
        Assert.Equal(WaitReason.WaitingForVictims, plan.WaitOf("y0").Reason);
        Assert.Empty(cluster.Cycle().Decisions.OfType<Evict>());
        cluster.Pass(TwoMinutes);
        Assert.Contains(cluster.Cycle().Decisions, decision => decision is Bind { Workload.Value: "y0" });
        Assert.Empty(cluster.Cycle().Decisions.OfType<Evict>());
    }

    [Fact]
    public void Siblings_share_what_their_parent_may_have()
    {
        var cluster = new LivingCluster(
            Make.Nodes(2),
            Make.Tree(Make.Tenant("p", 0, burst: 8, namespaces: []), Make.Tenant("x", 0, burst: 8, parent: "p"), Make.Tenant("y", 0, burst: 8, parent: "p")),
            [.. Enumerable.Range(0, 8).Select(index => Make.Waiting($"x{index}", "x", OneGpu))]);
        cluster.Cycle();
        for (var index = 0; index < 8; index++)
        {
            cluster.Submit(Make.Waiting($"y{index}", "y", OneGpu));
        }

        Assert.Equal(4, cluster.Cycle().Decisions.OfType<Evict>().Count(evict => evict.Cause == EvictionCause.FairShare));
        cluster.Pass(TwoMinutes);
        cluster.Cycle();
        Assert.Empty(cluster.Cycle().Decisions.OfType<Evict>());
        Assert.Equal(4, cluster.Workloads.Count(workload => workload.Tenant!.Value.Value == "y" && workload.StartedAt is not null));
    }

    [Fact]
    public void A_notice_for_the_health_of_a_GPU_is_not_the_planners_to_withdraw()
    {
        var victim = Make.Waiting("victim", "b", EightGpus).RunningOn("h100-000") with { PreemptionGrace = TwoMinutes };
        var notice = new PreemptionNotice(PreemptionNotice.GpuHealth, Make.Now + TwoMinutes);
        var cluster = Borrowed(victim with { Pods = [victim.Pods[0] with { Notice = notice }] });
        cluster.Nodes = [.. Make.Nodes(1)];

        Assert.Empty(cluster.Cycle().Decisions.OfType<Withdraw>());
        Assert.Equal(notice, cluster["victim"].Pods[0].Notice);
    }

    [Fact]
    public void A_notice_is_withdrawn_when_the_need_is_gone()
    {
        var cluster = Borrowed(Make.Waiting("victim", "b", EightGpus).RunningOn("h100-000") with { PreemptionGrace = TwoMinutes });
        cluster.Nodes = [.. Make.Nodes(1)];
        cluster.Submit(Make.Waiting("claim", "a", EightGpus));
        cluster.Cycle();
        Assert.NotNull(cluster["victim"].Pods[0].Notice);

        cluster.End(new WorkloadId("claim"));
        var plan = cluster.Cycle();

        Assert.Equal("victim", Assert.Single(plan.Decisions.OfType<Withdraw>()).Workload.Value);
        Assert.Null(cluster["victim"].Pods[0].Notice);
    }

    [Fact]
    public void Lowering_a_quota_preempts_nothing_by_itself_and_makes_it_first_victim()
    {
        var cluster = new LivingCluster(
            Make.Nodes(1), Make.Tree(Make.Tenant("a", 8), Make.Tenant("b", 0)), [Make.Waiting("a1", "a", EightGpus)]);
        cluster.Cycle();

        cluster.Tenants = Make.Tree(Make.Tenant("a", 2, burst: 2), Make.Tenant("b", 6));
        Assert.Empty(cluster.Cycle().Decisions.OfType<Evict>());

        cluster.Submit(Make.Waiting("b1", "b", OneGpu));
        Assert.Equal("a1", Assert.Single(cluster.Cycle().Decisions.OfType<Evict>()).Workload.Value);
    }

    /// <summary>Two nodes full of work that tenant b borrowed from the guarantee of tenant a.</summary>
    private static LivingCluster Borrowed(params Workload[] running) =>
        new(Make.Nodes(2), Make.Tree(Make.Tenant("a", 16), Make.Tenant("b", 0, burst: 16)), running);
}
