using Scheduler.Core.Actions.Victims;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions;

/// <summary>
/// Takes capacity back for a workload that found none: finds victims, tells them to leave, and keeps what they free for
/// it. One class for all three scopes, which differ only in who may be a victim (see <see cref="VictimRule"/>).
/// </summary>
internal sealed class Preempt(Session session)
{
    private readonly List<Evict> _evictions = [];
    private readonly Dictionary<(TenantId, int, VictimScope, PodShape, int), int> _failures = [];
    private readonly bool _hasMinRuntimes = session.Running.All.Any(running => running.Workload.MinRuntime > TimeSpan.Zero);
    private VictimOptionsCache? _cache;
    private readonly Dictionary<TenantId, int> _lowestPriorities = LowestPriorities(session);

    /// <summary>Who is to leave, in the order of the cycle.</summary>
    public IReadOnlyList<Evict> Evictions => _evictions;

    /// <summary>
    /// Keeps room for a workload that room must be made for, or is being made. False if there is no way.
    /// </summary>
    public bool TryFor(Applicant applicant, VictimScope scope)
    {
        if (IsHopeless(applicant, scope))
        {
            return false;
        }

        var isFound = Search(applicant, scope);
        if (!isFound && KeyOf(applicant, scope) is { } key)
        {
            _failures[key] = _evictions.Count;
        }

        return isFound;
    }

    /// <summary>The lowest priority that each leaf has running and could lose.</summary>
    private static Dictionary<TenantId, int> LowestPriorities(Session session)
    {
        var lowest = new Dictionary<TenantId, int>();
        foreach (var running in session.Running.All)
        {
            if (running.Tenant is { } tenant && running.Workload.IsManaged && running.Workload.IsPreemptible)
            {
                lowest[tenant.Id] = Math.Min(lowest.GetValueOrDefault(tenant.Id, int.MaxValue), running.Workload.Priority);
            }
        }

        return lowest;
    }

    /// <summary>
    /// Whether a search can be spared: nobody could be a victim, or the same was asked before and nobody was told to leave
    /// since. Within a cycle room only shrinks, except by victims.
    /// </summary>
    private bool IsHopeless(Applicant applicant, VictimScope scope) =>
        (scope == VictimScope.Priority
            && _lowestPriorities.GetValueOrDefault(applicant.Tenant.Id, int.MaxValue) >= applicant.Workload.Priority)
        || (scope == VictimScope.FairShare && (!applicant.HasGpu || session.Excess(applicant.Tenant.Index) >= 0))
        || (KeyOf(applicant, scope) is { } key && _failures.TryGetValue(key, out var evictions) && evictions == _evictions.Count);

    /// <summary>Names a search whose answer is the same for all equal gangs; null for gangs of unequal pods.</summary>
    private static (TenantId, int, VictimScope, PodShape, int)? KeyOf(Applicant applicant, VictimScope scope)
    {
        var shape = applicant.Pending[0].Shape;
        for (var pod = 1; pod < applicant.Missing; pod++)
        {
            if (!applicant.Pending[pod].Shape.Equals(shape))
            {
                return null;
            }
        }

        return (applicant.Tenant.Id, applicant.Workload.Priority, scope, shape, applicant.Missing);
    }

    private bool Search(Applicant applicant, VictimScope scope)
    {
        var allowed = AllowedFlavors(applicant, scope);
        if (applicant.HasGpu && !allowed.Contains(true))
        {
            return false;
        }

        var rule = new VictimRule(session, applicant, scope, sparesYoung: true);
        var problem = new VictimProblem(session, applicant, rule, allowed);
        if (problem.IsSolvedByWaiting())
        {
            // Enough is leaving already. A guarantee has it kept; others take their turn when it is there.
            if (scope == VictimScope.Guarantee)
            {
                Keep(applicant, new VictimPlan([], problem.Place(new VictimSet(session, []))), scope);
            }

            return scope == VictimScope.Guarantee;
        }

        _cache ??= new VictimOptionsCache(session);
        var plan = new VictimSearch(session, _cache, applicant, rule, problem).Find();
        if (plan is null && scope == VictimScope.Guarantee && _hasMinRuntimes)
        {
            // Nothing else can serve the guarantee: not even the minimum runtime protects.
            var anyone = new VictimRule(session, applicant, scope, sparesYoung: false);
            plan = new VictimSearch(session, _cache, applicant, anyone, new VictimProblem(session, applicant, anyone, allowed)).Find();
        }

        if (plan is null)
        {
            return false;
        }

        Keep(applicant, plan, scope);
        return true;
    }

