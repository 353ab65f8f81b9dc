using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Core.Tests.Planning;

/// <summary>
/// Plans written by hand that break one promise about reclaim, reservations or idle room, and beside each the nearest good
/// one: the validator must find the first and pass the second.
/// </summary>
public class PlanValidatorVictimTests
{
    private static readonly PodShape OneGpu = Make.Shape(gpus: 1);
    private static readonly PodShape FourGpus = Make.Shape(gpus: 4);
    private static readonly PodShape EightGpus = Make.Shape(gpus: 8);

    /// <summary>b is inside its guarantee with what it started first, and has borrowed the other half, which a now claims.</summary>
    private static readonly ClusterSnapshot Claimed = Make.Snapshot(
        Make.Nodes(1),
        Make.Tree(Make.Tenant("a", 4), Make.Tenant("b", 4)),
        Running("b1", "b", FourGpus, "h100-000", 0, minutes: 60),
        Running("b2", "b", FourGpus, "h100-000", 4, minutes: 30),
        Make.Waiting("claim", "a", FourGpus));

    private static readonly Plan Reclaiming = PlanOf(Claimed, Evict("b2", "claim"), Keep("claim", "h100-000", 4, 4));

    [Fact]
    public void A_claim_inside_the_guarantee_has_room_made_for_it()
    {
        Assert.Empty(Check(Claimed, Reclaiming));
        Expect("W3", Claimed, PlanOf(Claimed));
    }

    [Fact]
    public void A_claim_that_is_held_back_may_wait()
    {
        var held = Make.Snapshot(Claimed.Nodes, Claimed.Tenants, Claimed.Workloads.Select(workload =>
            workload.Id.Value == "claim" ? workload with { Hold = Hold.Backoff } : workload));

        Assert.Empty(Check(held, PlanOf(held)));
    }

    [Fact]
    public void A_claim_beyond_the_guarantee_may_wait()
    {
        var beyond = Make.Snapshot(
            Claimed.Nodes, Make.Tree(Make.Tenant("a", 3), Make.Tenant("b", 4)), Claimed.Workloads);

        Assert.Empty(Check(beyond, PlanOf(beyond)));
    }

    [Fact]
    public void Guaranteed_standing_is_not_taken_by_others() =>
        Expect("W4", Claimed, PlanOf(Claimed, Evict("b1", "claim"), Keep("claim", "h100-000", 0, 4)));

    [Fact]
    public void Guarantees_that_hardware_does_not_cover_are_counted_as_scaled_down()
    {
        // Three of the four GPUs are left for guarantees of four and four: b's first is on burst now.
        var degraded = Make.Snapshot(
            [Make.Node("n", gpus: 8, quarantined: [4, 5, 6, 7])],
            Claimed.Tenants,
            Running("b1", "b", Make.Shape(gpus: 3), "n", 0, minutes: 60),
            Make.Waiting("claim", "a", OneGpu));

        Assert.DoesNotContain(
            Check(degraded, PlanOf(degraded, Evict("b1", "claim"), Keep("claim", "n", 0, 1))), violation => violation.Invariant == "W4");
    }

    [Fact]
    public void What_may_not_be_preempted_is_not()
    {
        var snapshot = With(Claimed, "b2", workload => workload with { IsManaged = false });

        Expect("W4", snapshot, Reclaiming);
    }

    [Fact]
    public void Inside_a_tenant_equal_priority_is_not_taken()
    {
        var snapshot = Inside(victimPriority: 5);
        var plan = PlanOf(snapshot, Evict("low", "high", EvictionCause.Priority), Keep("high", "h100-000", 0, 4));
        Expect("W5", snapshot, plan);

        Assert.Empty(Check(Inside(victimPriority: 4), plan));

        static ClusterSnapshot Inside(int victimPriority) => Make.Snapshot(
            Make.Nodes(1, gpus: 4),
            Make.Tree(Make.Tenant("a", 4, burst: 0)),
            Running("low", "a", FourGpus, "h100-000", 0, minutes: 60, priority: victimPriority),
            Make.Waiting("high", "a", FourGpus, priority: 5));
    }

    [Fact]
    public void Inference_is_not_taken_where_training_is_enough()
    {
        var snapshot = Make.Snapshot(
            Make.Nodes(1),
            Make.Tree(Make.Tenant("a", 4), Make.Tenant("b", 0, burst: 8)),
            Running("inference", "b", FourGpus, "h100-000", 0, minutes: 60, priority: 10_000),
            Running("training", "b", FourGpus, "h100-000", 4, minutes: 60, priority: 1_000),
            Make.Waiting("claim", "a", FourGpus));

        Expect("W5", snapshot, PlanOf(snapshot, Evict("inference", "claim"), Keep("claim", "h100-000", 0, 4)));
        Assert.Empty(Check(snapshot, PlanOf(snapshot, Evict("training", "claim"), Keep("claim", "h100-000", 4, 4))));
    }

