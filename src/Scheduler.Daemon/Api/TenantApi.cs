using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Scheduler.Core.Model;
using Scheduler.Daemon.Loop;
using Weir.V1;
using Wire = Weir.V1;

namespace Scheduler.Daemon.Api;

/// <summary>weir.v1.TenantService over the published cycles.</summary>
internal sealed class TenantApi(ReadModel readModel) : TenantService.TenantServiceBase
{
    public override Task<ListTenantsResponse> ListTenants(ListTenantsRequest request, ServerCallContext context)
    {
        var cycle = ApiMapping.CurrentOrUnavailable(readModel);
        var response = new ListTenantsResponse { AsOf = Timestamp.FromDateTimeOffset(cycle.Snapshot.Now) };
        foreach (var node in cycle.Snapshot.Tenants.Nodes)
            response.Tenants.Add(ApiMapping.Tenant(node, cycle.Plan.Accounts[node.Index]));
        response.Refused.AddRange(cycle.Tenants
            .Where(tenant => !tenant.IsAccepted)
            .Select(tenant => new RefusedTenant { Name = tenant.Name, Message = tenant.Message }));
        return Task.FromResult(response);
    }

    public override Task<Wire.Tenant> GetTenant(GetTenantRequest request, ServerCallContext context)
    {
        if (request.Name.Length == 0)
            throw QueueApi.Invalid("name is empty; give the name of a tenant");
        var cycle = ApiMapping.CurrentOrUnavailable(readModel);
        if (cycle.Snapshot.Tenants.TryGet(new TenantId(request.Name), out var node))
            return Task.FromResult(ApiMapping.Tenant(node, cycle.Plan.Accounts[node.Index]));
        var refused = cycle.Tenants.FirstOrDefault(tenant => tenant.Name == request.Name && !tenant.IsAccepted);
        throw new RpcException(new Status(StatusCode.NotFound, refused is null
            ? $"there is no tenant '{request.Name}'"
            : $"tenant '{request.Name}' is not in force: {refused.Message}"));
    }
}
