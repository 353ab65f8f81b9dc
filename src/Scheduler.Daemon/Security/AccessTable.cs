using System.Collections.Frozen;
using Weir.V1;

namespace Scheduler.Daemon.Security;

/// <summary>
/// Who may call which method: one line for each. A method that has none is refused to everybody. docs/access.md is made from this table
/// and the roles in deploy/base/roles.yaml, by a test.
/// </summary>
internal static class AccessTable
{
    public static FrozenDictionary<string, AccessRule> Rules { get; } = new Dictionary<string, AccessRule>(StringComparer.Ordinal)
    {
        ["/weir.v1.QueueService/GetPosition"] = new(AccessScope.Namespace, "queues", "get", request => NamespaceOf((GetPositionRequest)request)),
        ["/weir.v1.QueueService/WatchPosition"] = new(AccessScope.Namespace, "queues", "watch", request => NamespaceOf((GetPositionRequest)request)),
        ["/weir.v1.QueueService/ListQueue"] = new(AccessScope.Filtered, "queues", "list"),
        ["/weir.v1.TenantService/ListTenants"] = new(AccessScope.Cluster, "tenantusages", "list"),
        ["/weir.v1.TenantService/GetTenant"] = new(AccessScope.Cluster, "tenantusages", "get"),
        ["/weir.v1.ExportService/ExportCluster"] = new(AccessScope.Cluster, "exports", "get"),
        ["/weir.v1.ClusterService/ListGpus"] = new(AccessScope.Cluster, "gpus", "list"),
        ["/weir.v1.ClusterService/QuarantineGpu"] = new(AccessScope.Cluster, "gpus", "update", HasEffect: true),
        ["/weir.v1.ClusterService/ReleaseGpu"] = new(AccessScope.Cluster, "gpus", "update", HasEffect: true),
        ["/grpc.health.v1.Health/Check"] = new(AccessScope.Anybody),
        ["/grpc.health.v1.Health/Watch"] = new(AccessScope.Anybody),
        ["/grpc.health.v1.Health/List"] = new(AccessScope.Anybody),
        ["/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"] = new(AccessScope.Authenticated),
        ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] = new(AccessScope.Authenticated),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>A workload is NAMESPACE/KIND/NAME.</summary>
    private static string? NamespaceOf(GetPositionRequest request) => request.TargetCase switch
    {
        GetPositionRequest.TargetOneofCase.Pod => request.Pod.Namespace,
        GetPositionRequest.TargetOneofCase.Workload => request.Workload.Split('/', 2)[0],
        _ => null,
    };
}
