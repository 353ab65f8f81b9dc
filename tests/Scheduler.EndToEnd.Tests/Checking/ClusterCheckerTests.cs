using k8s.Models;
using Scheduler.EndToEnd.Tests.Openb;
using Xunit;

namespace Scheduler.EndToEnd.Tests.Checking;

/// <summary>Every kind of violation is planted once and must be found; a cluster in order must pass.</summary>
public sealed class ClusterCheckerTests
{
    private static readonly TenantLimit TenantA = new("team-a", ["a"], "*", 4000);
    private static readonly TenantLimit TenantB = new("team-b", ["b"], "*", 4000);
    private static readonly IReadOnlyList<TenantLimit> Tenants = [TenantA, TenantB];
    private readonly List<V1Node> _nodes = [OpenbObjects.Node(new OpenbNode("n1", 8000, 16, 2, "T4"))];

    [Fact]
    public void A_cluster_in_order_has_no_violations()
    {
        V1Pod[] pods =
        [
            Bound("a", "whole", Gpu(1), "0"), Bound("a", "half", Gpu(1, 500), "1"), Bound("a", "other-half", Gpu(1, 500), "1"),
            Waiting("b", "late", Gpu(1)),
        ];
        Assert.Empty(ClusterChecker.Violations(pods, _nodes, Tenants));
        Assert.Empty(ClusterChecker.FitsButWaits(pods, _nodes, Tenants));
    }

    [Fact]
    public void More_CPU_than_there_is_is_found() =>
        Finds("8001m CPU given of 8000m", Bound("a", "one", Cpu(8000)), Bound("a", "two", Cpu(1)));

    [Fact]
    public void More_memory_than_there_is_is_found() =>
        Finds("bytes given of 16777216", Bound("a", "one", new OpenbPod("x", 1, 17, 0, 0, [], "LS")));

    [Fact]
    public void More_pods_than_there_may_be_are_found() =>
        Finds("111 pods on a node for 110", [.. Enumerable.Range(0, 111).Select(i => Bound("a", $"p{i}", Cpu(1, memory: 0)))]);

    [Fact]
    public void A_whole_device_given_twice_is_found() =>
        Finds("2000 thousandths of device 0 given to a/one a/two", Bound("a", "one", Gpu(1), "0"), Bound("a", "two", Gpu(1), "0"));

    [Fact]
    public void Fractions_that_are_more_than_the_device_are_found() =>
        Finds("1010 thousandths of device 1", Bound("a", "one", Gpu(1, 510), "1"), Bound("a", "two", Gpu(1, 500), "1"));

    [Fact]
    public void A_fraction_on_a_device_that_is_given_whole_is_found() =>
        Finds("1100 thousandths of device 0", Bound("a", "one", Gpu(1), "0"), Bound("a", "two", Gpu(1, 100), "0"));

    [Fact]
    public void A_pod_that_names_too_few_devices_is_found() => Finds("needs 2 devices of node n1 and names 1", Bound("a", "one", Gpu(2), "0"));

    [Fact]
    public void A_pod_that_names_no_devices_is_found() => Finds("needs 1 devices of node n1 and names 0", Bound("a", "one", Gpu(1, 250)));

    [Fact]
    public void A_device_that_the_node_does_not_have_is_found() => Finds("names device '2', and node n1 has 2", Bound("a", "one", Gpu(1), "2"));

    [Fact]
    public void A_device_named_twice_is_found() => Finds("names a device of node n1 twice", Bound("a", "one", Gpu(2), "1,1"));

    [Fact]
    public void A_device_shared_by_tenants_that_do_not_allow_it_is_found() =>
        Finds("shared by the tenants team-a team-b", Bound("a", "one", Gpu(1, 300), "0"), Bound("b", "two", Gpu(1, 300), "0"));

    [Fact]
    public void A_device_shared_by_tenants_that_both_allow_it_is_in_order()
    {
        V1Pod[] pods = [Bound("a", "one", Gpu(1, 300), "0"), Bound("b", "two", Gpu(1, 300), "0")];
        Assert.Empty(ClusterChecker.Violations(pods, _nodes, [TenantA with { SharesDevices = true }, TenantB with { SharesDevices = true }]));
        Assert.Single(ClusterChecker.Violations(pods, _nodes, [TenantA with { SharesDevices = true }, TenantB]));
    }

    [Fact]
    public void A_node_that_does_not_exist_is_found() => Finds("on node n2, which does not exist", Bound("a", "one", Cpu(1), node: "n2"));

    [Fact]
    public void A_node_that_the_pod_does_not_select_is_found() =>
        Finds("on node n1, which it does not select", Bound("a", "one", Gpu(1) with { Models = ["V100M16", "A10"] }, "0"));

