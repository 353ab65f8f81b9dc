using Scheduler.Core.Actions.Victims;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions;

/// <summary>
/// Takes capacity back for a workload that found none: finds victims, tells them to leave, and keeps what they free for
/// it. One class for all three scopes, which differ only in who may be a victim (see <see cref="VictimRule"/>).
/// </summary>
internal sealed class Preempt(Session session, Allocate allocate, Hindsight hindsight)
{
    private readonly List<Evict> _evictions = [];
    private readonly Dictionary<(int Tenant, int Kind, int Pods, int Priority, bool MayBurst, VictimScope Scope), int> _failures = [];
    private readonly Admission _admission = new(session);
    private VictimMarket? _market;
    private int[]? _lowestPriorities;
    private bool _hasMinRuntimes;
    private int _takenInside;
    private int _kept;

    /// <summary>Workloads that this cycle had bound, and that had to make way again before anything came of it.</summary>
    public Queue<Applicant> Displaced { get; } = [];

    /// <summary>Who is to leave, in the order of the cycle.</summary>
    public IReadOnlyList<Evict> Evictions => _evictions;

    /// <summary>
    /// Counts what leaves room for those who had their turn already, or somebody to take it from: reservations that were given
    /// up; who made way for its own tenant, and may have been out of the reach of others, who could fit beside what takes its
    /// place; who was pushed out of a guarantee.
    /// </summary>
    public int Loosened
    {
        get
        {
            var loosened = session.ReservationsCancelled + _takenInside;
            foreach (var queue in session.Tenants)
            {
                loosened += queue.Book.Demotions;
            }

            return loosened;
        }
    }

    /// <summary>Whether a workload is inside its tenant's guarantee, once lower priority makes way there.</summary>
    public bool HasClaim(Applicant applicant) => AllowedFlavors(applicant, VictimScope.Guarantee).Contains(true);

    /// <summary>
    /// Keeps room for a workload that room must be made for, or is being made. False if there is no way.
    /// </summary>
    public bool TryFor(Applicant applicant, VictimScope scope)
    {
        if (!applicant.Workload.MayPreempt || IsHopeless(applicant, scope))
        {
            return false;
        }

        var isFound = Search(applicant, scope);
        if (!isFound && applicant.IsUniform)
        {
            _failures[KeyOf(applicant, scope)] = ChangesFor(scope);
        }

        return isFound;
    }

    private static (int, int, int, int, bool, VictimScope) KeyOf(Applicant applicant, VictimScope scope) =>
        (applicant.Tenant.Index, applicant.Pending[0].Kind.Index, applicant.Missing, applicant.Workload.Priority, applicant.MayBurst, scope);

    /// <summary>
    /// Whether a search can be spared: nobody could be a victim, or the same was asked before and nobody who could not be
    /// taken then can be taken now. What room there would be if all who may be taken were gone else only shrinks within a
    /// cycle: who is told to leave frees no more than was counted on, and it is kept for somebody else.
    /// </summary>
    private bool IsHopeless(Applicant applicant, VictimScope scope)
    {
        var tenant = applicant.Tenant.Index;
        _lowestPriorities ??= LowestPriorities();
        return (scope == VictimScope.Priority && Math.Min(_lowestPriorities[tenant], session.Tenants[tenant].LowestBoundPriority) >= applicant.Workload.Priority)
            || (scope == VictimScope.FairShare && (!applicant.HasGpu || session.Excess(tenant) >= 0))
            || (applicant.IsUniform && applicant.Workload.Topology is null
                && _failures.TryGetValue(KeyOf(applicant, scope), out var known) && known == ChangesFor(scope));
    }

    /// <summary>
    /// Counts what can turn a failed search into one that succeeds: more to take; beyond a guarantee also more quota, and room on its way
    /// that was thought to be enough and is kept for somebody else now.
    /// </summary>
    private int ChangesFor(VictimScope scope) =>
        Loosened + (scope == VictimScope.Guarantee ? 0 : _kept + _evictions.Count + session.BoundBeyondEntitlement);

    /// <summary>The lowest priority that each leaf has running and could lose.</summary>
    private int[] LowestPriorities()
    {
        var lowest = new int[session.Tenants.Length];
        Array.Fill(lowest, int.MaxValue);
        foreach (var tenant in session.Tenants)
        {
            foreach (var running in tenant.Running)
            {
                _hasMinRuntimes |= running.Workload.MinRuntime > TimeSpan.Zero;
                if (running.Workload.IsManaged && running.Workload.IsPreemptible)
                {
                    lowest[tenant.Tenant.Index] = Math.Min(lowest[tenant.Tenant.Index], running.Workload.Priority);
                }
            }
        }

        return lowest;
    }

