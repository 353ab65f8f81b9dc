using Scheduler.Core.Model;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Kubernetes.Wire;
using Scheduler.Daemon.Tests.Support;
using static Scheduler.Daemon.Tests.Support.CacheFixture;

namespace Scheduler.Daemon.Tests.Cache;

/// <summary>What did not change is the same object in the next snapshot: the planner works out anew only what is another one.</summary>
public class IdentityTests
{
    private static readonly (string, string)[] Gang = [("pod-group", "g"), ("min-member", "1"), ("gpu-devices", "0")];

    [Fact]
    public void What_did_not_change_keeps_its_object_over_a_relist_an_unrelated_event_and_a_heartbeat()
    {
        var fixture = Filled();
        var before = fixture.Cache.View().Snapshot;
        fixture.Cache.Tenants.Replace([Tenant("team", "ns", 100)]);
        fixture.Cache.Nodes.Replace([Node("n0", 2), Node("n1", 2)]);
        fixture.Cache.Pods.Replace(Everything());
        AssertSame(before, fixture.Cache.View().Snapshot);
        fixture.Cache.Nodes.Upsert(Node("n0", 2));
        AssertSame(before, fixture.Cache.View().Snapshot);

        fixture.Cache.Pods.Upsert(Pod("unrelated", 2));
        var after = fixture.Cache.View().Snapshot;
        Assert.Equal(before.Workloads.Length + 1, after.Workloads.Length);
        Assert.All(before.Workloads, workload => Assert.Same(workload, Find(after, workload.Id)));
        Assert.Equal(before.Nodes, after.Nodes, ReferenceEqualityComparer.Instance);
    }

    [Fact]
    public void A_change_that_was_taken_back_between_two_snapshots_leaves_the_objects_as_they_were()
    {
        var fixture = Filled();
        var before = fixture.Cache.View().Snapshot;
        fixture.Cache.Nodes.Upsert(Node("n0", 2, isReady: false));
        fixture.Cache.Nodes.Upsert(Node("n0", 2));
        fixture.Cache.Pods.Delete(Pod("waiting"));
        fixture.Cache.Pods.Upsert(Pod("waiting"));
        fixture.Cache.Tenants.Upsert(Tenant("team", "ns", 100, generation: 3));
        AssertSame(before, fixture.Cache.View().Snapshot);
    }

    [Fact]
    public void Of_a_gang_only_the_pod_that_changed_is_another_object()
    {
        var fixture = Filled();
        var before = Find(fixture.Cache.View().Snapshot, new WorkloadId("ns/podgroup/g"))!;
        fixture.Cache.PlaceUnderNotice(new PodId("uid-g1"), new Notice(fixture.Time.GetUtcNow(), "ns/pod/waiting"));
        var after = Find(fixture.Cache.View().Snapshot, before.Id)!;
        Assert.NotSame(before, after);
        Assert.Same(before.Pods[0], after.Pods[0]);
        Assert.NotSame(before.Pods[1], after.Pods[1]);
    }

    [Fact]
    public void Another_pod_of_a_daemon_is_another_node_and_the_same_one_again_is_not()
    {
        var fixture = Filled();
        var before = fixture.Cache.View().Snapshot.Nodes;
        fixture.Cache.Pods.Upsert(DaemonPod("agent2", "n1"));
        var after = fixture.Cache.View().Snapshot.Nodes;
        Assert.Same(before[0], after[0]);
        Assert.Equal((1, 1), (before[0].PodsOfOthers, after[1].PodsOfOthers));
    }

    [Fact]
    public void The_mix_is_another_object_only_after_many_arrivals()
    {
        var fixture = Filled();
        var before = fixture.Cache.View().Snapshot.Mix;
        for (var index = 0; index < ShapeStatistics.LeastNews - 1; index++)
            fixture.Cache.Pods.Upsert(Pods.Map(Pods.Requests("\"cpu\":\"1\""), [("gpu-fraction", "0.3")], $"p{index}"));
        Assert.Same(before, fixture.Cache.View().Snapshot.Mix);
        fixture.Cache.Pods.Upsert(Pods.Map(Pods.Requests("\"cpu\":\"1\""), [("gpu-fraction", "0.3")], "last"));
        var after = fixture.Cache.View().Snapshot.Mix;
        Assert.NotEqual(before, after);
        // Room for one of these is worth more than before.
        Assert.True(after.Waste(300) < before.Waste(300));
        // A pod that changes has not arrived.
        for (var index = 0; index < 200; index++)
            fixture.Cache.Pods.Upsert(Pods.Map(Pods.Requests("\"cpu\":\"1\""), [("gpu-fraction", "0.3")], "last"));
        Assert.Same(after, fixture.Cache.View().Snapshot.Mix);
    }

    [Fact]
    public void The_number_of_shapes_that_are_counted_is_bounded_and_what_is_frequent_survives()
    {
        var counted = new ShapeStatistics();
        for (var index = 0; index < 500; index++)
            counted.Arrived(PodShape.Create(new ResourceVector(1000, 0), GpuRequest.Fraction(300)));
        for (var index = 0; index < 3 * ShapeStatistics.MaxShapes; index++)
            counted.Arrived(PodShape.Create(new ResourceVector(index + 1, 0), GpuRequest.Whole(1)));
        var mix = counted.Mix([]);
        Assert.True(mix.Waste(300) < Core.Scoring.ShapeMix.Assume([]).Waste(300));
    }

    private static CacheFixture Filled()
    {
        var fixture = new CacheFixture(nodes: 2);
        fixture.Cache.Pods.Replace(Everything());
        return fixture;
    }

    private static PodRecord[] Everything() =>
    [
        Pod("waiting"), Placed("running", "n0"), DaemonPod("agent", "n0"),
        .. new[] { "g0", "g1" }.Select(name => Pods.Map("\"nodeName\":\"n1\"," + Pods.Gpus(1), [.. Gang, ("preemptible", "true")], name)),
    ];

    private static PodRecord DaemonPod(string name, string node) => PodMapping.Map(
        System.Text.Json.JsonSerializer.Deserialize($$"""
            {"metadata":{"name":"{{name}}","namespace":"kube-system","uid":"uid-{{name}}","creationTimestamp":"2026-01-01T00:00:00Z"},
             "spec":{"schedulerName":"default-scheduler","nodeName":"{{node}}",{{Pods.Requests("\"cpu\":\"1\"")}} },"status":{} }
            """, WireJson.Default.PodObject)!, Pods.Settings);

    private static Workload? Find(ClusterSnapshot snapshot, WorkloadId id) => snapshot.TryGetWorkload(id, out var found) ? found : null;

    private static void AssertSame(ClusterSnapshot a, ClusterSnapshot b)
    {
        Assert.Equal(a.Nodes, b.Nodes, ReferenceEqualityComparer.Instance);
        Assert.Equal(a.Workloads, b.Workloads, ReferenceEqualityComparer.Instance);
        Assert.Same(a.Tenants, b.Tenants);
        Assert.Same(a.Mix, b.Mix);
    }
}
