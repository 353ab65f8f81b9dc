using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions;

/// <summary>
/// Promises room to workloads that are next in order and cannot start: the earliest time and place at which they could, by
/// the expected ends of what runs. Whoever comes later may use that room only if it makes way in time. An unknown end, and
/// one that has passed, counts as never.
/// </summary>
internal sealed class Reservations(Session session)
{
    private readonly Admission _admission = new(session);
    private List<(DateTimeOffset End, Occupant Occupant)>? _ends;

    /// <summary>
    /// Makes a reservation if the workload is one of the first of its tenant and there is a time at which it fits. Always
    /// false: a reservation changes nobody's share.
    /// </summary>
    public bool TryFor(Applicant applicant, Standing standing)
    {
        if (applicant.SoughtReservation || applicant.Reservation is not null || session.Tenants[applicant.Tenant.Index].Reservations >= session.Policy.ReservationsPerTenant)
        {
            return false;
        }

        var opening = new Opening(session, applicant, AllowedFlavors(applicant, standing));
        if (!opening.IsPossible)
        {
            return false;
        }

        session.Touch(applicant);
        applicant.SoughtReservation = true;
        session.Tenants[applicant.Tenant.Index].Reservations++;
        if (opening.Find(Ends()) is not { } found
            || (found.From <= session.Snapshot.Now && !AllowedFlavors(applicant, standing, isLater: false).Contains(true)))
        {
            // No room ever, or room at once: then it is something else that it lacks.
            return false;
        }

        var reservation = new TimedReservation(
            applicant, found.From, IsInsideGuarantee: applicant.HasGpu && AllowedFlavors(applicant, Standing.Guaranteed).Contains(true));
        foreach (var (node, plane) in found.Planes)
        {
            session.Reserve(node, reservation, plane);
        }

        session.Touch(applicant);
        applicant.Reservation = new PlannedReservation(found.From, found.Placements);
        return false;
    }

    /// <summary>Gives up what was reserved inside guarantees that others have filled since. Says whose that was.</summary>
    public IReadOnlyList<WorkloadId> GiveUpOutgrown()
    {
        var outgrown = session.ReservedNodes.Select(node => node.Reservation!).Where(reservation => reservation.IsInsideGuarantee)
            .Select(reservation => reservation.Holder).Distinct()
            .Where(holder => !AllowedFlavors(holder, Standing.Guaranteed).Contains(true)).ToArray();
        foreach (var holder in outgrown)
        {
            session.GiveUpReservation(holder);
        }

        return [.. outgrown.Select(holder => holder.Workload.Id)];
    }

    /// <summary>Whether a workload that starts now in reserved space will be gone, or can be sent away, before it is needed.</summary>
    public static bool MakesWay(Session session, Applicant applicant, Standing standing, TimedReservation reservation)
    {
        var now = session.Snapshot.Now;
        var holder = reservation.Holder;
        if (applicant == holder || applicant.EndsAt(now) <= reservation.From)
        {
            return true;
        }

        var workload = applicant.Workload;
        var isTakeable = applicant.Tenant == holder.Tenant
            ? workload.Priority < holder.Workload.Priority
            : standing == Standing.Burst && reservation.IsInsideGuarantee && applicant.HasGpu;
        return workload.IsPreemptible && isTakeable && now + workload.MinRuntime + workload.PreemptionGrace <= reservation.From;
    }

    private bool[] AllowedFlavors(Applicant applicant, Standing standing, bool isLater = true)
    {
        var need = applicant.CoreMilliGpu;
        var admission = _admission.Open(applicant, standing, isSurplus: false);
        var allowed = new bool[session.Flavors.Length];
        for (var flavor = 0; flavor < allowed.Length; flavor++)
        {
            allowed[flavor] = admission.Allows(flavor, need, freedByOthers: isLater ? need : 0);
        }

        return allowed;
    }

    private List<(DateTimeOffset End, Occupant Occupant)> Ends()
    {
        if (_ends is not null)
        {
            return _ends;
        }

        _ends = [];
        foreach (var node in session.Nodes)
        {
            foreach (var occupant in node.Occupants)
            {
                if (!occupant.IsGoing && occupant.Owner.ExpectedEnd is { } end && end > session.Snapshot.Now)
                {
                    _ends.Add((end, occupant));
                }
            }
        }

        _ends.Sort((a, b) => a.End != b.End ? a.End.CompareTo(b.End)
            : a.Occupant.Node.Index != b.Occupant.Node.Index ? a.Occupant.Node.Index.CompareTo(b.Occupant.Node.Index)
            : Occupant.Compare(a.Occupant, b.Occupant));
        return _ends;
    }
}
