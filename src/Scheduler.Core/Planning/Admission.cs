using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>
/// What quota lets a workload use, while its pods are placed one after the other: inside the guarantee, beside what comes
/// before it in its tenant's order; or on burst, inside the limits and without what others keep for themselves.
/// </summary>
internal sealed class Admission
{
    private readonly Session _session;
    private readonly TenantNode _tenant;
    private readonly Standing _standing;
    private readonly long[] _beside;
    private readonly long[] _asked;

    public Admission(Session session, Applicant applicant, Standing standing, bool isSurplus, bool leavesLower = false)
    {
        _session = session;
        _tenant = applicant.Tenant;
        _standing = standing;
        _asked = new long[session.Flavors.Length];
        _beside = standing == Standing.Guaranteed && applicant.HasGpu
            ? session.StandingOf(applicant.Tenant).UsedBeside(applicant.Workload, isSurplus, leavesLower)
            : new long[session.Flavors.Length + 1];
    }

    /// <summary>Whether a further use of a flavor is allowed.</summary>
    public bool Allows(int flavor, long milliGpu)
    {
        if (_session.Ledger.FirstOverLimit(_tenant.Index, flavor, milliGpu) is not null)
        {
            return false;
        }

        if (_standing == Standing.Burst)
        {
            return BurstPool.LeavesUnlent(_session, _tenant, flavor, milliGpu);
        }

        _asked[flavor] = milliGpu;
        var fits = _session.Ledger.FitsGuarantee(_tenant.Index, _beside, _asked);
        _asked[flavor] = 0;
        return fits;
    }

    /// <summary>Counts a use that was made.</summary>
    public void Add(int flavor, long milliGpu)
    {
        _beside[flavor] += milliGpu;
        _beside[^1] += milliGpu;
    }
}
