using Scheduler.Core.Actions.Victims;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions;

/// <summary>
/// Takes capacity back for a workload that found none: finds victims, tells them to leave, and keeps what they free for
/// it. One class for all three scopes, which differ only in who may be a victim (see <see cref="VictimRule"/>).
/// </summary>
internal sealed class Preempt(Session session)
{
    private readonly List<Evict> _evictions = [];

    /// <summary>Who is to leave, in the order of the cycle.</summary>
    public IReadOnlyList<Evict> Evictions => _evictions;

    /// <summary>
    /// Keeps room for a workload that room must be made for, or is being made. False if there is no way.
    /// </summary>
    public bool TryFor(Applicant applicant, VictimScope scope)
    {
        var allowed = AllowedFlavors(applicant, scope);
        if (applicant.HasGpu && !allowed.Contains(true))
        {
            return false;
        }

        var rule = new VictimRule(session, applicant, scope, sparesYoung: true);
        var problem = new VictimProblem(session, applicant, rule, allowed);
        var nobody = new VictimSet(session, []);
        if (problem.IsSolvedBy(nobody))
        {
            // Enough is leaving already. A guarantee has it kept; others take their turn when it is there.
            if (scope == VictimScope.Guarantee)
            {
                Keep(applicant, new VictimPlan([], problem.Place(nobody)), scope);
            }

            return scope == VictimScope.Guarantee;
        }

        var plan = new VictimSearch(session, applicant, rule, allowed).Find();
        if (plan is null && scope == VictimScope.Guarantee)
        {
            // Nothing else can serve the guarantee: not even the minimum runtime protects.
            plan = new VictimSearch(session, applicant, new VictimRule(session, applicant, scope, sparesYoung: false), allowed).Find();
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
        var allowed = new bool[session.Flavors.Length];
        for (var flavor = 0; flavor < allowed.Length; flavor++)
        {
            allowed[flavor] = scope switch
            {
                VictimScope.Guarantee => Allocate.MayUse(session, tenant, flavor, need, Standing.Guaranteed),
                VictimScope.Priority => session.Ledger.Limit(tenant.Index, flavor) > 0,
                _ => session.Excess(tenant.Index) + need <= 0 && Allocate.MayUse(session, tenant, flavor, need, Standing.Burst),
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

        var kept = new List<PodBinding>(plan.Placements.Count);
        foreach (var (pod, node) in plan.Placements)
        {
            var request = Session.RequestFor(pod.Shape, applicant.Tenant);
            kept.Add(statement.Keep(pod, node, request, applicant.Tenant, scope == VictimScope.Guarantee));
        }

        applicant.Keep(kept, scope == VictimScope.Guarantee);
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
}
