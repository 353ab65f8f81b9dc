using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Core.Model;

namespace Scheduler.Core.Quota;

/// <summary>The rules that a set of tenants must meet to be a tree, each with its message.</summary>
internal static class TenantValidation
{
    /// <summary>The largest quota that is taken: a million GPUs. Keeps every sum far from overflow.</summary>
    private const long MaxMilliGpu = 1_000_000L * GpuRequest.MilliPerDevice;

    public static ImmutableArray<ConfigurationError> Check(
        ImmutableArray<Tenant> sorted, out ImmutableSortedDictionary<string, string> namespaces)
    {
        var errors = ImmutableArray.CreateBuilder<ConfigurationError>();
        var byId = new Dictionary<TenantId, Tenant>();
        foreach (var tenant in sorted)
        {
            if (!byId.TryAdd(tenant.Id, tenant))
            {
                errors.Add(new(PathOf(tenant), "is defined twice; give each tenant its own name"));
            }
        }

        var parents = sorted.Where(tenant => tenant.Parent is not null).Select(tenant => tenant.Parent!.Value).ToHashSet();
        foreach (var tenant in sorted)
        {
            CheckFields(tenant, errors);
            CheckParent(tenant, byId, errors);
            if (parents.Contains(tenant.Id) && !tenant.Namespaces.IsEmpty)
            {
                errors.Add(new($"{PathOf(tenant)}.namespaces",
                    "only a leaf owns namespaces, and this tenant has others below it; move them to one of those"));
            }
        }

        namespaces = CheckNamespaces(sorted, errors);
        if (errors.Count == 0)
        {
            CheckGuarantees(sorted, errors);
        }

        return errors.ToImmutable();
    }

    public static ImmutableArray<ConfigurationError> CheckCapacity(TenantTree tree, IReadOnlyDictionary<FlavorId, long> capacity)
    {
        var errors = ImmutableArray.CreateBuilder<ConfigurationError>();
        var tops = tree.Nodes.Where(node => node.Parent is null).ToArray();
        var flavors = tops.SelectMany(FlavorsBelow).Where(flavor => flavor != FlavorId.Any).Distinct().Order();
        foreach (var flavor in flavors)
        {
            var guaranteed = tops.Sum(top => GuaranteedBelow(top, flavor));
            var installed = capacity.TryGetValue(flavor, out var milli) ? milli : 0;
            if (guaranteed > installed)
            {
                errors.Add(new($"flavor/{flavor}",
                    $"the guarantees add up to {Gpus(guaranteed)} GPUs, but the cluster has {Gpus(installed)}; "
                    + $"lower {Names(tops.Where(top => GuaranteedBelow(top, flavor) > 0))} or add nodes"));
            }
        }

        var total = tops.Sum(top => top.TotalGuaranteedMilliGpu);
        var all = capacity.Values.Sum();
        if (total > all)
        {
            errors.Add(new("flavor/*",
                $"the guarantees add up to {Gpus(total)} GPUs, but the cluster has {Gpus(all)}; "
                + $"lower {Names(tops.Where(top => top.TotalGuaranteedMilliGpu > 0))} or add nodes"));
        }

        return errors.ToImmutable();
    }

    /// <summary>The guarantee on a flavor by name: the tenant's own, else the sum of its children's.</summary>
    public static long GuaranteedBelow(TenantNode node, FlavorId flavor) =>
        node.QuotaFor(flavor)?.GuaranteedMilliGpu ?? node.Children.Sum(child => GuaranteedBelow(child, flavor));

    private static IEnumerable<FlavorId> FlavorsBelow(TenantNode node) =>
        node.Tenant.Quotas.Select(quota => quota.Flavor).Concat(node.Children.SelectMany(FlavorsBelow));

    private static void CheckFields(Tenant tenant, ImmutableArray<ConfigurationError>.Builder errors)
    {
        var path = PathOf(tenant);
        if (tenant.Id.Value.Length is 0 or > 253)
        {
            errors.Add(new(path, "a tenant's name has 1 to 253 characters"));
        }

        if (tenant.Weight is < 1 or > 1_000_000)
        {
            errors.Add(new($"{path}.weight", $"is {tenant.Weight}; it must be from 1 to 1000000"));
        }

        var seen = new HashSet<FlavorId>();
        for (var index = 0; index < tenant.Quotas.Length; index++)
        {
            var quota = tenant.Quotas[index];
            var quotaPath = $"{path}.quotas[{index}]";
            if (quota.Flavor.Value.Length == 0)
            {
                errors.Add(new($"{quotaPath}.flavor", "is empty; name a GPU flavor, or \"*\" for any"));
            }
            else if (!seen.Add(quota.Flavor))
            {
                errors.Add(new($"{quotaPath}.flavor", $"'{quota.Flavor}' has two quotas; keep one"));
            }

            CheckAmount($"{quotaPath}.guaranteed", quota.GuaranteedMilliGpu, errors);
            CheckAmount($"{quotaPath}.burst", quota.BurstMilliGpu ?? 0, errors);
            CheckAmount($"{quotaPath}.lendingLimit", quota.LendingLimitMilliGpu ?? 0, errors);
        }

        CheckFlavorsAgainstAny(tenant, errors);
    }