    private bool[] AllowedFlavors(Applicant applicant, VictimScope scope)
    {
        var need = applicant.Pending.Take(applicant.Missing).Sum(pod => pod.Shape.Gpu.MilliGpu);
        var tenant = applicant.Tenant;
        var admission = new Admission(
            session, applicant, scope == VictimScope.Guarantee ? Standing.Guaranteed : Standing.Burst, isSurplus: false,
            leavesLower: true);
        var allowed = new bool[session.Flavors.Length];
        for (var flavor = 0; flavor < allowed.Length; flavor++)
        {
            allowed[flavor] = scope switch
            {
                VictimScope.Guarantee => admission.Allows(flavor, need),
                VictimScope.Priority => session.Ledger.Limit(tenant.Index, flavor) > 0,
                _ => session.Excess(tenant.Index) + need <= 0 && admission.Allows(flavor, need),
            };
        }

        return allowed;
    }

    private void Keep(Applicant applicant, VictimPlan plan, VictimScope scope)
    {
        var statement = new Statement(session);
        foreach (var (node, occupant) in plan.Victims.SelectMany(unit => unit.Pods))
        {
            statement.Vacate(node, occupant);
            session.Victims.Add(occupant.Pod.Id);
            session.SetBeneficiary(occupant.Pod, applicant.Workload.Id);
            session.CountGoing(occupant.Owner.Tenant, occupant.Pod);
        }

        foreach (var unit in plan.Victims)
        {
            ForceToBurst(unit);
            _cache!.Catalogue.Renew(unit.Running);
        }

        var kept = new List<PodBinding>(plan.Placements.Count);
        foreach (var (pod, node) in plan.Placements)
        {
            var request = Session.RequestFor(pod.Shape, applicant.Tenant);
            kept.Add(statement.Keep(pod, node, request, applicant.Tenant));
        }

        applicant.Keep(kept, session.CountIn(applicant, kept, isSurplus: false));
        foreach (var group in plan.Victims.GroupBy(unit => unit.Running.Workload.Id))
        {
            var workload = group.First().Running.Workload;
            _evictions.Add(new Evict(workload.Id)
            {
                Pods = [.. group.SelectMany(unit => unit.Pods).Select(pod => pod.Occupant.Pod.Id).Order()],
                Beneficiary = applicant.Workload.Id,
                Cause = scope switch
                {
                    VictimScope.Guarantee => EvictionCause.Guarantee,
                    VictimScope.Priority => EvictionCause.Priority,
                    _ => EvictionCause.FairShare,
                },
                Deadline = session.Snapshot.Now + workload.PreemptionGrace,
                LostMilliGpuSeconds = group.Sum(unit => unit.Cost.LostMilliGpuSeconds),
            });
        }
    }

    /// <summary>Who was told to leave is counted inside the guarantee no more.</summary>
    private void ForceToBurst(VictimUnit unit)
    {
        if (unit.Running.CoreEntry is not { } core || unit.Running.Tenant is not { } tenant)
        {
            return;
        }

        var book = session.StandingOf(tenant);
        if (unit.IsWhole)
        {
            book.ForceToBurst(core);
        }

        foreach (var (_, occupant) in unit.Pods)
        {
            if (unit.Running.SurplusEntries.TryGetValue(occupant.Pod.Id, out var entry))
            {
                book.ForceToBurst(entry);
            }
        }
    }
}
