using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Tests.Support;

namespace Scheduler.Daemon.Tests.Constraints;

/// <summary>What the cache knows of the pods beside a pod.</summary>
public class NeighbourCacheTests
{
    private readonly CacheFixture _fixture = new(nodes: 2);

    private const string Port80 = """
        "containers":[{"name":"c","ports":[{"hostPort":80}],"resources":{"requests":{"nvidia.com/gpu":"1"}}}]
        """;

    [Fact]
    public void Pods_of_other_schedulers_without_gpus_are_neighbours()
    {
        _fixture.Cache.Pods.Upsert(Pods.Map(
            """
            "schedulerName":"default-scheduler","nodeName":"n0","containers":[{"name":"c","ports":[{"hostPort":80}]}]
            """, name: "other", meta: """ "labels":{"app":"x"} """));
        _fixture.Cache.Pods.Upsert(Pods.Map(Port80));
        var other = Assert.Single(_fixture.Cache.View().Snapshot.Nodes[0].Others);
        Assert.Equal("x", other.Labels.Find("app"));
        Assert.Equal("n1", _fixture.PlanOneBind().Pods[0].Node.Value);
    }

    [Fact]
    public void A_port_that_was_taken_since_the_plan_refuses_the_binding()
    {
        _fixture.Cache.Pods.Upsert(Pods.Map(Port80));
        var bind = _fixture.PlanOneBind();
        _fixture.Cache.Pods.Upsert(Pods.Map($"\"schedulerName\":\"other\",\"nodeName\":\"{bind.Pods[0].Node}\"," + Port80, name: "other"));
        Assert.Contains("port 80", _fixture.Cache.TryAssume(bind, out _), StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_of_namespaces_reach_the_planner()
    {
        _fixture.Cache.Namespaces.Upsert(new NamespaceRecord("ns", LabelSet.Of([KeyValuePair.Create("team", "blue")])));
        Assert.Equal("blue", _fixture.Cache.View().Snapshot.Namespaces["ns"].Find("team"));
        _fixture.Cache.Namespaces.Delete(new NamespaceRecord("ns", LabelSet.Empty));
        Assert.Empty(_fixture.Cache.View().Snapshot.Namespaces);
    }

    [Fact]
    public void A_gang_that_never_preempts_is_one_of_which_a_pod_never_does()
    {
        (string, string)[] gang = [("pod-group", "g"), ("min-member", "2")];
        _fixture.Cache.Pods.Upsert(Pods.Map(Pods.Gpus(1), gang, "a"));
        _fixture.Cache.Pods.Upsert(Pods.Map("\"preemptionPolicy\":\"Never\"," + Pods.Gpus(1), gang, "b"));
        Assert.False(Assert.Single(_fixture.Cache.View().Snapshot.Workloads).MayPreempt);
    }

    [Fact]
    public void The_size_of_a_gang_comes_from_its_workload_object()
    {
        const string Of = """
            "workloadRef":{"name":"train","podGroup":"workers"},
            """;
        _fixture.Cache.Pods.Upsert(Pods.Map(Of + Pods.Gpus(1), name: "a"));
        _fixture.Cache.Pods.Upsert(Pods.Map(Of + Pods.Gpus(1), name: "b"));
        Assert.Contains("no Workload with that pod group", _fixture.Cache.View().Blocked[0].Message, StringComparison.Ordinal);
        _fixture.Cache.Workloads.Upsert(new WorkloadRecord("ns", "train", [("workers", 3), ("driver", 1)]));
        Assert.Equal(WaitReason.GangIncomplete, Assert.Single(_fixture.Plan().Decisions.OfType<Wait>()).Reason);
        _fixture.Cache.Workloads.Replace([new WorkloadRecord("ns", "train", [("workers", 2)])]);
        Assert.Equal(2, _fixture.PlanOneBind().Pods.Length);
        var generation = _fixture.Cache.Generation;
        _fixture.Cache.Workloads.Replace([new WorkloadRecord("ns", "train", [("workers", 2)])]);
        Assert.Equal(generation, _fixture.Cache.Generation);
        _fixture.Cache.Workloads.Delete(new WorkloadRecord("ns", "train", []));
        Assert.Equal(2, _fixture.Cache.View().Blocked.Length);
    }
}
