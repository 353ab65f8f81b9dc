using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions;

/// <summary>
/// Promises room to workloads that are next in order and cannot start: the earliest time and place at which they could, by
/// the expected ends of what runs, and by when it can be sent away for them. Whoever comes later may use that room only if it
/// makes way in time. An unknown end, and one that has passed, counts as never.
/// </summary>
internal sealed class Reservations(Session session)
{
    private readonly Admission _admission = new(session);
    private readonly List<(DateTimeOffset At, Occupant Occupant)> _ends = [];
    private readonly List<(DateTimeOffset At, Occupant Occupant)> _releases = [];
    private readonly HashSet<PodId> _boundPods = [];
    private readonly Dictionary<RequestClass, bool> _hasNode = new(ReferenceEqualityComparer.Instance);
    private int _boundSeen = -1;
    private int _unboundSeen;

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

        // What no node can ever take does not keep the tenant's reservation from those behind it.
        if (!HasNode(applicant.Pending[0].Kind))
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
        var isInside = applicant.HasGpu && AllowedFlavors(applicant, Standing.Guaranteed).Contains(true);
        if (opening.Find(Departures(applicant, isInside)) is not { } found
            || (found.From <= session.Snapshot.Now && !AllowedFlavors(applicant, standing, isLater: false).Contains(true)))
        {
            // No room ever, or room at once: then it is something else that it lacks.
            return false;
        }

        var reservation = new TimedReservation(applicant, found.From, isInside);
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
    /// <param name="session">The cluster.</param>
    /// <param name="applicant">Who would start.</param>
    /// <param name="canBeReclaimed">Whether it would be, and stay, beyond its tenant's guarantee.</param>
    /// <param name="reservation">Whose room it is.</param>
    public static bool MakesWay(Session session, Applicant applicant, bool canBeReclaimed, TimedReservation reservation)
    {
        var now = session.Snapshot.Now;
        var holder = reservation.Holder;
        if (applicant == holder || applicant.EndsAt(now) <= reservation.From)
        {
            return true;
        }

        var workload = applicant.Workload;
        var isTakeable = applicant.Tenant == holder.Tenant
            ? workload.Priority < holder.Workload.Priority && (canBeReclaimed || reservation.IsInsideGuarantee)
            : canBeReclaimed && reservation.IsInsideGuarantee && applicant.HasGpu;
        return workload.IsPreemptible && isTakeable && now + workload.MinRuntime + workload.PreemptionGrace <= reservation.From;
    }

    private bool HasNode(RequestClass kind)
    {
        if (!_hasNode.TryGetValue(kind, out var hasNode))
        {
            _hasNode.Add(kind, hasNode = Array.Exists(session.Nodes, node => kind.Heap.StaticRejection(node) is null));
        }

        return hasNode;
    }

    private bool[] AllowedFlavors(Applicant applicant, Standing standing, bool isLater = true)
    {
        var need = applicant.CoreMilliGpu;
        var lower = isLater ? LowerMilliGpu(applicant) : 0;
        var admission = _admission.Open(applicant, standing, isSurplus: false);
        var allowed = new bool[session.Flavors.Length];
        for (var flavor = 0; flavor < allowed.Length; flavor++)
        {
            allowed[flavor] = admission.Allows(flavor, need, freedByOthers: isLater ? need : 0, freedByOwn: lower);
        }

        return allowed;
    }

    /// <summary>What its tenant uses for lower priorities, and will have to give up for it.</summary>
    private long LowerMilliGpu(Applicant applicant)
    {
        var lower = 0L;
        foreach (var running in session.Tenants[applicant.Tenant.Index].Running)
        {
            if (running.Workload is { IsManaged: true, IsPreemptible: true } && running.Workload.Priority < applicant.Workload.Priority)
            {
                foreach (var occupant in running.Pods)
                {
                    lower += occupant.IsGoing ? 0 : occupant.Pod.Shape.Gpu.MilliGpu;
                }
            }
        }

        return lower;
    }

    /// <summary>
    /// When who runs will be gone, or could be, in the order of time: at its expected end, or once it can be sent away for the holder.
    /// Somebody may come twice.
    /// </summary>
    private IEnumerable<(DateTimeOffset At, Occupant Occupant)> Departures(Applicant holder, bool isInsideGuarantee)
    {
        CatchUp();
        var (end, release) = (0, 0);
        while (true)
        {
            while (release < _releases.Count && !CanBeSentAway(_releases[release].Occupant, holder, isInsideGuarantee))
            {
                release++;
            }

            if (release < _releases.Count && (end == _ends.Count || _releases[release].At < _ends[end].At))
            {
                yield return _releases[release++];
            }
            else if (end < _ends.Count)
            {
                yield return _ends[end++];
            }
            else
            {
                yield break;
            }
        }
    }

    /// <summary>As in <see cref="Victims.VictimRule"/>, of what is seen before the minimum runtime has passed.</summary>
    private static bool CanBeSentAway(Occupant occupant, Applicant holder, bool isInsideGuarantee)
    {
        var isGuaranteed = occupant.Entry is { IsGuaranteed: true };
        return occupant.Owner.Tenant == holder.Tenant
            ? occupant.Owner.Workload.Priority < holder.Workload.Priority && (isInsideGuarantee || !isGuaranteed)
            : isInsideGuarantee && occupant.Owner.HasGpu && !isGuaranteed;
    }

    /// <summary>Takes in what the cycle has bound since the last call; what it takes back again has everything listed anew.</summary>
    private void CatchUp()
    {
        if (_boundSeen < 0 || session.Unbound != _unboundSeen)
        {
            (_boundSeen, _unboundSeen) = (0, session.Unbound);
            _ends.Clear();
            _releases.Clear();
            _boundPods.Clear();
            ListDepartures();
        }

        var isChanged = false;
        for (var now = session.Snapshot.Now; _boundSeen < session.Roster.Bound.Count; _boundSeen++)
        {
            var applicant = session.Roster.Bound[_boundSeen];
            if (applicant.Bound.Count > 0 && applicant.EndsAt(now) is { } end)
            {
                var joined = RunningWorkload.OfBound(applicant).Pods.Where(occupant => _boundPods.Add(occupant.Pod.Id)).Select(occupant => (end, occupant)).ToArray();
                _ends.AddRange(joined);
                isChanged |= joined.Length > 0;
            }
        }

        if (isChanged)
        {
            _ends.Sort(Compare);
        }
    }

    private void ListDepartures()
    {
        var now = session.Snapshot.Now;
        foreach (var node in session.Nodes)
        {
            foreach (var occupant in node.Occupants)
            {
                if (occupant.IsGoing)
                {
                    continue;
                }

                if (occupant.Owner.ExpectedEnd is { } end && end > now)
                {
                    _ends.Add((end, occupant));
                }

                var workload = occupant.Owner.Workload;
                if (workload is { IsManaged: true, IsPreemptible: true } && occupant.Owner.Tenant is not null)
                {
                    var ripe = (workload.StartedAt ?? now) + workload.MinRuntime;
                    _releases.Add(((ripe > now ? ripe : now) + workload.PreemptionGrace, occupant));
                }
            }
        }

        _ends.Sort(Compare);
        _releases.Sort(Compare);
    }

    private static int Compare((DateTimeOffset At, Occupant Occupant) a, (DateTimeOffset At, Occupant Occupant) b) =>
        a.At != b.At ? a.At.CompareTo(b.At)
        : a.Occupant.Node.Index != b.Occupant.Node.Index ? a.Occupant.Node.Index.CompareTo(b.Occupant.Node.Index)
        : Occupant.Compare(a.Occupant, b.Occupant);
}