    [Fact]
    public void Nobody_goes_in_vain()
    {
        var snapshot = Make.Snapshot(
            Make.Nodes(1),
            Make.Tree(Make.Tenant("a", 4), Make.Tenant("b", 0, burst: 8)),
            Running("b1", "b", FourGpus, "h100-000", 0, minutes: 60),
            Running("b2", "b", FourGpus, "h100-000", 4, minutes: 60),
            Make.Waiting("claim", "a", FourGpus));

        Expect("W6", snapshot, PlanOf(snapshot, Evict("b1", "claim"), Evict("b2", "claim"), Keep("claim", "h100-000", 0, 4)));
        Assert.Empty(Check(snapshot, PlanOf(snapshot, Evict("b1", "claim"), Keep("claim", "h100-000", 0, 4))));
    }

    [Fact]
    public void An_elastic_gang_loses_no_more_surplus_than_needed()
    {
        var snapshot = Make.Snapshot(
            Make.Nodes(1),
            Make.Tree(Make.Tenant("a", 4), Make.Tenant("b", 0, burst: 8)),
            Running("elastic", "b", Make.Shape(gpus: 2), "h100-000", 0, minutes: 60, pods: 4, minMember: 1),
            Make.Waiting("claim", "a", FourGpus));

        Expect("W6", snapshot, PlanOf(snapshot, Evict("elastic", "claim", pods: [1, 2, 3]), Keep("claim", "h100-000", 4, 4)));
        Assert.Empty(Check(snapshot, PlanOf(snapshot, Evict("elastic", "claim", pods: [2, 3]), Keep("claim", "h100-000", 4, 4))));
    }

    [Fact]
    public void A_gang_is_not_left_in_pieces()
    {
        var snapshot = Make.Snapshot(
            Make.Nodes(1),
            Make.Tree(Make.Tenant("a", 4), Make.Tenant("b", 0, burst: 8)),
            Running("gang", "b", Make.Shape(gpus: 2), "h100-000", 0, minutes: 60, pods: 4, minMember: 4),
            Make.Waiting("claim", "a", FourGpus));

        Expect("W8", snapshot, PlanOf(snapshot, Evict("gang", "claim", pods: [2, 3]), Keep("claim", "h100-000", 4, 4)));
        Assert.Empty(Check(snapshot, PlanOf(snapshot, Evict("gang", "claim", pods: [0, 1, 2, 3]), Keep("claim", "h100-000", 4, 4))));
    }

    [Fact]
    public void Grace_is_neither_cut_nor_stretched()
    {
        var late = Evict("b2", "claim") with { Deadline = Make.Now.AddMinutes(1) };

        Expect("W3", Claimed, PlanOf(Claimed, late, Keep("claim", "h100-000", 4, 4)));
        Assert.Empty(Check(
            With(Claimed, "b2", workload => workload with { PreemptionGrace = TimeSpan.FromMinutes(1) }),
            PlanOf(Claimed, late, Keep("claim", "h100-000", 4, 4))));
    }

    [Fact]
    public void Nobody_is_told_to_leave_twice()
    {
        Expect("W9", Claimed, PlanOf(Claimed, Evict("b2", "claim"), Evict("b2", "claim"), Keep("claim", "h100-000", 4, 4)));
        Expect("W9", Noticed(), Reclaiming);
        Assert.Empty(Check(Noticed(), PlanOf(Claimed, Keep("claim", "h100-000", 4, 4))));
    }

    [Fact]
    public void Who_does_not_run_cannot_be_told_to_leave() =>
        Expect("W6", Claimed, PlanOf(Claimed, Evict("b2", "claim"), Evict("claim", "claim"), Keep("claim", "h100-000", 4, 4)));

    [Fact]
    public void A_notice_that_was_not_given_cannot_be_taken_back()
    {
        Expect("W9", Claimed, PlanOf(Claimed, Evict("b2", "claim"), TakeBack("b1"), Keep("claim", "h100-000", 4, 4)));

        var needless = Make.Snapshot(Claimed.Nodes, Claimed.Tenants, Noticed().Workloads.Where(workload => workload.Id.Value != "claim"));
        Assert.Empty(Check(needless, PlanOf(needless, TakeBack("b2"))));
    }

