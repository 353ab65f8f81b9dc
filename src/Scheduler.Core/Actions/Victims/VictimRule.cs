using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions.Victims;

/// <summary>For what capacity is taken back. Closed.</summary>
internal enum VictimScope
{
    /// <summary>For demand inside a guarantee: burst of other tenants, and lower priority of the own.</summary>
    Guarantee,

    /// <summary>For a higher priority inside the tenant.</summary>
    Priority,

    /// <summary>For a tenant below its entitlement: burst of tenants above theirs.</summary>
    FairShare,
}

/// <summary>Who may be a victim of whom.</summary>
/// <param name="session">The cluster.</param>
/// <param name="beneficiary">Who needs room.</param>
/// <param name="scope">For what.</param>
/// <param name="sparesYoung">Whether the minimum runtime protects.</param>
/// <param name="isInsideGuarantee">
/// Whether the beneficiary is inside its tenant's guarantee, once lower priority makes way there. If not, it leaves alone
/// what is: that would have a claim to come straight back, and the two would take turns for ever.
/// </param>
/// <param name="sparesBound">Whether what was bound in this cycle stays.</param>
internal sealed class VictimRule(
    Session session, Applicant beneficiary, VictimScope scope, bool sparesYoung, bool isInsideGuarantee, bool sparesBound = false)
{
    /// <summary>For what.</summary>
    public VictimScope Scope { get; } = scope;

    /// <summary>Whether the minimum runtime protects.</summary>
    public bool SparesYoung { get; } = sparesYoung;

    /// <summary>Whether what was bound in this cycle stays.</summary>
    public bool SparesBound { get; } = sparesBound;

    /// <summary>Whether the beneficiary is inside its tenant's guarantee.</summary>
    public bool IsInsideGuarantee { get; } = isInsideGuarantee;

    /// <summary>Whether a unit may be taken for the beneficiary.</summary>
    public bool MayTake(VictimUnit unit)
    {
        if (unit.Running.Workload.Id == beneficiary.Workload.Id || WasDisplaced(unit) || (SparesBound && unit.JustBound is not null))
        {
            return false;
        }

        return IsOwn(unit)
            ? Scope != VictimScope.FairShare && unit.Priority < beneficiary.Workload.Priority
                && (IsInsideGuarantee || !IsGuaranteed(unit)) && !IsProtected(session, unit, SparesYoung)
            : Scope != VictimScope.Priority && beneficiary.HasGpu && MayTakeAcross(session, Scope, SparesYoung, unit);
    }

    /// <summary>Whether a unit is of the beneficiary's tenant.</summary>
    private bool IsOwn(VictimUnit unit) => unit.Running.Tenant == beneficiary.Tenant;

    /// <summary>Whether any other tenant may take a unit.</summary>
    public static bool MayTakeAcross(Session session, VictimScope scope, bool sparesYoung, VictimUnit unit) =>
        unit.Running.HasGpu && !WasDisplaced(unit)
        && !IsGuaranteed(unit)
        && (scope != VictimScope.FairShare || session.Excess(unit.Running.Tenant!.Index) > 0)
        && !IsProtected(session, unit, sparesYoung);

    /// <summary>Whether a set leaves the tenant of a unit what it is entitled to; of no interest but for fair share.</summary>
    public bool IsAffordable(IReadOnlyCollection<VictimUnit> chosen, VictimUnit unit) =>
        Scope != VictimScope.FairShare
        || VictimUnit.MilliGpuOf(chosen, unit.Running.Tenant!) <= session.Excess(unit.Running.Tenant!.Index);

    /// <summary>Whoever had to make way in this cycle once does not have to again.</summary>
    private static bool WasDisplaced(VictimUnit unit) => unit.JustBound is { WasDisplaced: true };

    private static bool IsGuaranteed(VictimUnit unit) =>
        (unit.IsWhole ? unit.Running.CoreEntry : unit.Pods[0].Entry) is { IsGuaranteed: true };

    private static bool IsProtected(Session session, VictimUnit unit, bool sparesYoung)
    {
        var workload = unit.Running.Workload;
        return sparesYoung && unit.JustBound is null && workload.MinRuntime > TimeSpan.Zero
            && session.Snapshot.Now - (workload.StartedAt ?? session.Snapshot.Now) < workload.MinRuntime;
    }
}
