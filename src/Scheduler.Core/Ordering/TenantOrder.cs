using Scheduler.Core.Quota;

namespace Scheduler.Core.Ordering;

/// <summary>
/// Who is first of two tenants. Shares are compared by cross-multiplication, exactly, and ties go by id.
/// </summary>
internal static class TenantOrder
{
    /// <summary>For guaranteed demand: the lowest usage in proportion to the guarantee first.</summary>
    /// <param name="inside">Milli-GPU in use with guaranteed standing, by index.</param>
    /// <param name="ledger">Knows the guarantees.</param>
    /// <param name="a">A tenant.</param>
    /// <param name="b">Another.</param>
    public static int CompareGuaranteed(Func<int, long> inside, QuotaLedger ledger, TenantNode a, TenantNode b)
    {
        var guaranteedA = ledger.GuaranteedTotal(a.Index);
        var guaranteedB = ledger.GuaranteedTotal(b.Index);
        if (guaranteedA == 0 || guaranteedB == 0)
        {
            // Without a guarantee there is no share to speak of: after all who have one.
            var order = (guaranteedA == 0).CompareTo(guaranteedB == 0);
            return order != 0 ? order : a.Id.CompareTo(b.Id);
        }

        var shares = CompareShares(inside(a.Index), guaranteedA, inside(b.Index), guaranteedB);
        return shares != 0 ? shares : a.Id.CompareTo(b.Id);
    }

    /// <summary>For burst demand, of two tenants below the same one: the lowest burst in proportion to the weight first.</summary>
    /// <param name="burst">Milli-GPU above the guarantee of a tenant and all below it, by index.</param>
    /// <param name="a">A tenant.</param>
    /// <param name="b">A sibling.</param>
    public static int CompareSiblings(Func<int, long> burst, TenantNode a, TenantNode b)
    {
        var shares = CompareShares(burst(a.Index), a.Weight, burst(b.Index), b.Weight);
        return shares != 0 ? shares : a.Id.CompareTo(b.Id);
    }

    private static int CompareShares(long usedA, long ofA, long usedB, long ofB) =>
        ((Int128)usedA * ofB).CompareTo((Int128)usedB * ofA);
}
