using System.Collections.Immutable;

namespace Scheduler.TestKit.Oracles;

/// <summary>A tenant as the division sees it; amounts in milli-GPU, null for "no limit of its own".</summary>
public sealed record FairShareTenant(
    string Id, long Guaranteed, long? Limit, long? Lending, long Weight, long Demand, ImmutableArray<FairShareTenant> Children)
{
    public bool IsLeaf => Children.IsEmpty;
}

/// <summary>What the oracle says about one tenant.</summary>
/// <param name="Guaranteed">The guarantee, after scaling.</param>
/// <param name="Usable">Demand as far as limits let it count.</param>
/// <param name="Base">The part of it inside the guarantee.</param>
/// <param name="Withheld">Idle guarantee that nobody else may borrow.</param>
/// <param name="Entitlement">What it may have now.</param>
public sealed record FairShare(long Guaranteed, long Usable, long Base, long Withheld, long Entitlement);

/// <summary>
/// Weighted max-min down the tenant tree by another way than the planner's: the water level is found on the sorted
/// points at which tenants are full, in exact rationals, and only the last step rounds.
/// </summary>
public static class FairShareOracle
{
    /// <summary>The share of every tenant, by id.</summary>
    public static IReadOnlyDictionary<string, FairShare> Divide(IEnumerable<FairShareTenant> tops, long capacity)
    {
        var shares = new SortedDictionary<string, FairShare>(StringComparer.Ordinal);
        var level = tops.ToArray();
        foreach (var (tenant, guaranteed) in Scale(level, capacity))
        {
            Measure(tenant, guaranteed, shares);
        }

        DivideAmong(level, capacity - level.Sum(tenant => shares[tenant.Id].Withheld), shares);
        return shares;
    }

    /// <summary>Lifts a level of water until the pool is used up: the exact share of each, before rounding.</summary>
    public static ExactFraction[] Fill(long pool, IReadOnlyList<(long Cap, long Weight)> claims)
    {
        if (claims.Sum(claim => claim.Cap) <= pool)
        {
            return [.. claims.Select(claim => (ExactFraction)claim.Cap)];
        }

        var fullAt = claims.OrderBy(claim => new ExactFraction(claim.Cap, claim.Weight)).ToArray();
        var rising = claims.Sum(claim => claim.Weight);
        var full = 0L;
        foreach (var claim in fullAt)
        {
            var usedUpAt = new ExactFraction(pool - full, rising);
            if (usedUpAt.CompareTo(new ExactFraction(claim.Cap, claim.Weight)) <= 0)
            {
                return [.. claims.Select(other => ExactFraction.Min(other.Cap, usedUpAt * other.Weight))];
            }

            full += claim.Cap;
            rising -= claim.Weight;
        }

        throw new InvalidOperationException("a pool below the sum of the caps is used up before the last is full");
    }

    /// <summary>Whole numbers with the same sum: rounded down, what is left to the largest remainders, ties to the first.</summary>
    public static long[] Round(IReadOnlyList<ExactFraction> exact, long sum)
    {
        var whole = exact.Select(share => share.Floor).ToArray();
        var left = sum - whole.Sum();
        var byRemainder = Enumerable.Range(0, whole.Length).OrderByDescending(index => exact[index].Part).ThenBy(index => index);
        foreach (var index in byRemainder.Take((int)left))
        {
            whole[index]++;
        }

        return whole;
    }

    /// <summary>Guarantees, by largest remainder where what is there does not cover them. What a limit forbids is no guarantee.</summary>
    private static IEnumerable<(FairShareTenant Tenant, long Guaranteed)> Scale(IReadOnlyList<FairShareTenant> siblings, long available)
    {
        var inOrder = siblings.OrderBy(tenant => tenant.Id, StringComparer.Ordinal).ToArray();
        var asked = inOrder.Select(tenant => Math.Min(tenant.Guaranteed, tenant.Limit ?? long.MaxValue)).ToArray();
        var sum = asked.Sum();
        var given = sum <= available
            ? asked
            : Round([.. asked.Select(guaranteed => new ExactFraction(guaranteed, sum) * available)], available);
        return inOrder.Zip(given);
    }

    private static FairShare Measure(FairShareTenant tenant, long guaranteed, SortedDictionary<string, FairShare> shares)
    {
        var below = Scale(tenant.Children, guaranteed).Select(pair => Measure(pair.Tenant, pair.Guaranteed, shares)).ToArray();
        var usable = Math.Min(tenant.IsLeaf ? tenant.Demand : below.Sum(child => child.Usable), tenant.Limit ?? long.MaxValue);
        var withheldBelow = below.Sum(child => child.Withheld);
        var inside = Math.Min(usable, guaranteed - withheldBelow);
        var withheld = tenant.Lending is { } lending ? Math.Max(withheldBelow, guaranteed - inside - lending) : withheldBelow;
        return shares[tenant.Id] = new FairShare(guaranteed, usable, inside, withheld, 0);
    }

    private static void DivideAmong(IReadOnlyList<FairShareTenant> siblings, long amount, SortedDictionary<string, FairShare> shares)
    {
        var inOrder = siblings.OrderBy(tenant => tenant.Id, StringComparer.Ordinal).ToArray();
        var pool = amount - inOrder.Sum(tenant => shares[tenant.Id].Base);
        var claims = inOrder.Select(tenant => (shares[tenant.Id].Usable - shares[tenant.Id].Base, tenant.Weight)).ToArray();
        var burst = Round(Fill(pool, claims), Math.Min(pool, claims.Sum(claim => claim.Item1)));
        for (var index = 0; index < inOrder.Length; index++)
        {
            var tenant = inOrder[index];
            var share = shares[tenant.Id];
            shares[tenant.Id] = share with { Entitlement = share.Base + burst[index] };
            if (!tenant.IsLeaf)
            {
                DivideAmong(tenant.Children, shares[tenant.Id].Entitlement, shares);
            }
        }
    }
}