    private static void CheckFlavorsAgainstAny(Tenant tenant, ImmutableArray<ConfigurationError>.Builder errors)
    {
        var any = tenant.Quotas.FirstOrDefault(quota => quota.Flavor == FlavorId.Any);
        var named = tenant.Quotas.Where(quota => quota.Flavor != FlavorId.Any).Sum(quota => Math.Max(0, quota.GuaranteedMilliGpu));
        if (any is not null && named > any.GuaranteedMilliGpu && any.GuaranteedMilliGpu >= 0)
        {
            errors.Add(new($"{PathOf(tenant)}.quotas",
                $"the guarantees by flavor add up to {Gpus(named)} GPUs, more than the {Gpus(any.GuaranteedMilliGpu)} of \"*\"; "
                + "both apply, so raise \"*\" or lower the others"));
        }
    }

    private static void CheckAmount(string path, long milliGpu, ImmutableArray<ConfigurationError>.Builder errors)
    {
        if (milliGpu < 0)
        {
            errors.Add(new(path, $"is negative ({Gpus(milliGpu)}); it must be 0 or more"));
        }
        else if (milliGpu > MaxMilliGpu)
        {
            errors.Add(new(path, $"is {Gpus(milliGpu)} GPUs; the most is {Gpus(MaxMilliGpu)}"));
        }
    }

    private static void CheckParent(
        Tenant tenant, Dictionary<TenantId, Tenant> byId, ImmutableArray<ConfigurationError>.Builder errors)
    {
        if (tenant.Parent is not { } parent)
        {
            return;
        }

        if (!byId.ContainsKey(parent))
        {
            errors.Add(new($"{PathOf(tenant)}.parent", $"there is no tenant '{parent}'; define it or leave the field out"));
            return;
        }

        var above = byId.GetValueOrDefault(parent);
        for (var steps = 0; above is not null && steps <= byId.Count; steps++)
        {
            if (above.Id == tenant.Id)
            {
                errors.Add(new($"{PathOf(tenant)}.parent", "the tenant is above itself; break the circle"));
                return;
            }

            above = above.Parent is { } next ? byId.GetValueOrDefault(next) : null;
        }
    }

    private static ImmutableSortedDictionary<string, string> CheckNamespaces(
        ImmutableArray<Tenant> sorted, ImmutableArray<ConfigurationError>.Builder errors)
    {
        var owners = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var tenant in sorted)
        {
            for (var index = 0; index < tenant.Namespaces.Length; index++)
            {
                var name = tenant.Namespaces[index];
                if (owners.TryGetValue(name, out var owner))
                {
                    errors.Add(new($"{PathOf(tenant)}.namespaces[{index}]",
                        owner == tenant.Id.Value
                            ? $"'{name}' is listed twice; keep one"
                            : $"'{name}' belongs to tenant '{owner}' already; a namespace has one tenant"));
                }
                else
                {
                    owners[name] = tenant.Id.Value;
                }
            }
        }

        return owners.ToImmutable();
    }

    private static void CheckGuarantees(ImmutableArray<Tenant> sorted, ImmutableArray<ConfigurationError>.Builder errors)
    {
        var children = sorted.Where(tenant => tenant.Parent is not null).ToLookup(tenant => tenant.Parent!.Value);
        foreach (var tenant in sorted.Where(tenant => children.Contains(tenant.Id)))
        {
            for (var index = 0; index < tenant.Quotas.Length; index++)
            {
                var quota = tenant.Quotas[index];
                var below = children[tenant.Id].Sum(child => Guaranteed(child, quota.Flavor, children));
                if (below > quota.GuaranteedMilliGpu)
                {
                    errors.Add(new($"{PathOf(tenant)}.quotas[{index}].guaranteed",
                        $"is {Gpus(quota.GuaranteedMilliGpu)} GPUs of '{quota.Flavor}', less than the {Gpus(below)} that its children "
                        + $"({string.Join(", ", children[tenant.Id].Select(child => child.Id.Value))}) are guaranteed; raise it or lower theirs"));
                }
            }
        }
    }

    private static long Guaranteed(Tenant tenant, FlavorId flavor, ILookup<TenantId, Tenant> children)
    {
        var own = tenant.Quotas.FirstOrDefault(quota => quota.Flavor == flavor);
        if (own is not null)
        {
            return own.GuaranteedMilliGpu;
        }

        if (flavor == FlavorId.Any && !tenant.Quotas.IsEmpty)
        {
            return tenant.Quotas.Sum(quota => quota.GuaranteedMilliGpu);
        }

        return children[tenant.Id].Sum(child => Guaranteed(child, flavor, children));
    }

    private static string PathOf(Tenant tenant) => $"tenant/{tenant.Id}";

    private static string Names(IEnumerable<TenantNode> nodes) => string.Join(", ", nodes.Select(node => $"tenant '{node.Id}'"));

    private static string Gpus(long milliGpu) => GpuAmount.Format(milliGpu);
}

/// <summary>Writes milli-GPU as people read it.</summary>
public static class GpuAmount
{
    /// <summary>GPUs with up to three digits after the point: <c>8</c>, <c>0.5</c>, <c>-1.25</c>.</summary>
    public static string Format(long milliGpu) =>
        (milliGpu / (decimal)GpuRequest.MilliPerDevice).ToString("0.###", NumberFormatInfo.InvariantInfo);
}
