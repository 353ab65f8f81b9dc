using Scheduler.Core.Model;
using Scheduler.Core.Ordering;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Actions;

/// <summary>
/// Starts what fits. A gang's core (minMember pods) is placed whole or not at all; its surplus follows pod by pod, after
/// every core had its turn. A workload that does not fit does not block those behind it, except through a reservation.
/// </summary>
internal sealed class Allocate(Session session, CycleQueues queues)
{
    private int _bound;

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
        var statement = new Statement(session);
        var admission = new Admission(session, applicant, standing, isSurplus: false);
        var placed = new List<PodBinding>(applicant.Missing);
        foreach (var pod in applicant.Pending)
        {
            if (placed.Count < applicant.Missing && TryPlace(statement, admission, applicant, pod) is { } binding)
            {
                placed.Add(binding);
            }
        }

        if (placed.Count < applicant.Missing)
        {
            statement.RollBackTo(0);
            return false;
        }

        session.CountIn(applicant, placed, isSurplus: false);
        applicant.Bind(placed, standing, _bound++);
        return true;
    }

    private static bool IsEligible(Applicant applicant, Standing standing)
    {
        if (applicant.IsSettled)
        {
            return false;
        }

        // What joins a core on burst is on burst, however much guarantee is left: a workload has one side of the line.
        var isCoreOnBurst = applicant.Running is { CoreEntry: { IsGuaranteed: false } };
        return standing == Standing.Burst ? applicant.MayBurst : !isCoreOnBurst;
    }

    private void Pass(Standing standing, Func<Applicant, bool> act)
    {
        Comparison<TenantNode> order = standing == Standing.Guaranteed
            ? (a, b) => TenantOrder.CompareGuaranteed(session.Ledger, a, b)
            : (a, b) => TenantOrder.CompareBurst(session.Ledger.UsedBurstTotal, a, b);
        queues.Rewind();
        var waiting = queues.ByTenant.ToList();
        while (waiting.Count > 0)
        {
            var next = waiting[0];
            for (var index = 1; index < waiting.Count; index++)
            {
                if (order(waiting[index].Tenant, next.Tenant) < 0)
                {
                    next = waiting[index];
                }
            }

            // The order changes only when something was placed or promised: walk this queue until something is.
            var hasChanged = false;
            while (!hasChanged && !next.IsExhausted)
            {
                hasChanged = act(next.Applicants[next.Position++]);
            }

            if (next.IsExhausted)
            {
                waiting.Remove(next);
            }
        }
    }

    private bool TryPlaceSurplus(Applicant applicant, Standing standing)
    {
        var statement = new Statement(session);
        var admission = new Admission(session, applicant, standing, isSurplus: true);
        var placed = new List<PodBinding>();
        foreach (var pod in applicant.Pending)
        {
            if (TryPlace(statement, admission, applicant, pod) is { } binding)
            {
                placed.Add(binding);
            }
        }

        foreach (var binding in placed)
        {
            session.CountIn(applicant, [binding], isSurplus: true);
        }

        if (placed.Count > 0)
        {
            applicant.Bind(placed, standing, _bound++);
        }

        return placed.Count > 0;
    }

    private PodBinding? TryPlace(Statement statement, Admission admission, Applicant applicant, Pod pod)
    {
        var request = Session.RequestFor(pod.Shape, applicant.Tenant);
        Span<bool> allowed = stackalloc bool[session.Flavors.Length];
        for (var flavor = 0; flavor < allowed.Length && pod.Shape.Gpu.IsAny; flavor++)
        {
            allowed[flavor] = admission.Allows(flavor, pod.Shape.Gpu.MilliGpu);
        }

        if (session.Candidates.FindBest(request, allowed) is not { } node)
        {
            return null;
        }

        if (pod.Shape.Gpu.IsAny)
        {
            admission.Add(node.Flavor, pod.Shape.Gpu.MilliGpu);
        }

        return statement.Place(pod, node, node.Bindable, request, applicant.Tenant);
    }
}