    private bool Search(Applicant applicant, VictimScope scope)
    {
        var allowed = AllowedFlavors(applicant, scope);
        if (applicant.HasGpu && !allowed.Contains(true))
        {
            return false;
        }

        var isInside = scope == VictimScope.Guarantee || _admission.IsInsideGuarantee(applicant);
        var plan = BestOf(Problems(applicant, new VictimRule(session, applicant, scope, sparesYoung: true, isInside), allowed));
        if (plan is null && scope == VictimScope.FairShare && session.Roster.Bound.Count > 0)
        {
            // What was bound in this cycle costs nothing, but may use up what its tenant can spare before there is room.
            plan = BestOf(Problems(applicant, new VictimRule(session, applicant, scope, sparesYoung: true, isInside, sparesBound: true), allowed));
        }

        if (plan is null && scope == VictimScope.Guarantee && _hasMinRuntimes)
        {
            // Nothing else can serve the guarantee: not even the minimum runtime protects.
            plan = BestOf(Problems(applicant, new VictimRule(session, applicant, scope, sparesYoung: false, isInside), allowed));
        }

        if (plan is null || (plan.Victims.Count == 0 && scope != VictimScope.Guarantee))
        {
            // What is leaving already will be room enough: a guarantee has it kept, others take their turn when it is there.
            return false;
        }

        Keep(applicant, plan, scope);
        return true;
    }

    /// <summary>
    /// One problem, or several to choose from: one for each domain that a required topology leaves; and where victims must
    /// make room in a quota that is by flavor, one for each flavor, so that quota and room are of the same one.
    /// </summary>
    private IEnumerable<VictimProblem> Problems(Applicant applicant, VictimRule rule, bool[] allowed)
    {
        if (rule.Scope != VictimScope.Priority || !applicant.HasGpu || !session.Ledger.HasFlavorQuotas)
        {
            return ByDomain(applicant, rule, allowed);
        }

        return Enumerable.Range(0, allowed.Length).Where(flavor => allowed[flavor]).SelectMany(flavor =>
        {
            var only = new bool[allowed.Length];
            only[flavor] = true;
            return ByDomain(applicant, rule, only);
        });
    }

    private IEnumerable<VictimProblem> ByDomain(Applicant applicant, VictimRule rule, bool[] allowed)
    {
        if (applicant.Workload.Topology is not { IsRequired: true } topology)
        {
            yield return new VictimProblem(session, applicant, rule, allowed, level: null, domain: 0);
            yield break;
        }

        var level = session.Topology.Level(topology.Level);
        var joined = applicant.Running is { Pods.Count: > 0 } running ? level.DomainOf(running.Pods[0].Node.Index) : -1;
        for (var domain = 0; domain < level.Domains.Count; domain++)
        {
            if (joined < 0 || domain == joined)
            {
                yield return new VictimProblem(session, applicant, rule, allowed, level, domain);
            }
        }
    }

    private VictimPlan? BestOf(IEnumerable<VictimProblem> problems)
    {
        var best = default(VictimPlan);
        foreach (var problem in problems)
        {
            if (VictimSearch.IsSolvedByWaiting(session, problem))
            {
                return new VictimPlan([], problem.Place(new Scenario())!, int.MinValue, VictimCost.Zero, NodesConsidered: 0);
            }

            _market ??= new VictimMarket(session);
            _market.Catalogue.CatchUp();
            _market.ForgetStale();
            var plan = new VictimSearch(session, _market, problem).Find();
            if (plan is not null
                && (best is null || plan.Priority < best.Priority || (plan.Priority == best.Priority && plan.Cost.CompareTo(best.Cost) < 0)))
            {
                best = plan;
            }
        }

        return best;
    }

    private bool[] AllowedFlavors(Applicant applicant, VictimScope scope)
    {
        var need = applicant.CoreMilliGpu;
        var tenant = applicant.Tenant.Index;
        var needsGuarantee = scope == VictimScope.Guarantee || !applicant.MayBurst;
        var admission = _admission.Open(
            applicant, needsGuarantee ? Standing.Guaranteed : Standing.Burst, isSurplus: false, leavesLower: scope == VictimScope.Guarantee);
        var allowed = new bool[session.Flavors.Length];
        for (var flavor = 0; flavor < allowed.Length; flavor++)
        {
            allowed[flavor] = scope switch
            {
                VictimScope.Guarantee => admission.Allows(flavor, need, isBesideVictims: true),
                // Lower priority makes way inside the guarantee by itself; limits are met by the victims.
                VictimScope.Priority => session.Ledger.Limit(tenant, flavor) > 0 && (!needsGuarantee || admission.IsInsideGuarantee(flavor, need)),
                _ => session.Excess(tenant) + need <= 0 && admission.Allows(flavor, need, freedByOthers: need, isBesideVictims: true),
            };
        }

        return allowed;
    }

