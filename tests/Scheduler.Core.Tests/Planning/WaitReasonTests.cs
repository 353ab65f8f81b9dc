using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Core.Tests.Planning;

/// <summary>Each reason that the planner can give so far, in the smallest cluster that gives it.</summary>
public class WaitReasonTests
{
    private static readonly PodShape OneGpu = Make.Shape(gpus: 1);

    [Fact]
    public void Unknown_tenant() => Expect(
        WaitReason.TenantUnknown, "no tenant owns the namespace 'nobody'", Make.Nodes(1), Make.Tree(), Make.Waiting("x", "nobody", OneGpu));

    [Fact]
    public void Suspended_tenant_above() => Expect(
        WaitReason.TenantSuspended, "tenant 'top' is suspended", Make.Nodes(1),
        Make.Tree(Make.Tenant("top", 8, isSuspended: true, namespaces: []), Make.Tenant("a", 8, parent: "top")),
        Make.Waiting("x", "a", OneGpu));

    [Fact]
    public void Incomplete_gang() => Expect(
        WaitReason.GangIncomplete, "the gang needs 4 pods and 3 exist", Make.Nodes(1), OneTenant(),
        Make.Waiting("x", "a", OneGpu, pods: 3, minMember: 4));

    [Fact]
    public void Backoff() => Expect(
        WaitReason.Backoff, "failed repeatedly", Make.Nodes(1), OneTenant(), Make.Waiting("x", "a", OneGpu, hold: Hold.Backoff));

    [Fact]
    public void Pending_volume() => Expect(
        WaitReason.VolumePending, "volume", Make.Nodes(1), OneTenant(), Make.Waiting("x", "a", OneGpu, hold: Hold.VolumePending));

    [Fact]
    public void Limit_that_can_never_be_met() => Expect(
        WaitReason.LimitReached, "it can never start like this", Make.Nodes(1), Make.Tree(Make.Tenant("a", 1, burst: 1)),
        Make.Waiting("x", "a", Make.Shape(gpus: 3)));

    [Fact]
    public void No_node_has_that_many_gpus() => Expect(
        WaitReason.FlavorUnavailable, "no node has that kind of GPU", Make.Nodes(1, gpus: 4), OneTenant(),
        Make.Waiting("x", "a", Make.Shape(gpus: 8)));

    [Fact]
    public void No_quota_for_the_only_flavor() => Expect(
        WaitReason.FlavorUnavailable, "no quota for H100", Make.Nodes(1), Make.Tree(Make.Tenant("a", 4, flavor: "A100")),
        Make.Waiting("x", "a", OneGpu));

    [Fact]
    public void Inside_the_guarantee_but_nothing_free() => Expect(
        WaitReason.InsufficientGpu, "0 GPUs are free", Make.Nodes(1, gpus: 1), Make.Tree(Make.Tenant("a", 1), Make.Tenant("b", 0, burst: 1)),
        Make.Waiting("x", "a", OneGpu), Make.Waiting("other", "b", OneGpu).RunningOn("h100-000") with { IsManaged = false });

    [Fact]
    public void Beyond_the_guarantee_and_others_use_the_rest() => Expect(
        WaitReason.BurstPoolBusy, "beyond the guarantee of tenant 'a'", Make.Nodes(1, gpus: 1),
        Make.Tree(Make.Tenant("a", 0, burst: 1), Make.Tenant("b", 1)),
        Make.Waiting("x", "a", OneGpu), Make.Waiting("other", "b", OneGpu).RunningOn("h100-000"));

    [Fact]
    public void Enough_in_total_but_in_pieces() => Expect(
        WaitReason.Fragmented, "14 GPUs are free in total, but at most 7 on one node", Make.Nodes(2), Make.Tree(Make.Tenant("a", 16)),
        Make.Waiting("x", "a", Make.Shape(gpus: 8)),
        Make.Waiting("r1", "a", OneGpu).RunningOn("h100-000"), Make.Waiting("r2", "a", OneGpu).RunningOn("h100-001"));

