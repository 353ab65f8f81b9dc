using System.Text.Json.Nodes;
using k8s.Models;
using Scheduler.TestKit;

namespace Scheduler.EndToEnd.Tests.Checking;

/// <summary>What a tenant may use at most of one flavor ("*" is any GPU), read from its custom resource.</summary>
public sealed record TenantLimit(string Tenant, IReadOnlyList<string> Namespaces, string Flavor, long LimitMilliGpu, bool SharesDevices = false)
{
    /// <summary>Whether a device of this product counts against the limit.</summary>
    public bool Covers(string product) => Flavor == "*" || Flavor == product;

    /// <summary>The limits of a Tenant object, one for each of its quotas: guaranteed + burst, where burst is twice the guarantee unless it is given.</summary>
    public static IEnumerable<TenantLimit> Of(JsonNode tenant)
    {
        var spaces = tenant.At("spec.namespaces")?.AsArray().Select(item => item!.GetValue<string>()).ToList() ?? [];
        var shares = tenant.TextAt("spec.sharesDevices") == "true";
        foreach (var quota in tenant.At("spec.quotas")?.AsArray() ?? [])
        {
            var guaranteed = Milli(quota.TextAt("guaranteed")) ?? 0;
            var burst = Milli(quota.TextAt("burst")) ?? 2 * guaranteed;
            yield return new TenantLimit(tenant.TextAt("metadata.name")!, spaces, quota.TextAt("flavor")!, guaranteed + burst, shares);
        }
    }

    private static long? Milli(string? quantity) => quantity is null ? null : (long)(new ResourceQuantity(quantity).ToDecimal() * 1000);
}
