using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.Daemon.Kubernetes.Wire;

namespace Scheduler.Daemon.Kubernetes.Mapping;

/// <summary>A Tenant object as read: the tenant, and what in it cannot be read.</summary>
internal sealed record TenantRecord(
    Tenant Tenant, string Name, string Uid, long Generation, ImmutableArray<ConfigurationError> Errors, TenantStatus? Status);

/// <summary>A PodGroup as read.</summary>
internal sealed record PodGroupRecord(string Namespace, string Name, int MinMember);

/// <summary>A Workload object as read: its pod groups, each with the pods that must start together; 1 where each may start alone.</summary>
internal sealed record WorkloadRecord(string Namespace, string Name, ImmutableArray<(string PodGroup, int MinMember)> Groups);

/// <summary>From Tenant, PodGroup and Workload objects to the model. Pure.</summary>
internal static class TenantMapping
{
    public static TenantRecord Map(TenantObject source)
    {
        var errors = ImmutableArray.CreateBuilder<ConfigurationError>();
        var name = source.Metadata.Name ?? "";
        var path = $"tenant/{name}";
        var spec = source.Spec;
        var quotas = ImmutableArray.CreateBuilder<FlavorQuota>();
        for (var index = 0; index < (spec.Quotas?.Count ?? 0); index++)
            quotas.Add(Quota(spec.Quotas![index], $"{path}.quotas[{index}]", errors));
        var tenant = new Tenant
        {
            Id = new TenantId(name),
            Parent = string.IsNullOrEmpty(spec.Parent) ? null : new TenantId(spec.Parent),
            Namespaces = [.. spec.Namespaces ?? []],
            Quotas = quotas.ToImmutable(),
            Weight = spec.Weight,
            Order = Order(spec.Order, $"{path}.order", errors),
            IsSuspended = spec.Suspended == true,
            SharesDevices = spec.SharesDevices == true,
            NodePool = (spec.NodePool ?? []).ToImmutableSortedDictionary(StringComparer.Ordinal),
        };
        return new TenantRecord(tenant, name, source.Metadata.Uid ?? "", source.Metadata.Generation ?? 0, errors.ToImmutable(), source.Status);
    }

    public static PodGroupRecord Map(PodGroupObject source) => new(
        source.Metadata.Namespace ?? "", source.Metadata.Name ?? "", Math.Max(1, source.Spec.MinMember ?? 1));

    public static WorkloadRecord Map(WorkloadObject source) => new(
        source.Metadata.Namespace ?? "", source.Metadata.Name ?? "",
        [.. (source.Spec.PodGroups ?? []).Select(group => (group.Name ?? "", Math.Max(1, group.Policy?.Gang?.MinCount ?? 1)))]);

    /// <summary>LeastAttained needs GPU-time that is counted over restarts, which the daemon does not do yet.</summary>
    private static QueueOrder Order(string? text, string path, ImmutableArray<ConfigurationError>.Builder errors)
    {
        switch (text)
        {
            case null or "" or nameof(QueueOrder.Submitted):
                return QueueOrder.Submitted;
            case nameof(QueueOrder.ShortestExpected):
                return QueueOrder.ShortestExpected;
            default:
                errors.Add(new(path, $"is '{text}'; it must be Submitted or ShortestExpected"));
                return QueueOrder.Submitted;
        }
    }

    private static FlavorQuota Quota(TenantQuota quota, string path, ImmutableArray<ConfigurationError>.Builder errors) => new()
    {
        Flavor = new FlavorId(quota.Flavor ?? ""),
        GuaranteedMilliGpu = Amount(quota.Guaranteed, $"{path}.guaranteed", errors) ?? 0,
        BurstMilliGpu = Amount(quota.Burst, $"{path}.burst", errors),
        LendingLimitMilliGpu = Amount(quota.LendingLimit, $"{path}.lendingLimit", errors),
    };

    private static long? Amount(QuantityText? text, string path, ImmutableArray<ConfigurationError>.Builder errors)
    {
        if (text is not { } given)
            return null;
        if (Quantity.TryParse(given.Text, out var quantity) && quantity.IsWholeMilli && quantity.Nano <= (Int128)1_000_000_000 * 1_000_000_000)
            return (long)(quantity.Nano / 1_000_000);
        errors.Add(new ConfigurationError(path, $"'{given.Text}' is not a number of GPUs such as 8, 0.5 or 500m, in steps of 0.001"));
        return null;
    }
}
