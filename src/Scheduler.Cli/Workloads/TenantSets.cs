using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Cli.Workloads;

/// <summary>Tenants that nobody wrote, and tenants as objects to create.</summary>
internal static class TenantSets
{
    private const int GuaranteedPercent = 80;
    private static readonly string[] Names = ["tenant-a", "tenant-b", "tenant-c", "tenant-d"];

    /// <summary>
    /// Four tenants with equal guarantees that take about four fifths of the cluster, each with a burst of the same size:
    /// for a workload that comes without tenants.
    /// </summary>
    public static ImmutableArray<Tenant> Equal(NodeList nodes)
    {
        var each = nodes.MilliGpu * GuaranteedPercent / 100 / Names.Length / GpuRequest.MilliPerDevice * GpuRequest.MilliPerDevice;
        return
        [
            .. Names.Select(name => new Tenant
            {
                Id = new TenantId(name),
                Namespaces = [name],
                Quotas = [new FlavorQuota { Flavor = FlavorId.Any, GuaranteedMilliGpu = each, BurstMilliGpu = each }],
            }),
        ];
    }

    /// <summary>The Tenant object, as kubectl would apply it.</summary>
    public static JsonObject Manifest(Tenant tenant)
    {
        var spec = new JsonObject
        {
            ["quotas"] = new JsonArray([.. tenant.Quotas.Select(Quota)]),
        };
        if (tenant.Parent is { } parent)
        {
            spec["parent"] = parent.Value;
        }

        if (!tenant.Namespaces.IsEmpty)
        {
            spec["namespaces"] = new JsonArray([.. tenant.Namespaces.Select(name => (JsonNode)name)]);
        }

        if (tenant.Weight is { } weight)
        {
            spec["weight"] = weight;
        }

        if (tenant.Order != QueueOrder.Submitted)
        {
            spec["order"] = tenant.Order.ToString();
        }

        if (tenant.IsSuspended)
        {
            spec["suspended"] = true;
        }

        if (tenant.SharesDevices)
        {
            spec["sharesDevices"] = true;
        }

        if (!tenant.NodePool.IsEmpty)
        {
            spec["nodePool"] = new JsonObject(tenant.NodePool.Select(pair => KeyValuePair.Create<string, JsonNode?>(pair.Key, pair.Value)));
        }

        return new JsonObject
        {
            ["apiVersion"] = "weir.scheduler/v1",
            ["kind"] = "Tenant",
            ["metadata"] = new JsonObject { ["name"] = tenant.Id.Value },
            ["spec"] = spec,
        };
    }

    private static JsonNode Quota(FlavorQuota quota)
    {
        var amounts = new JsonObject { ["flavor"] = quota.Flavor.Value, ["guaranteed"] = GpuAmount.Format(quota.GuaranteedMilliGpu) };
        if (quota.BurstMilliGpu is { } burst)
        {
            amounts["burst"] = GpuAmount.Format(burst);
        }

        if (quota.LendingLimitMilliGpu is { } lending)
        {
            amounts["lendingLimit"] = GpuAmount.Format(lending);
        }

        return amounts;
    }
}