    private void Keep(Applicant applicant, VictimPlan plan, VictimScope scope)
    {
        applicant.Victims = Explain(plan);
        foreach (var unit in plan.Victims)
        {
            MakeWay(unit, applicant);
        }

        var running = plan.Victims.Where(unit => unit.JustBound is null).ToArray();
        _takenInside += plan.Victims.Any(unit => unit.Running.Tenant == applicant.Tenant) ? 1 : 0;
        ForceToBurst(running);
        foreach (var unit in running)
        {
            _market!.Catalogue.Renew(unit.Running);
        }

        foreach (var node in plan.Placements.Select(placement => placement.Node))
        {
            // One beyond a guarantee, see VictimProblem.IsAllowed: it looks for another place.
            if (node.Reservation is { } reservation && reservation.Holder != applicant)
            {
                session.GiveUpReservation(reservation.Holder);
            }
        }

        // With victims on their way there is room, and quota, that there was not.
        foreach (var queue in session.Tenants)
        {
            queue.ForgetMisfits();
        }

        if (!TryStartAtOnce(applicant, scope))
        {
            KeepRoom(applicant, plan);
        }

        foreach (var group in running.GroupBy(unit => unit.Running.Workload.Id).OrderBy(group => group.Min(unit => unit.Rank)))
        {
            if (Eviction(applicant, scope, group.ToArray()) is { Pods.IsEmpty: false } eviction)
            {
                _evictions.Add(eviction);
            }
        }
    }

    private void MakeWay(VictimUnit unit, Applicant beneficiary)
    {
        if (unit.JustBound is { } justBound)
        {
            // Running work was sent away around it: without it, other victims might have been enough.
            if (justBound.Bound.Any(placement => placement.Node.Occupants.Any(occupant =>
                occupant is { IsGoing: true, Pod: { State: PodState.Placed, Notice: null } } && occupant.Beneficiary != beneficiary.Workload.Id)))
            {
                hindsight.AddLate(justBound.Workload.Id);
            }

            session.Unbind(justBound);
            _market!.Catalogue.Forget(justBound);
            justBound.WasDisplaced = true;
            Displaced.Enqueue(justBound);
            return;
        }

        foreach (var occupant in unit.Pods)
        {
            // A surplus pod may be named beside the whole of its workload.
            if (!occupant.IsGoing)
            {
                session.SendAway(occupant, beneficiary.Workload.Id);
            }
        }
    }

    /// <summary>
    /// Room that others wait for may be free until theirs is complete: with the victims on their way, this one can have it.
    /// </summary>
    private bool TryStartAtOnce(Applicant applicant, VictimScope scope) =>
        allocate.TryStartCore(applicant, scope == VictimScope.Guarantee || !applicant.MayBurst ? Standing.Guaranteed : Standing.Burst);

    private void KeepRoom(Applicant applicant, VictimPlan plan)
    {
        _kept++;
        var statement = new Statement(session);
        foreach (var (pod, node) in plan.Placements)
        {
            statement.Keep(pod.Pod, node, pod.Kind.Request, applicant);
        }

        session.Touch(applicant);
        session.CancelReservation(applicant);
        var kept = statement.Placements;
        applicant.Keep(kept);
        session.CountIn(applicant, kept, isSurplus: false);
    }

    private static VictimExplanation Explain(VictimPlan plan) => new()
    {
        Workloads = [.. plan.Victims.Where(unit => unit.JustBound is null).Select(unit => unit.Running.Workload.Id).Distinct().Order()],
        NodesConsidered = plan.NodesConsidered,
        Priority = plan.Priority,
        BudgetViolations = plan.Cost.BudgetViolations,
        LostMilliGpuSeconds = plan.Cost.LostMilliGpuSeconds,
        Disturbed = plan.Cost.Disturbed,
    };

    private Evict Eviction(Applicant applicant, VictimScope scope, VictimUnit[] units)
    {
        var workload = units[0].Running.Workload;
        return new Evict(workload.Id)
        {
            // Whoever was about to be let off has a notice already: that stands.
            Pods =
            [
                .. units.SelectMany(unit => unit.Pods).Where(occupant => occupant.Pod.Notice is null)
                    .Select(occupant => occupant.Pod.Id).Distinct().Order(),
            ],
            Beneficiary = applicant.Workload.Id,
            Cause = scope switch
            {
                VictimScope.Guarantee => EvictionCause.Guarantee,
                VictimScope.Priority => EvictionCause.Priority,
                _ => EvictionCause.FairShare,
            },
            Deadline = session.Snapshot.Now + workload.PreemptionGrace,
            LostMilliGpuSeconds = units.Sum(unit => unit.LostMilliGpuSeconds),
        };
    }

    /// <summary>Who was told to leave is counted inside the guarantee no more.</summary>
    private void ForceToBurst(IEnumerable<VictimUnit> units)
    {
        var byTenant = new SortedDictionary<int, HashSet<StandingEntry>>();
        foreach (var occupant in units.SelectMany(unit => unit.Pods))
        {
            if (occupant is { Entry: { IsForcedToBurst: false } entry, Owner.Tenant: { } tenant })
            {
                if (!byTenant.TryGetValue(tenant.Index, out var entries))
                {
                    byTenant.Add(tenant.Index, entries = new HashSet<StandingEntry>(ReferenceEqualityComparer.Instance));
                }

                entries.Add(entry);
            }
        }

        foreach (var (tenant, entries) in byTenant)
        {
            session.Tenants[tenant].Book.ForceToBurst(entries);
        }
    }
}