    [Fact]
    public void Evictions_come_before_binds()
    {
        var snapshot = Make.Snapshot(
            [.. Make.Nodes(1), Make.Node("spare", gpus: 1)], Claimed.Tenants,
            [.. Claimed.Workloads, Make.Waiting("other", "b", Make.Shape(gpus: 1, selector: [("is", "spare")]))]);
        snapshot = Make.Snapshot(
            [snapshot.Nodes[0], Make.Node("spare", gpus: 1, labels: [("is", "spare")])], snapshot.Tenants, snapshot.Workloads);
        var bind = new Bind(new WorkloadId("other"))
        {
            Pods = [new PodBinding(new PodId("other/000"), new NodeName("spare"), [0])],
            Standing = Standing.Burst,
            PodsLeftWaiting = 0,
        };

        Expect("W1", snapshot, PlanOf(snapshot, bind, Evict("b2", "claim"), Keep("claim", "h100-000", 4, 4)));
        Assert.Empty(Check(snapshot, PlanOf(snapshot, Evict("b2", "claim"), Keep("claim", "h100-000", 4, 4), bind)));
    }

    [Fact]
    public void Kept_room_is_there_once_all_have_left() =>
        Expect("W1", Claimed, PlanOf(Claimed, Evict("b2", "claim"), Keep("claim", "h100-000", 3, 4)));

    [Fact]
    public void Kept_room_is_on_healthy_devices() => Expect(
        "W1",
        Make.Snapshot([Make.Node("h100-000", quarantined: [7])], Claimed.Tenants, Claimed.Workloads),
        Reclaiming);

    [Fact]
    public void No_GPU_is_idle_that_somebody_may_use()
    {
        var snapshot = Idle(burst: 1);
        Expect("W7", snapshot, PlanOf(snapshot));

        Assert.Empty(Check(Idle(burst: 0), PlanOf(snapshot)));
        Assert.Empty(Check(Idle(burst: 1, lending: 0), PlanOf(snapshot)));
        Assert.Empty(Check(With(snapshot, "more", workload => workload with { IsPreemptible = false }), PlanOf(snapshot)));

        static ClusterSnapshot Idle(double burst, double? lending = null) => Make.Snapshot(
            Make.Nodes(1, gpus: 2),
            Make.Tree(Make.Tenant("a", 1, burst), Make.Tenant("b", 1, lending: lending)),
            Running("first", "a", OneGpu, "h100-000", 0, minutes: 60),
            Make.Waiting("more", "a", OneGpu));
    }

    [Fact]
    public void A_gang_of_equal_pods_is_counted_over_all_nodes()
    {
        var snapshot = Gang(pods: 4);
        Expect("W7", snapshot, PlanOf(snapshot));
        Assert.Empty(Check(Gang(pods: 5), PlanOf(Gang(pods: 5))));

        // Four GPUs are free on each of two nodes, but three do not go into four twice.
        static ClusterSnapshot Gang(int pods) => Make.Snapshot(
            Make.Nodes(2, gpus: 7), Make.Tree(Make.Tenant("a", 0, burst: 20)), Make.Waiting("gang", "a", Make.Shape(gpus: 3), pods));
    }

    [Fact]
    public void Room_that_is_kept_is_not_idle()
    {
        var snapshot = Make.Snapshot(
            Make.Nodes(1), Make.Tree(Make.Tenant("a", 8), Make.Tenant("b", 0, burst: 8)),
            Running("b1", "b", FourGpus, "h100-000", 0, minutes: 60),
            Make.Waiting("claim", "a", EightGpus),
            Make.Waiting("more", "b", OneGpu));

        Assert.Empty(Check(snapshot, PlanOf(snapshot, Evict("b1", "claim"), Keep("claim", "h100-000", 0, 8))));
    }

    [Fact]
    public void A_backfilled_workload_delays_no_reservation()
    {
        var plan = PlanOf(Backfill(null), Promise("big", 8, minutes: 30), Start("small", 4));

        Expect("W13", Backfill(null), plan);
        Expect("W13", Backfill(TimeSpan.FromMinutes(31)), plan);
        Assert.Empty(Check(Backfill(TimeSpan.FromMinutes(30)), plan));
        Assert.Empty(Check(With(Backfill(null), "small", workload => workload with { Priority = -1 }), plan));
        Expect("W13", With(Backfill(null), "small", workload => workload with { Priority = -1, PreemptionGrace = TimeSpan.FromHours(1) }), plan);
        Expect("W13", With(Backfill(null), "small", workload => workload with { Priority = -1, MinRuntime = TimeSpan.FromHours(1) }), plan);
    }

