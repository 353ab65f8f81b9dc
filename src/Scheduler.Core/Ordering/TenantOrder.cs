using Scheduler.Core.Quota;

namespace Scheduler.Core.Ordering;

/// <summary>
/// Whose turn it is. Shares are compared by cross-multiplication, exactly, and ties go by id.
/// </summary>
internal static class TenantOrder
{
    /// <summary>For guaranteed demand: the lowest usage in proportion to the guarantee first.</summary>
    public static int CompareGuaranteed(QuotaLedger ledger, TenantNode a, TenantNode b)
    {
        var guaranteedA = ledger.GuaranteedTotal(a.Index);
        var guaranteedB = ledger.GuaranteedTotal(b.Index);
        if (guaranteedA == 0 || guaranteedB == 0)
        {
            // Without a guarantee there is no share to speak of: after all who have one.
            var order = (guaranteedA == 0).CompareTo(guaranteedB == 0);
            return order != 0 ? order : a.Id.CompareTo(b.Id);
        }

        var shares = CompareShares(
            ledger.UsedGuaranteedTotal(a.Index), guaranteedA, ledger.UsedGuaranteedTotal(b.Index), guaranteedB);
        return shares != 0 ? shares : a.Id.CompareTo(b.Id);
    }

    /// <summary>
    /// For burst demand: the lowest burst in proportion to the weight first. In a tree, the two tenants below the lowest
    /// common one are compared, so that a subtree gets its share whatever its number of leaves.
    /// </summary>
    /// <param name="burst">Milli-GPU above the guarantee of a tenant and all below it, by index.</param>
    /// <param name="a">A leaf.</param>
    /// <param name="b">A leaf.</param>
    public static int CompareBurst(Func<int, long> burst, TenantNode a, TenantNode b)
    {
        if (a == b)
        {
            return 0;
        }

        var (left, right) = BelowCommon(a, b);
        var shares = CompareShares(burst(left.Index), left.Weight, burst(right.Index), right.Weight);
        return shares != 0 ? shares : left.Id.CompareTo(right.Id);
    }

    private static int CompareShares(long usedA, long ofA, long usedB, long ofB) =>
        ((Int128)usedA * ofB).CompareTo((Int128)usedB * ofA);

    private static (TenantNode Left, TenantNode Right) BelowCommon(TenantNode a, TenantNode b)
    {
        var depthA = Depth(a);
        var depthB = Depth(b);
        for (; depthA > depthB; depthA--)
        {
            a = a.Parent!;
        }

        for (; depthB > depthA; depthB--)
        {
            b = b.Parent!;
        }

        while (a.Parent != b.Parent)
        {
            a = a.Parent!;
            b = b.Parent!;
        }

        return (a, b);
    }

    private static int Depth(TenantNode node)
    {
        var depth = 0;
        for (var above = node.Parent; above is not null; above = above.Parent)
        {
            depth++;
        }

        return depth;
    }
}
