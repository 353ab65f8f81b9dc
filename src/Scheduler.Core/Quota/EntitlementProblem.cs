namespace Scheduler.Core.Quota;

/// <summary>
/// The numbers of one division: of one flavor, or of all together. Arrays are by <see cref="TenantNode.Index"/>, amounts
/// in milli-GPU.
/// </summary>
internal sealed class EntitlementProblem(int tenants)
{
    /// <summary>What there is to divide.</summary>
    public required long Capacity { get; init; }

    /// <summary>Guarantees, as configured.</summary>
    public long[] Guaranteed { get; } = new long[tenants];

    /// <summary>Limits, or <see cref="QuotaLedger.Unlimited"/>.</summary>
    public long[] Limit { get; } = new long[tenants];

    /// <summary>The most of an idle guarantee that others may borrow, or <see cref="QuotaLedger.Unlimited"/>.</summary>
    public long[] Lending { get; } = new long[tenants];

    /// <summary>Weights among siblings.</summary>
    public long[] Weight { get; } = new long[tenants];

    /// <summary>Running and waiting demand of leaves; that of inner tenants is the sum.</summary>
    public long[] Demand { get; } = new long[tenants];
}
