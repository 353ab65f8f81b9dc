using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.Daemon.Loop;
using Scheduler.Daemon.Security;
using Weir.V1;
using Wire = Weir.V1;

namespace Scheduler.Daemon.Api;

/// <summary>weir.v1.TenantService over the published cycles.</summary>
internal sealed class TenantApi(ReadModel readModel) : TenantService.TenantServiceBase
{
    public override async Task<ListTenantsResponse> ListTenants(ListTenantsRequest request, ServerCallContext context)
    {
        var cycle = ApiMapping.CurrentOrUnavailable(readModel);
        var response = new ListTenantsResponse { AsOf = Timestamp.FromDateTimeOffset(cycle.Snapshot.Now) };
        var sees = await CallerAccess.Of(context).SeesQueuesAsync(
            cycle.Snapshot.Tenants.Nodes.SelectMany(node => node.Tenant.Namespaces), context.CancellationToken).ConfigureAwait(false);
        foreach (var node in cycle.Snapshot.Tenants.Nodes)
            response.Tenants.Add(Numbers(node, cycle, sees));
        response.Refused.AddRange(cycle.Tenants
            .Where(tenant => !tenant.IsAccepted)
            .Select(tenant => new RefusedTenant { Name = tenant.Name, Message = tenant.Message }));
        return response;
    }

    public override async Task<Wire.Tenant> GetTenant(GetTenantRequest request, ServerCallContext context)
    {
        if (request.Name.Length == 0)
            throw QueueApi.Invalid("name is empty; give the name of a tenant");
        var cycle = ApiMapping.CurrentOrUnavailable(readModel);
        if (cycle.Snapshot.Tenants.TryGet(new TenantId(request.Name), out var node))
        {
            return Numbers(node, cycle, await CallerAccess.Of(context).SeesQueuesAsync(node.Tenant.Namespaces, context.CancellationToken).ConfigureAwait(false));
        }

        var refused = cycle.Tenants.FirstOrDefault(tenant => tenant.Name == request.Name && !tenant.IsAccepted);
        throw new RpcException(new Status(StatusCode.NotFound, refused is null
            ? $"there is no tenant '{request.Name}'"
            : $"tenant '{request.Name}' is not in force: {refused.Message}"));
    }

    /// <summary>Numbers are for everybody who may call; the names of namespaces for those who see their queues.</summary>
    private static Wire.Tenant Numbers(TenantNode node, PublishedCycle cycle, Func<string, bool> sees)
    {
        var tenant = ApiMapping.Tenant(node, cycle.Plan.Accounts[node.Index]);
        tenant.Namespaces.Clear();
        tenant.Namespaces.AddRange(node.Tenant.Namespaces.Where(sees));
        return tenant;
    }
}
