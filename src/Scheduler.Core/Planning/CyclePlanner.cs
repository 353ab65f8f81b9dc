using Scheduler.Core.Actions;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>
/// Plans cycle after cycle. Each plan is the one that <see cref="Planner.Compute"/> makes of the same snapshot; what did not
/// change since the last one is not worked out again. A host gains from it by keeping the objects of nodes, workloads and
/// tenants that did not change. Not for use by several threads at once.
/// </summary>
public sealed class CyclePlanner
{
    /// <summary>After so many attempts the plan stands, though some victim of it may not have been the best choice.</summary>
    private const int MaxAttempts = 4;

    private readonly SchedulingPolicy _policy;
    private Session? _session;

    /// <summary>Makes a planner that has seen nothing yet.</summary>
    public CyclePlanner(SchedulingPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        _policy = policy;
    }

    /// <summary>Plans one cycle.</summary>
    public Plan Compute(ClusterSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);

        // 1 the snapshot, 2 accounts: a session knows what is free and what everybody uses. It is let go of while a cycle
        // runs, so that one that fails leaves nothing half done behind.
        var session = _session;
        _session = null;
        if (session is not null && session.CanAdvance(snapshot))
        {
            session.Advance(snapshot);
        }
        else
        {
            session = new Session(snapshot, _policy);
        }

        var plan = Run(session);
        _session = session;
        return plan;
    }

    private static Plan Run(Session session)
    {
        var snapshot = session.Snapshot;
        var hindsight = new Hindsight();
        for (var attempt = 1; ; attempt++)
        {
            var evictions = Attempt(session, hindsight);
            if (attempt == MaxAttempts || !hindsight.Learn())
            {
                // 7 one decision for every pending workload
                var plan = new PlanWriter(session).Write(evictions);
                if (attempt == MaxAttempts || !DependsOnReservations(plan))
                {
                    return plan;
                }

                // 8 with the plan in effect, a second look must find nothing to take: what is reserved is worked out anew there
                session.Advance(Aftermath.Of(snapshot, plan));
                if (Attempt(session, new Hindsight()).Count == 0)
                {
                    return plan;
                }

                hindsight.AddOverruled(plan);
                hindsight.Learn();
            }

            session.Advance(snapshot);
        }
    }

    /// <summary>Goes through the steps of a cycle. Gives back who is to leave.</summary>
    private static IReadOnlyList<Evict> Attempt(Session session, Hindsight hindsight)
    {
        // 3 what each tenant may have now
        session.Entitlement = Entitlements.Compute(session.Snapshot.Tenants, DemandAccount.Total(session));

        // 4 guaranteed demand; where it does not fit, borrowed capacity is reclaimed
        // 5 burst demand, lowest share first; inside a tenant higher priority preempts lower
        // 6 what cannot start is given a reservation, beside which later ones are filled in
        var actions = new CycleActions(session, hindsight);
        actions.ResumeNominations();
        actions.Start();
        return actions.Evictions;
    }

    /// <summary>Whether a plan changes anything, beside room that it reserves and that the next plan does not know of.</summary>
    private static bool DependsOnReservations(Plan plan)
    {
        var (isReserved, isActive) = (false, false);
        foreach (var decision in plan.Decisions)
        {
            isReserved |= decision is Reserve { Kind: ReservationKind.Timed };
            isActive |= decision is Bind or Evict or Withdraw or Reserve { Kind: ReservationKind.Nomination };
        }

        return isReserved && isActive;
    }
}