    [Fact]
    public void A_tenant_above_its_limit_is_found()
    {
        V1Pod[] pods = [Bound("a", "one", Gpu(1), "0"), Bound("a", "two", Gpu(1, 200), "1")];
        var found = ClusterChecker.Violations(pods, _nodes, [TenantA with { LimitMilliGpu = 1199 }, TenantB]);
        Assert.Contains("tenant team-a uses 1200 thousandths", Assert.Single(found), StringComparison.Ordinal);
        Assert.Empty(ClusterChecker.Violations(pods, _nodes, [TenantA with { LimitMilliGpu = 1200 }, TenantB]));
    }

    [Fact]
    public void A_limit_of_a_flavor_counts_that_flavor_only()
    {
        V1Pod[] pods = [Bound("a", "one", Gpu(2), "0,1")];
        Assert.Empty(ClusterChecker.Violations(pods, _nodes, [TenantA, TenantA with { Flavor = "A10", LimitMilliGpu = 0 }]));
        Assert.Single(ClusterChecker.Violations(pods, _nodes, [TenantA, TenantA with { Flavor = "T4", LimitMilliGpu = 1000 }]));
    }

    [Theory]
    [InlineData(null, "message")]
    [InlineData("LimitReached", null)]
    [InlineData("LimitReached", "")]
    public void A_waiting_pod_that_does_not_say_why_is_found(string? reason, string? message)
    {
        var pod = Waiting("a", "one", Gpu(8));
        (pod.Status.Conditions[0].Reason, pod.Status.Conditions[0].Message) = (reason, message);
        Finds("a/one waits and does not say why", pod);
        pod.Status.Conditions.Clear();
        Finds("a/one waits and does not say why", pod);
    }

    [Fact]
    public void A_pod_that_has_ended_takes_nothing_and_one_that_is_leaving_still_does()
    {
        var (ended, next) = (Bound("a", "one", Gpu(1), "0"), Bound("a", "two", Gpu(1), "0"));
        ended.Status = new() { Phase = "Succeeded" };
        Assert.Empty(ClusterChecker.Violations([ended, next], _nodes, Tenants));
        ended.Status = new() { Phase = "Running" };
        ended.Metadata.DeletionTimestamp = DateTime.UnixEpoch;
        Assert.Single(ClusterChecker.Violations([ended, next], _nodes, Tenants));
    }

    [Fact]
    public void A_waiting_pod_that_fits_is_found_whatever_it_asks_for()
    {
        V1Pod[] running = [Bound("a", "whole", Gpu(1), "0"), Bound("a", "part", Gpu(1, 600), "1")];
        Assert.Single(ClusterChecker.FitsButWaits([.. running, Waiting("a", "cpu", Cpu(7000))], _nodes, Tenants));
        Assert.Single(ClusterChecker.FitsButWaits([.. running, Waiting("a", "fraction", Gpu(1, 400))], _nodes, Tenants));
        Assert.Single(ClusterChecker.FitsButWaits([running[0], Waiting("a", "one", Gpu(1))], _nodes, Tenants));
    }

    [Fact]
    public void A_waiting_pod_that_does_not_fit_may_wait()
    {
        V1Pod[] running = [Bound("a", "whole", Gpu(1), "0"), Bound("a", "part", Gpu(1, 600), "1")];
        Waits(running, Waiting("a", "too-much", Gpu(1, 401)));
        Waits(running, Waiting("b", "not-shared", Gpu(1, 400)));
        Waits(running, Waiting("a", "whole", Gpu(1)));
        Waits(running, Waiting("a", "cpu", Cpu(8000)));
        Waits([], Waiting("a", "model", Gpu(1) with { Models = ["A10"] }));
        Waits([], Waiting("c", "no-tenant", Gpu(1)));
    }

    [Fact]
    public void A_waiting_pod_whose_tenant_is_at_its_limit_may_wait_and_one_just_below_may_not()
    {
        V1Pod[] pods = [Bound("a", "one", Gpu(1), "0"), Waiting("a", "two", Gpu(1))];
        Assert.Empty(ClusterChecker.FitsButWaits(pods, _nodes, [TenantA with { LimitMilliGpu = 1999 }]));
        Assert.Single(ClusterChecker.FitsButWaits(pods, _nodes, [TenantA with { LimitMilliGpu = 2000 }]));
    }

