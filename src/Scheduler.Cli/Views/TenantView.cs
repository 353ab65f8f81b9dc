using System.Collections.Immutable;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.Input;

namespace Scheduler.Cli.Views;

/// <summary>A tenant as it is shown, whether it comes from a cycle in this process or over gRPC. Amounts in milli-GPU.</summary>
internal sealed record TenantView
{
    public required string Name { get; init; }

    public string? Parent { get; init; }

    /// <summary>Tenants above it.</summary>
    public int Depth { get; init; }

    public required long GuaranteedMilli { get; init; }

    /// <summary>Guaranteed + burst; null where it has no limit of its own.</summary>
    public long? LimitMilli { get; init; }

    public long UsedGuaranteedMilli { get; init; }

    public long UsedBurstMilli { get; init; }

    public long PendingMilli { get; init; }

    public int PendingWorkloads { get; init; }

    public bool IsSuspended { get; init; }

    public long UsedMilli => UsedGuaranteedMilli + UsedBurstMilli;

    /// <summary>From the books of a cycle, in the order of the tree.</summary>
    public static ImmutableArray<TenantView> Of(TenantTree tree, ImmutableArray<TenantAccount> accounts)
    {
        var byId = accounts.ToDictionary(account => account.Tenant);
        return [.. tree.Nodes.Select(node => Of(node, byId.GetValueOrDefault(node.Id)))];
    }

    private static TenantView Of(TenantNode node, TenantAccount? account) => new()
    {
        Name = node.Id.Value,
        Parent = node.Parent?.Id.Value,
        Depth = DepthOf(node),
        GuaranteedMilli = node.TotalGuaranteedMilliGpu,
        LimitMilli = account is null ? LimitOf(node.Tenant) : account.Total.LimitMilliGpu ?? LimitOf(node.Tenant),
        UsedGuaranteedMilli = account?.Total.UsedGuaranteedMilliGpu ?? 0,
        UsedBurstMilli = account?.Total.UsedBurstMilliGpu ?? 0,
        PendingMilli = account?.Total.PendingMilliGpu ?? 0,
        PendingWorkloads = account?.PendingWorkloads ?? 0,
        IsSuspended = node.IsSuspended,
    };

    /// <summary>A tenant with quotas by flavor only has no limit on their total; what they add up to is the most all the same.</summary>
    private static long? LimitOf(Tenant tenant) => tenant.Quotas.IsEmpty ? null : tenant.Quotas.Sum(quota => quota.LimitMilliGpu);

    private static int DepthOf(TenantNode node)
    {
        var depth = 0;
        for (var above = node.Parent; above is not null; above = above.Parent)
        {
            depth++;
        }

        return depth;
    }
}

/// <summary>A waiting workload as it is shown.</summary>
/// <param name="Tenant">Its tenant; empty if no tenant owns the namespace.</param>
/// <param name="Workload">Namespace and name.</param>
/// <param name="PlaceInTenant">From 1; 0 for what is not queued.</param>
/// <param name="PlaceOverall">From 1; 0 for what is not queued.</param>
/// <param name="MilliGpu">What it asks for, all its pods together.</param>
/// <param name="Pods">Its pods.</param>
/// <param name="Since">When it was submitted; null if that is not known.</param>
/// <param name="Reason">A word from the closed set of reasons.</param>
/// <param name="Message">The reason in words.</param>
/// <param name="Start">When it is expected to start; null if nothing was forecast.</param>
internal sealed record QueueView(
    string Tenant, string Workload, int PlaceInTenant, int PlaceOverall, long MilliGpu, int Pods, DateTimeOffset? Since, string Reason, string Message,
    StartView? Start = null);

/// <summary>When a workload is expected to start; what is null is unknown.</summary>
/// <param name="P10">One in ten starts before.</param>
/// <param name="P50">Half start before.</param>
/// <param name="P90">Nine in ten start before.</param>
internal sealed record StartView(DateTimeOffset? P10, DateTimeOffset? P50, DateTimeOffset? P90)
{
    /// <summary>Such as <c>2h0m (30m0s to 5h0m)</c>, from now on: half start within the first, eight in ten between the others.</summary>
    public string Text(DateTimeOffset now) => (P10, P50, P90) switch
    {
        (null, null, _) => "unknown",
        ({ } low, null, _) => $"not before {Within(low, now)}",
        (_, { } middle, { } high) when middle <= now && high <= now => "now",
        (var low, { } middle, var high) =>
            $"{Within(middle, now)} ({(low is { } first ? Within(first, now) : "?")} to {(high is { } last ? Within(last, now) : "?")})",
    };

    private static string Within(DateTimeOffset moment, DateTimeOffset now) => moment <= now ? "now" : DurationText.Short(moment - now);
}
