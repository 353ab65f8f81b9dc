using System.Text.Json;
using Scheduler.Core.Model;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Kubernetes.Wire;

namespace Scheduler.Daemon.Tests.Mapping;

public class ClusterMappingTests
{
    [Fact]
    public void A_gpu_node_is_read_whole()
    {
        var node = Node("""
            {"metadata":{"name":"n1","labels":{"nvidia.com/gpu.product":"H100","zone":"a"}},
             "spec":{"taints":[{"key":"gpu","value":"yes","effect":"NoSchedule"},{"key":"odd","effect":"Never"}]},
             "status":{"allocatable":{"cpu":"7900m","memory":"64Gi","pods":"250","nvidia.com/gpu":"4","ephemeral-storage":"10Gi","rdma/hca":"2"},
                       "conditions":[{"type":"MemoryPressure","status":"False"},{"type":"Ready","status":"True"}]}}
            """);
        Assert.Equal(new ResourceVector(7900, 68_719_476_736, 10_737_418_240), node.Allocatable);
        Assert.Equal([0, 1, 2, 3], node.Devices.Select(device => device.Index));
        Assert.Equal(("H100", 250, true, false), (node.Flavor.Value, node.MaxPods, node.IsReady, node.IsCordoned));
        Assert.Equal([TaintEffect.NoSchedule, TaintEffect.NoSchedule], node.Taints.Select(taint => taint.Effect));
        Assert.Equal(new ScalarResource("rdma/hca", 2), Assert.Single(node.Scalars));
    }

    [Fact]
    public void Mig_instances_are_read_by_profile()
    {
        var node = Node("""{"metadata":{"name":"n"},"status":{"allocatable":{"nvidia.com/mig-1g.5gb":"7","nvidia.com/mig-odd":"1","nvidia.com/gpu":"0"}}}""");
        Assert.Equal([new MigCapacity("1g.5gb", 7)], node.MigCapacities);
        Assert.Empty(node.Devices);
        Assert.Equal(FlavorId.Unlabelled, node.Flavor);
    }

    [Theory]
    [InlineData("""{"metadata":{"name":"n"},"status":{}}""", false, false)]
    [InlineData("""{"metadata":{"name":"n"},"status":{"conditions":[{"type":"Ready","status":"Unknown"}]}}""", false, false)]
    [InlineData("""{"metadata":{"name":"n"},"spec":{"unschedulable":true},"status":{"conditions":[{"type":"Ready","status":"True"}]}}""", true, true)]
    [InlineData("""{"metadata":{"name":"n","deletionTimestamp":"2026-01-01T00:00:00Z"},"status":{"conditions":[{"type":"Ready","status":"True"}]}}""", true, true)]
    public void Readiness_and_cordon_are_read(string json, bool isReady, bool isCordoned)
    {
        var node = Node(json);
        Assert.Equal((isReady, isCordoned), (node.IsReady, node.IsCordoned));
    }

    [Fact]
    public void A_tenant_is_read_in_milli_gpu()
    {
        var record = Tenant("""
            {"metadata":{"name":"search","uid":"u","generation":3},
             "spec":{"parent":"ml","namespaces":["s1"],"weight":2,"suspended":true,"sharesDevices":true,"nodePool":{"pool":"a"},
                     "quotas":[{"flavor":"H100","guaranteed":8,"burst":"1500m","lendingLimit":"0.5"},{"flavor":"*"}]}}
            """);
        Assert.Empty(record.Errors);
        Assert.Equal(new TenantId("ml"), record.Tenant.Parent);
        Assert.Equal((8000L, (long?)1500, (long?)500),
            (record.Tenant.Quotas[0].GuaranteedMilliGpu, record.Tenant.Quotas[0].BurstMilliGpu, record.Tenant.Quotas[0].LendingLimitMilliGpu));
        Assert.Equal((0L, (long?)null), (record.Tenant.Quotas[1].GuaranteedMilliGpu, record.Tenant.Quotas[1].BurstMilliGpu));
        Assert.True(record.Tenant is { IsSuspended: true, SharesDevices: true, Weight: 2 });
    }

    [Fact]
    public void Every_amount_that_cannot_be_read_is_an_error_with_its_path()
    {
        var record = Tenant("""
            {"metadata":{"name":"t"},"spec":{"quotas":[{"flavor":"*","guaranteed":"many","burst":"0.0001"},{"flavor":"a","lendingLimit":"1e30"}]}}
            """);
        Assert.Equal(["tenant/t.quotas[0].guaranteed", "tenant/t.quotas[0].burst", "tenant/t.quotas[1].lendingLimit"],
            record.Errors.Select(error => error.Path));
    }

    private static Node Node(string json) =>
        NodeMapping.Map(JsonSerializer.Deserialize(json, WireJson.Default.NodeObject)!, Annotations.DefaultFlavorLabel);

    private static TenantRecord Tenant(string json) => TenantMapping.Map(JsonSerializer.Deserialize(json, WireJson.Default.TenantObject)!);
}
