using Scheduler.Core.Planning;

namespace Scheduler.Core.Quota;

/// <summary>What burst may take: everything that is free, except unused guarantees that their tenants do not lend.</summary>
internal static class BurstPool
{
    /// <summary>Whether, after a further use on burst, enough stays free for guarantees that are not lent.</summary>
    public static bool LeavesUnlent(Session session, TenantNode tenant, int flavor, long milliGpu) =>
        LeavesUnlent(session, tenant, flavor, milliGpu, milliGpu);

    /// <summary>The same where what is given back beside is not all of that flavor.</summary>
    public static bool LeavesUnlent(Session session, TenantNode tenant, int flavor, long milliGpu, long totalMilliGpu)
    {
        var ledger = session.Ledger;
        var withheldOfFlavor = ledger.Withheld(tenant.Index, flavor);
        if (withheldOfFlavor > 0 && session.FreeMilliGpu[flavor] - milliGpu < withheldOfFlavor)
        {
            return false;
        }

        var withheld = ledger.Withheld(tenant.Index, flavor: -1);
        return withheld == 0 || session.FreeMilliGpu.Sum() - totalMilliGpu >= withheld;
    }
}
