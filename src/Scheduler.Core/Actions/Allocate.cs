using System.Collections.Immutable;
using Scheduler.Core.Feasibility;
using Scheduler.Core.Model;
using Scheduler.Core.Ordering;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions;

/// <summary>
/// Starts what fits. A gang's core (minMember pods) is placed whole or not at all; its surplus follows pod by pod, after
/// every core had its turn. A workload that does not fit does not block those behind it, except through a reservation.
/// </summary>
internal sealed class Allocate(Session session)
{
    private readonly Statement _statement = new(session);
    private readonly Admission _admission = new(session);
    private readonly Admission _guaranteed = new(session);
    private readonly GangTopology _topology = new(session);
    private readonly bool[] _allowed = new bool[session.Flavors.Length];
    private int _bound;

    /// <summary>Workloads that have no turn yet; see <see cref="CycleActions"/>.</summary>
    public IReadOnlySet<WorkloadId> Deferred { get; set; } = ImmutableSortedSet<WorkloadId>.Empty;

    /// <summary>
    /// Goes through all queues once, the tenant whose turn it is first, and tries to start the core of each workload.
    /// </summary>
    /// <param name="standing">Guaranteed: inside the guarantee only. Burst: inside the limits.</param>
    /// <param name="otherwise">Asked about each core that does not fit; says whether it made a promise, which changes shares.</param>
    public void Cores(Standing standing, Func<Applicant, bool> otherwise) => Pass(
        standing,
        applicant => applicant.Missing > 0
            && IsEligible(applicant, standing)
            && (TryStartCore(applicant, standing) || otherwise(applicant)));

    /// <summary>Goes through all queues once and places the surplus of workloads whose core runs, pod by pod.</summary>
    public void Surplus(Standing standing) => Pass(
        standing,
        applicant => applicant.Missing == 0 && IsEligible(applicant, standing) && TryPlaceSurplus(applicant, standing));

    /// <summary>Tries to start the core of a workload in what is free.</summary>
    public bool TryStartCore(Applicant applicant, Standing standing)
    {
        var queue = session.Tenants[applicant.Tenant.Index];
        var kind = applicant.Pending[0].Kind;
        var remembers = applicant.IsUniform && session.ReservedNodes.Count == 0 && applicant.Workload.Topology is null && !kind.HasNeighbours;
        if (remembers && queue.IsKnownMisfit(kind, applicant.Missing, applicant.Workload.Priority, standing))
        {
            return false;
        }

        if (!_topology.TryPlaceInDomain(applicant, standing, _statement, _admission) && !TryPlaceAnywhere(applicant, standing))
        {
            if (remembers)
            {
                queue.NoteMisfit(kind, applicant.Missing, applicant.Workload.Priority, standing);
            }

            return false;
        }

        var placements = _statement.Placements;
        session.CountIn(applicant, placements, isSurplus: false);
        Bind(applicant, placements, standing);
        return true;
    }

    private bool IsEligible(Applicant applicant, Standing standing)
    {
        if (applicant.IsSettled || (Deferred.Count > 0 && Deferred.Contains(applicant.Workload.Id)))
        {
            return false;
        }

        // What joins a core on burst is on burst, however much guarantee is left: a workload has one side of the line.
        return standing == Standing.Burst ? applicant.MayBurst : !applicant.JoinsBurst;
    }

    private void Bind(Applicant applicant, Placement[] placements, Standing standing)
    {
        session.Touch(applicant);
        session.CancelReservation(applicant);
        applicant.Bind(placements, standing, _bound++);
        session.Roster.NoteBound(applicant);
        session.BoundBeyondEntitlement += session.Excess(applicant.Tenant.Index) > 0 ? 1 : 0;
    }