    [Fact]
    public void A_node_that_is_closed_has_no_room()
    {
        var pod = Waiting("a", "one", Gpu(1));
        Assert.Single(ClusterChecker.FitsButWaits([pod], _nodes, Tenants));
        _nodes[0].Spec = new() { Unschedulable = true };
        Assert.Empty(ClusterChecker.FitsButWaits([pod], _nodes, Tenants));
        _nodes[0].Spec = new() { Taints = [new() { Key = "k", Value = "v", Effect = "NoSchedule" }] };
        Assert.Empty(ClusterChecker.FitsButWaits([pod], _nodes, Tenants));
        pod.Spec.Tolerations = [new() { Key = "k", OperatorProperty = "Equal", Value = "v", Effect = "NoSchedule" }];
        Assert.Single(ClusterChecker.FitsButWaits([pod], _nodes, Tenants));
        _nodes[0].Status.Conditions[0].Status = "False";
        Assert.Empty(ClusterChecker.FitsButWaits([pod], _nodes, Tenants));
    }

    [Fact]
    public void A_pod_may_wait_before_room_that_is_kept_for_another_while_a_third_leaves()
    {
        var (leaving, beneficiary, other) = (Bound("a", "leaving", Gpu(1), "0"), Waiting("a", "both", Gpu(2)), Waiting("a", "one", Gpu(1)));
        leaving.Metadata.DeletionTimestamp = DateTime.UnixEpoch;
        beneficiary.Metadata.Annotations[OpenbObjects.Reservation] = "n1:0,1";
        other.Status.Conditions[0].Reason = "ReservedForOthers";
        Waits([leaving, beneficiary], other);

        void Found() => Assert.Equal([$"pod a/one waits ({other.Status.Conditions[0].Reason}), and node n1 has room for it"], ClusterChecker.FitsButWaits([leaving, beneficiary, other], _nodes, Tenants));
        leaving.Metadata.DeletionTimestamp = null;
        Found();
        leaving.Metadata.Annotations[OpenbObjects.PreemptBy] = "2026-01-01T00:00:00Z";
        Waits([leaving, beneficiary], other);
        beneficiary.Metadata.Annotations[OpenbObjects.Reservation] = "n2:0,1";
        Found();
        beneficiary.Metadata.Annotations[OpenbObjects.Reservation] = "n1:0,1";
        other.Status.Conditions[0].Reason = "InsufficientGpu";
        Found();
    }

    [Fact]
    public void A_pod_may_wait_where_what_is_kept_for_its_tenant_comes_to_the_limit()
    {
        var (leaving, beneficiary, other) = (Bound("b", "leaving", Gpu(1), "0"), Waiting("a", "kept", Gpu(1)), Waiting("a", "one", Gpu(1)));
        leaving.Metadata.DeletionTimestamp = DateTime.UnixEpoch;
        beneficiary.Metadata.Annotations[OpenbObjects.Reservation] = "n1:0";
        other.Status.Conditions[0].Reason = "LimitReached";
        V1Pod[] pods = [leaving, beneficiary, other];
        bool Waits(int limit) => !ClusterChecker.FitsButWaits(pods, _nodes, [TenantA with { LimitMilliGpu = limit }]).Any(found => found.Contains("a/one"));
        Assert.True(Waits(1999));
        Assert.False(Waits(2000));
        leaving.Metadata.DeletionTimestamp = null;
        Assert.False(Waits(1999));
    }

    private void Finds(string expected, params V1Pod[] pods) =>
        Assert.Contains(ClusterChecker.Violations(pods, _nodes, Tenants), found => found.Contains(expected, StringComparison.Ordinal));

    private void Waits(V1Pod[] running, V1Pod waiting) => Assert.Empty(ClusterChecker.FitsButWaits([.. running, waiting], _nodes, Tenants));

    private static OpenbPod Gpu(int count, int milli = 1000) => new("x", 1, 1, count, milli, [], "LS");

    private static OpenbPod Cpu(int milli, int memory = 1) => new("x", milli, memory, 0, 0, [], "LS");

    private static V1Pod Bound(string space, string name, OpenbPod shape, string? devices = null, string node = "n1")
    {
        var pod = OpenbObjects.Pod(shape with { Name = name }, space);
        if (devices is not null) pod.Metadata.Annotations[OpenbObjects.GpuDevices] = devices;
        pod.Spec.NodeName = node;
        pod.Status = new() { Phase = "Running" };
        return pod;
    }

    private static V1Pod Waiting(string space, string name, OpenbPod shape)
    {
        var pod = OpenbObjects.Pod(shape with { Name = name }, space);
        pod.Status = new() { Phase = "Pending", Conditions = [new() { Type = "PodScheduled", Status = "False", Reason = "InsufficientGpu", Message = "none free" }] };
        return pod;
    }
}
