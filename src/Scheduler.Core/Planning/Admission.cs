using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>
/// What quota lets a workload use, while its pods are placed one after the other: inside the guarantee, beside what comes
/// before it in its tenant's order; or on burst, inside the limits and without what others keep for themselves. Opened
/// anew for each workload.
/// </summary>
internal sealed class Admission(Session session)
{
    private readonly long[] _beside = new long[session.Flavors.Length + 1];
    private readonly long[] _asked = new long[session.Flavors.Length];
    private TenantNode _tenant = null!;
    private Standing _standing;

    /// <summary>Begins with a workload.</summary>
    /// <param name="applicant">Whose.</param>
    /// <param name="standing">On which side of the guarantee.</param>
    /// <param name="isSurplus">Whether for pods beyond minMember.</param>
    /// <param name="leavesLower">See <see cref="StandingBook.UsedBeside"/>.</param>
    public Admission Open(Applicant applicant, Standing standing, bool isSurplus, bool leavesLower = false)
    {
        _tenant = applicant.Tenant;
        _standing = standing;
        if (standing == Standing.Guaranteed && applicant.HasGpu)
        {
            session.Tenants[_tenant.Index].Book.UsedBeside(applicant.Workload, isSurplus, leavesLower, _beside);
        }
        else
        {
            Array.Clear(_beside);
        }

        return this;
    }

    /// <summary>Whether a further use of a flavor is allowed.</summary>
    /// <param name="flavor">Which.</param>
    /// <param name="milliGpu">How much.</param>
    /// <param name="freedByOthers">How much others will have given back by then: it counts as free.</param>
    /// <param name="freedByOwn">How much of its own the tenant will have given back by then: it does not count against the limit.</param>
    /// <param name="isBesideVictims">Whether others below the same parents may make way, so that only the tenant's own limit counts.</param>
    public bool Allows(int flavor, long milliGpu, long freedByOthers = 0, long freedByOwn = 0, bool isBesideVictims = false)
    {
        if (session.Ledger.FirstOverLimit(_tenant.Index, flavor, milliGpu - freedByOwn) is { } over && (!isBesideVictims || over == _tenant))
        {
            return false;
        }

        if (_standing == Standing.Burst)
        {
            return BurstPool.LeavesUnlent(session, _tenant, flavor, milliGpu - freedByOthers);
        }

        return IsInsideGuarantee(flavor, milliGpu);
    }

    /// <summary>Whether a further use of a flavor is inside the guarantee, limits aside.</summary>
    public bool IsInsideGuarantee(int flavor, long milliGpu)
    {
        _asked[flavor] = milliGpu;
        var fits = session.Ledger.FitsGuarantee(_tenant.Index, _beside, _asked);
        _asked[flavor] = 0;
        return fits;
    }

    /// <summary>Whether a workload is inside its tenant's guarantee, of one flavor at least; begins with it.</summary>
    public bool IsInsideGuarantee(Applicant applicant)
    {
        Open(applicant, Standing.Guaranteed, isSurplus: false);
        var need = applicant.CoreMilliGpu;
        return Enumerable.Range(0, session.Flavors.Length).Any(flavor => IsInsideGuarantee(flavor, need));
    }

    /// <summary>Counts a use that was made.</summary>
    public void Add(int flavor, long milliGpu)
    {
        _beside[flavor] += milliGpu;
        _beside[^1] += milliGpu;
    }
}