    private void Pass(Standing standing, Func<Applicant, bool> act)
    {
        var waiting = session.Tenants.Where(queue => queue.Applicants.Count > 0).Select(queue => queue.Tenant);
        var turns = standing == Standing.Guaranteed
            ? TenantTurns.ForGuarantees(session.Snapshot.Tenants, waiting, session.Ledger)
            : TenantTurns.ForBurst(session.Snapshot.Tenants, waiting, session.Ledger.UsedBurstTotal);
        foreach (var queue in session.Tenants)
        {
            queue.Position = 0;
        }

        while (turns.Next is { } next)
        {
            // The order changes only when something was placed or promised: walk this queue until something is.
            var queue = session.Tenants[next.Index];
            var hasChanged = false;
            var changes = session.Roster.Chosen.Count + session.Unbound;
            while (!hasChanged && !queue.IsExhausted)
            {
                hasChanged = act(queue.Applicants[queue.Position++]);
            }

            if (queue.IsExhausted)
            {
                turns.Remove(next);
            }

            // Whoever makes way changes the share of its tenant too.
            if (session.Roster.Chosen.Count + session.Unbound > changes)
            {
                turns.RenewAll();
            }
            else
            {
                turns.Renew(next);
            }
        }
    }

    private bool TryPlaceAnywhere(Applicant applicant, Standing standing)
    {
        if (applicant.Workload.Topology is { IsRequired: true })
        {
            return false;
        }

        _statement.Clear();
        _admission.Open(applicant, standing, isSurplus: false);
        foreach (var pod in applicant.Pending)
        {
            if (_statement.Count == applicant.Missing || (!TryPlace(applicant, pod, standing) && applicant.IsUniform))
            {
                break;
            }
        }

        if (_statement.Count == applicant.Missing)
        {
            return true;
        }

        _statement.RollBack();
        return false;
    }

    private bool TryPlaceSurplus(Applicant applicant, Standing standing)
    {
        _statement.Clear();
        _admission.Open(applicant, standing, isSurplus: true);
        foreach (var pod in applicant.Pending)
        {
            if (!TryPlace(applicant, pod, standing) && applicant.IsUniform)
            {
                break;
            }
        }

        if (_statement.Count == 0)
        {
            return false;
        }

        var placements = _statement.Placements;
        foreach (var placement in placements)
        {
            session.CountIn(applicant, [placement], isSurplus: true);
        }

        Bind(applicant, placements, standing);
        return true;
    }

    private bool TryPlace(Applicant applicant, in WaitingPod pod, Standing standing)
    {
        var milliGpu = pod.Pod.Shape.Gpu.MilliGpu;
        for (var flavor = 0; flavor < _allowed.Length && milliGpu > 0; flavor++)
        {
            _allowed[flavor] = _admission.Allows(flavor, milliGpu);
        }

        var node = session.Candidates.FindBest(pod.Kind, _allowed);
        var isBrief = node is null;
        node ??= FindReserved(applicant, pod, standing);
        if (node is null)
        {
            return false;
        }

        if (milliGpu > 0)
        {
            _admission.Add(node.Flavor, milliGpu);
        }

        _statement.Place(pod.Pod, node, isBrief ? node.Brief : node.Bindable, pod.Kind.Request, applicant, isBrief);
        return true;
    }

    /// <summary>
    /// Backfill: a reserved node that fits whoever will have made way in time, because it ends before or can be sent away.
    /// </summary>
    private NodeState? FindReserved(Applicant applicant, in WaitingPod pod, Standing standing)
    {
        var best = default(NodeState);
        var bestScore = long.MinValue;
        // On burst now, but inside its guarantee, it is counted there from the next cycle on, and cannot be taken back.
        var canBeReclaimed = session.ReservedNodes.Count > 0 && standing == Standing.Burst && !_guaranteed.IsInsideGuarantee(applicant);
        foreach (var node in session.ReservedNodes)
        {
            if ((node.Flavor < 0 || _allowed[node.Flavor] || !pod.Pod.Shape.Gpu.IsAny)
                && pod.Kind.Heap.StaticRejection(node) is null
                && NodeFilters.PassesDynamic(node.Brief, pod.Kind.Request)
                && session.Neighbours.Allows(node, pod.Kind)
                && Reservations.MakesWay(session, applicant, canBeReclaimed, node.Reservation!))
            {
                var score = session.Candidates.Score(node, node.Brief, pod.Kind);
                if (best is null || score > bestScore || (score == bestScore && node.Index < best.Index))
                {
                    (best, bestScore) = (node, score);
                }
            }
        }

        return best;
    }
}
