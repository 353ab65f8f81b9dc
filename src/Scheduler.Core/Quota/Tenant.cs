using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Quota;

/// <summary>What a tenant gets of one flavor, in milli-GPU.</summary>
public sealed record FlavorQuota
{
    /// <summary>The flavor, or <see cref="FlavorId.Any"/>.</summary>
    public required FlavorId Flavor { get; init; }

    /// <summary>Always obtainable, by reclaim if need be.</summary>
    public required long GuaranteedMilliGpu { get; init; }

    /// <summary>The most above the guarantee; null is twice the guarantee.</summary>
    public long? BurstMilliGpu { get; init; }

    /// <summary>The most of an unused guarantee that others may borrow; null is all of it.</summary>
    public long? LendingLimitMilliGpu { get; init; }

    /// <summary>The most that the tenant may use: guaranteed + burst.</summary>
    public long LimitMilliGpu => GuaranteedMilliGpu + (BurstMilliGpu ?? (2 * GuaranteedMilliGpu));
}

/// <summary>Who is first among the waiting workloads of a tenant that have equal priorities.</summary>
public enum QueueOrder
{
    /// <summary>First come, first served.</summary>
    Submitted,

    /// <summary>Least expected GPU-time left, aged so that nothing starves.</summary>
    ShortestExpected,

    /// <summary>Least GPU-time served so far (Gu et al.: Tiresias, NSDI 2019).</summary>
    LeastAttained,
}

/// <summary>A node of the quota tree, as configured.</summary>
public sealed record Tenant
{
    /// <summary>Name, unique in the tree.</summary>
    public required TenantId Id { get; init; }

    /// <summary>The tenant above, or null at the top.</summary>
    public TenantId? Parent { get; init; }

    /// <summary>Namespaces whose pods belong to this tenant. Leaves only.</summary>
    public ImmutableArray<string> Namespaces { get; init; } = [];

    /// <summary>
    /// Quotas, at most one for each flavor. A leaf may use only flavors that it has a quota for, by name or through
    /// <see cref="FlavorId.Any"/>; if it has both, both apply. An inner tenant without a quota for a flavor puts no limit
    /// of its own on it, and guarantees the sum of its children's guarantees.
    /// </summary>
    public ImmutableArray<FlavorQuota> Quotas { get; init; } = [];

    /// <summary>Share of the burst pool relative to the siblings; null is the guarantee in GPUs, at least 1.</summary>
    public int? Weight { get; init; }

    /// <summary>Who is first among equal priorities.</summary>
    public QueueOrder Order { get; init; }

    /// <summary>Nothing new is started.</summary>
    public bool IsSuspended { get; init; }

    /// <summary>Fractions of this tenant may share a device with fractions of another tenant that allows it too.</summary>
    public bool SharesDevices { get; init; }

    /// <summary>Labels that a node must carry for this tenant's pods; empty: any node.</summary>
    public ImmutableSortedDictionary<string, string> NodePool { get; init; } = Node.NoLabels;
}

/// <summary>One mistake in a configuration.</summary>
/// <param name="Path">The field, such as <c>tenant/search.quotas[0].guaranteed</c>.</param>
/// <param name="Message">What is wrong and how to mend it.</param>
public readonly record struct ConfigurationError(string Path, string Message)
{
    /// <inheritdoc />
    public override string ToString() => $"{Path}: {Message}";
}
