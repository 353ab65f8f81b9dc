using Scheduler.Core.Actions.Victims;
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
    private int _displaced;

    public CycleActions(Session session)
    {
        _session = session;
        _allocate = new Allocate(session);
        _preempt = new Preempt(session, _allocate);
        _reservations = new Reservations(session);
    }

    /// <summary>Who is to leave, in the order of the cycle.</summary>
    public IReadOnlyList<Evict> Evictions => _preempt.Evictions;

    /// <summary>Workloads for which room was made before.</summary>
    public void ResumeNominations() => Nominations.Resume(_session, _allocate);

    /// <summary>
    /// Demand inside guarantees, then demand beyond them. Whoever makes way for the latter, and whatever is given up again,
    /// leaves room that others may have waited for: then all have another turn, so that a second cycle would find nothing
    /// more to do.
    /// </summary>
    public void Start()
    {
        for (var round = 0; round < MaxRounds; round++)
        {
            var freed = _displaced + _session.ReservationsCancelled;
            StartGuaranteed();
            var evictions = Evictions.Count;
            var beyond = _session.BoundBeyondEntitlement;
            StartBurst();
            if (Evictions.Count == evictions && _displaced + _session.ReservationsCancelled == freed
                && (_session.BoundBeyondEntitlement == beyond || !_session.Policy.HasFairShareReclaim))
            {
                return;
            }
        }
    }

    /// <summary>
    /// Cores first, then surplus of elastic gangs. Again, where that took a guarantee from somebody with a reservation: each
    /// time at least one workload more is bound.
    /// </summary>
    private void StartGuaranteed()
    {
        do
        {
            _allocate.Cores(Standing.Guaranteed, applicant => AndDisplaced(_preempt.TryFor(applicant, VictimScope.Guarantee)
                || (!applicant.MayBurst && _preempt.TryFor(applicant, VictimScope.Priority))
                || _reservations.TryFor(applicant, Standing.Guaranteed)));
            _allocate.Surplus(Standing.Guaranteed);
        }
        while (_reservations.GiveUpOutgrown());
    }

    private void StartBurst()
    {
        _allocate.Cores(Standing.Burst, applicant => AndDisplaced(PreemptOrReserve(applicant)));
        _allocate.Surplus(Standing.Burst);
    }

    private bool PreemptOrReserve(Applicant applicant) =>
        _preempt.TryFor(applicant, VictimScope.Priority)
        || (_session.Policy.HasFairShareReclaim && _preempt.TryFor(applicant, VictimScope.FairShare))
        || _reservations.TryFor(applicant, Standing.Burst);

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
