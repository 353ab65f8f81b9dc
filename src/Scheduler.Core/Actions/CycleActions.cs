using System.Collections.Immutable;
using Scheduler.Core.Actions.Victims;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions;

/// <summary>
/// What a cycle does about each workload in its turn, and in which order: what is free, what can be taken back, what can
/// be promised.
/// </summary>
internal sealed class CycleActions
{
    /// <summary>Each round has an eviction of its own; what is left after so many is for the next cycle.</summary>
    private const int MaxRounds = 8;

    private readonly Session _session;
    private readonly Allocate _allocate;
    private readonly Preempt _preempt;
    private readonly Reservations _reservations;
    private readonly Hindsight _hindsight;
    private int _displaced;

    /// <param name="session">The cluster.</param>
    /// <param name="hindsight">What earlier attempts at the same cycle showed; this one adds to it for the next.</param>
    public CycleActions(Session session, Hindsight hindsight)
    {
        _session = session;
        _hindsight = hindsight;
        _allocate = new Allocate(session);
        _preempt = new Preempt(session, _allocate, hindsight);
        _reservations = new Reservations(session);
    }

    /// <summary>Who is to leave, in the order of the cycle.</summary>
    public IReadOnlyList<Evict> Evictions => _preempt.Evictions;

    /// <summary>Workloads for which room was made before.</summary>
    public void ResumeNominations() => Nominations.Resume(_session, _allocate);

    /// <summary>
    /// Demand inside guarantees, then demand beyond them. Whoever makes way for the latter, and whatever is given up again,
    /// leaves room that others may have waited for, and whoever is pushed out of a guarantee can be taken from now: then all
    /// have another turn, so that a second cycle would find nothing more to do.
    /// </summary>
    public void Start()
    {
        if (_hindsight.Late.Count > 0)
        {
            _allocate.Deferred = _hindsight.Late.ToImmutableSortedSet();
            StartAll();
            _allocate.Deferred = ImmutableSortedSet<WorkloadId>.Empty;
        }

        StartAll();
    }

    private void StartAll()
    {
        for (var round = 0; round < MaxRounds; round++)
        {
            var freed = _displaced + _preempt.Loosened;
            StartGuaranteed();
            var evictions = Evictions.Count;
            var beyond = _session.BoundBeyondEntitlement;
            StartBurst();
            if (Evictions.Count == evictions && _displaced + _preempt.Loosened == freed
                && (_session.BoundBeyondEntitlement == beyond || !_session.Policy.HasFairShareReclaim))
            {
                return;
            }
        }
    }

    /// <summary>Cores first, then surplus of elastic gangs.</summary>
    private void StartGuaranteed()
    {
        do
        {
            _allocate.Cores(Standing.Guaranteed, applicant => StartsBeyond(applicant)
                || AndDisplaced(_preempt.TryFor(applicant, VictimScope.Guarantee)
                    || (!applicant.MayBurst && _preempt.TryFor(applicant, VictimScope.Priority))
                    || (!_hindsight.Unreserved.Contains(applicant.Workload.Id) && TryReserve(applicant, Standing.Guaranteed))));
            _allocate.Surplus(Standing.Guaranteed);
        }
        while (GiveUpOutgrown());
    }

    /// <summary>
    /// Nobody has to make way for a workload inside its guarantee for which there is room, if of a flavor that the guarantee
    /// does not name.
    /// </summary>
    private bool StartsBeyond(Applicant applicant) =>
        _session.Ledger.HasFlavorQuotas && applicant is { HasGpu: true, MayBurst: true } && _preempt.HasClaim(applicant)
        && _allocate.TryStartCore(applicant, Standing.Burst);

    /// <summary>
    /// Beyond its guarantee a workload holds up no demand that is inside one: what was reserved inside guarantees that others
    /// have filled since is given up, and those others have another turn. If somebody was sent away because of it, that was in
    /// vain. Says whether anything was given up; each time at least one workload more is bound.
    /// </summary>
    private bool GiveUpOutgrown()
    {
        var outgrown = _reservations.GiveUpOutgrown();
        foreach (var workload in Evictions.Count > 0 ? outgrown : [])
        {
            _hindsight.AddUnreserved(workload);
        }

        return outgrown.Count > 0;
    }

    private void StartBurst()
    {
        _allocate.Cores(Standing.Burst, applicant => AndDisplaced(PreemptOrReserve(applicant)));
        _allocate.Surplus(Standing.Burst);
    }

    private bool PreemptOrReserve(Applicant applicant) =>
        _preempt.TryFor(applicant, VictimScope.Priority)
        || (_session.Policy.HasFairShareReclaim && _preempt.TryFor(applicant, VictimScope.FairShare))
        || TryReserve(applicant, Standing.Burst);

    private bool TryReserve(Applicant applicant, Standing standing) =>
        !_hindsight.Overruled.Contains(applicant.Workload.Id) && _reservations.TryFor(applicant, standing);

    /// <summary>
    /// Workloads that were bound in this cycle and had to make way have their turn again at once. That ends: each makes way
    /// only once.
    /// </summary>
    private bool AndDisplaced(bool hasChanged)
    {
        while (_preempt.Displaced.TryDequeue(out var applicant))
        {
            _displaced++;
            if (applicant.Missing > 0)
            {
                _ = (!applicant.JoinsBurst && (_allocate.TryStartCore(applicant, Standing.Guaranteed) || _preempt.TryFor(applicant, VictimScope.Guarantee)))
                    || (applicant.MayBurst && (_allocate.TryStartCore(applicant, Standing.Burst) || PreemptOrReserve(applicant)));
            }
        }

        return hasChanged;
    }
}