    [Fact]
    public void A_reservation_counts_on_nothing_whose_end_is_unknown()
    {
        var snapshot = With(Backfill(null), "half", workload => workload with { ExpectedDuration = null });

        Expect("W13", snapshot, PlanOf(snapshot, Promise("big", 8, minutes: 30)));
    }

    private static ClusterSnapshot Backfill(TimeSpan? duration) => Make.Snapshot(
        Make.Nodes(1),
        Make.Tree(Make.Tenant("a", 8)),
        Running("half", "a", FourGpus, "h100-000", 0, minutes: 30) with { ExpectedDuration = TimeSpan.FromHours(1) },
        Make.Waiting("big", "a", EightGpus),
        Make.Waiting("small", "a", OneGpu, submittedMinutesAgo: 1) with { ExpectedDuration = duration });

    private static ClusterSnapshot Noticed() => With(Claimed, "b2", workload => workload with
    {
        Pods = [.. workload.Pods.Select(pod => pod with { Notice = new PreemptionNotice(new WorkloadId("claim"), Make.Now) })],
    });

    private static ClusterSnapshot With(ClusterSnapshot snapshot, string id, Func<Workload, Workload> change) => Make.Snapshot(
        snapshot.Nodes, snapshot.Tenants, snapshot.Workloads.Select(workload => workload.Id.Value == id ? change(workload) : workload));

    private static Workload Running(
        string name, string tenant, PodShape shape, string node, int firstDevice, int minutes, int pods = 1, int? minMember = null, int priority = 0) =>
        Make.Waiting(name, tenant, shape, pods, minMember, priority, minutes).RunningOn(node, firstDevice);

    private static Evict Evict(string workload, string beneficiary, EvictionCause cause = EvictionCause.Guarantee, int[]? pods = null) =>
        new(new WorkloadId(workload))
        {
            Pods = [.. (pods ?? [0]).Select(pod => PodOf(workload, pod))],
            Beneficiary = new WorkloadId(beneficiary),
            Cause = cause,
            LostMilliGpuSeconds = 0,
            Deadline = Make.Now,
        };

    private static Withdraw TakeBack(string workload) => new(new WorkloadId(workload)) { Pods = [PodOf(workload, 0)] };

    private static Reserve Keep(string workload, string node, int firstDevice, int devices) => new(new WorkloadId(workload))
    {
        Kind = ReservationKind.Nomination,
        Pods = [At(workload, node, firstDevice, devices)],
        From = Make.Now,
    };

    private static Reserve Promise(string workload, int devices, int minutes) => new(new WorkloadId(workload))
    {
        Kind = ReservationKind.Timed,
        Pods = [At(workload, "h100-000", 0, devices)],
        From = Make.Now.AddMinutes(minutes),
    };

    private static Bind Start(string workload, int device) => new(new WorkloadId(workload))
    {
        Pods = [At(workload, "h100-000", device, 1)],
        Standing = Standing.Guaranteed,
        PodsLeftWaiting = 0,
    };

    private static PodBinding At(string workload, string node, int firstDevice, int devices) =>
        new(PodOf(workload, 0), new NodeName(node), [.. Enumerable.Range(firstDevice, devices)]);

    private static PodId PodOf(string workload, int pod) => new($"{workload}/{pod:000}");

    /// <summary>The decisions, and a wait for everything else that is pending.</summary>
    private static Plan PlanOf(ClusterSnapshot snapshot, params Decision[] decisions)
    {
        var bound = decisions.OfType<Bind>().Select(bind => bind.Workload).ToHashSet();
        return new Plan
        {
            Generation = snapshot.Generation,
            Accounts = [],
            Decisions =
            [
                .. decisions,
                .. snapshot.Workloads.Where(workload => workload.IsPending && !bound.Contains(workload.Id)).Select(workload => new Wait(workload.Id)
                {
                    Reason = WaitReason.InsufficientGpu,
                    Message = "it waits",
                    Place = default,
                    Explanation = Explanation.NotExamined,
                }),
            ],
        };
    }

    private static ImmutableArray<InvariantViolation> Check(ClusterSnapshot snapshot, Plan plan) =>
        PlanValidator.Check(snapshot, SchedulingPolicy.Default, plan);

    private static void Expect(string invariant, ClusterSnapshot snapshot, Plan plan)
    {
        var violations = Check(snapshot, plan);
        Assert.NotEmpty(violations);
        Assert.All(violations, violation => Assert.Equal(invariant, violation.Invariant));
    }
}