    [Fact]
    public void Gpus_free_but_no_cpu() => Expect(
        WaitReason.NodeConstraints, "1 node has the GPUs free, but not the CPU", Make.Nodes(1), OneTenant(),
        Make.Waiting("x", "a", Make.Shape(gpus: 1, milliCpu: 65_000)));

    [Fact]
    public void Selector_that_no_node_matches() => Expect(
        WaitReason.NodeConstraints, "1 do not match its node selector", Make.Nodes(1), OneTenant(),
        Make.Waiting("x", "a", Make.Shape(gpus: 1, selector: [("zone", "mars")])));

    [Fact]
    public void Sick_gpus_would_have_been_enough() => Expect(
        WaitReason.GpuQuarantined, "1 more are out of service", [Make.Node("n", gpus: 1, quarantined: [0])],
        Make.Tree(Make.Tenant("a", 0, burst: 8)), Make.Waiting("x", "a", OneGpu));

    [Fact]
    public void Failed_hardware_holds_the_guarantee_down() => Expect(
        WaitReason.GuaranteeDegraded, "failed hardware holds at 0 of 8 GPUs", [Make.Node("n", gpus: 1, quarantined: [0])], OneTenant(),
        Make.Waiting("x", "a", OneGpu));

    [Fact]
    public void What_may_not_be_preempted_waits_for_failed_hardware_too_and_not_for_a_higher_limit() => Expect(
        WaitReason.GuaranteeDegraded, "failed hardware holds at", [Make.Node("n", gpus: 3, quarantined: [0])],
        Make.Tree(Make.Tenant("a", 2), Make.Tenant("b", 1)),
        Make.Waiting("other", "a", OneGpu).RunningOn("n", firstDevice: 1) with { IsPreemptible = false },
        Make.Waiting("x", "a", OneGpu) with { IsPreemptible = false });

    [Fact]
    public void Room_is_being_made() => Expect(
        WaitReason.WaitingForVictims, "room is being made for it on h100-000", Make.Nodes(1, gpus: 1),
        Make.Tree(Make.Tenant("a", 1), Make.Tenant("b", 0, burst: 1)),
        Make.Waiting("x", "a", OneGpu), Make.Waiting("other", "b", OneGpu).RunningOn("h100-000"));

    [Fact]
    public void Room_is_kept_for_somebody_else() => Expect(
        WaitReason.ReservedForOthers, "kept for work that comes before", Make.Nodes(1, gpus: 2),
        Make.Tree(Make.Tenant("a", 2), Make.Tenant("b", 0, burst: 2)),
        Make.Waiting("first", "a", Make.Shape(gpus: 2)),
        Make.Waiting("other", "b", OneGpu).RunningOn("h100-000"),
        Make.Waiting("x", "b", OneGpu));

    [Fact]
    public void A_pod_without_gpus_that_fits_nowhere() => Expect(
        WaitReason.NodeConstraints, "1 short of CPU", Make.Nodes(1), OneTenant(),
        Make.Waiting("x", "a", Make.Shape(milliCpu: 65_000)));

    [Fact]
    public void An_empty_cluster() => Expect(
        WaitReason.NodeConstraints, "the cluster has no nodes", [], OneTenant(), Make.Waiting("x", "a", Make.Shape()));

    private static TenantTree OneTenant() => Make.Tree(Make.Tenant("a", 8));

    private static void Expect(
        WaitReason reason, string words, IEnumerable<Node> nodes, TenantTree tenants, params Workload[] workloads)
    {
        var snapshot = Make.Snapshot(nodes, tenants, workloads);
        var plan = Planner.Compute(snapshot, SchedulingPolicy.Default);

        Assert.Empty(PlanValidator.Check(snapshot, SchedulingPolicy.Default, plan));
        var wait = plan.Decisions.OfType<Wait>().Single(decision => decision.Workload.Value == "x");
        Assert.Equal(reason, wait.Reason);
        Assert.Contains(words, wait.Message, StringComparison.Ordinal);
    }
}
