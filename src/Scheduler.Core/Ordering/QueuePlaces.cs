using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Ordering;

/// <summary>
/// The place of every waiting workload: the order in which the planner would start them if each got room in its turn, as
/// if each start were booked. Inside guarantees first, lowest share of the guarantee first; then on burst, lowest share of
/// burst first; at the end those that are held back, by age.
/// </summary>
internal sealed class QueuePlaces
{
    private readonly Session _session;
    private readonly List<Applicant>[] _waiting;
    private readonly bool[][] _isPlaced;
    private readonly long[] _used;
    private readonly long[] _inside;
    private readonly List<Applicant> _order = [];

    private QueuePlaces(Session session)
    {
        _session = session;
        var tenants = session.Tenants.Length;
        _waiting = [.. session.Tenants.Select(queue => queue.Applicants.Where(applicant => applicant.Bound.Count == 0).ToList())];
        _isPlaced = [.. _waiting.Select(waiting => new bool[waiting.Count])];
        _used = new long[tenants];
        _inside = new long[tenants];
        for (var tenant = 0; tenant < tenants; tenant++)
        {
            _used[tenant] = session.Ledger.UsedTotal(tenant);
            _inside[tenant] = session.Ledger.UsedGuaranteedTotal(tenant);
        }

        foreach (var applicant in _waiting.SelectMany(waiting => waiting))
        {
            // Room that is kept is booked; here it is yet to come.
            foreach (var kept in applicant.Kept)
            {
                Book(applicant.Tenant, -kept.Pod.Shape.Gpu.MilliGpu, applicant.CoreEntry is { IsGuaranteed: true });
            }
        }
    }

    /// <summary>Waiting workloads in overall order, each with its place.</summary>
    public static List<(Workload Workload, Applicant? Applicant, QueuePlace Place)> Assign(Session session)
    {
        var places = new QueuePlaces(session);
        places.InsideGuarantees();
        places.OnBurst();
        var held = session.Roster.Held.Select(pair => pair.Workload).OrderBy(workload => workload.SubmittedAt).ThenBy(workload => workload.Id).ToArray();
        return Number(session, places._order, held);
    }

    private static List<(Workload, Applicant?, QueuePlace)> Number(Session session, List<Applicant> order, Workload[] held)
    {
        // The last entry is for workloads of no tenant.
        var lengths = new int[session.Tenants.Length + 1];
        foreach (var workload in order.Select(applicant => applicant.Workload).Concat(held))
        {
            lengths[IndexOf(workload)]++;
        }

        var seen = new int[lengths.Length];
        var all = order.Count + held.Length;
        var places = new List<(Workload, Applicant?, QueuePlace)>(all);
        foreach (var applicant in order)
        {
            places.Add((applicant.Workload, applicant, Next(applicant.Workload)));
        }

        foreach (var workload in held)
        {
            places.Add((workload, null, Next(workload)));
        }

        return places;

        int IndexOf(Workload workload) => session.TenantOf(workload)?.Index ?? lengths.Length - 1;

        QueuePlace Next(Workload workload)
        {
            var tenant = IndexOf(workload);
            return new QueuePlace(++seen[tenant], lengths[tenant], places.Count + 1, all);
        }
    }

    /// <summary>Takes from each queue, in its order, what still fits inside the guarantee.</summary>
    private void InsideGuarantees()
    {
        var positions = new int[_waiting.Length];
        var turns = TenantTurns.ForGuarantees(_session.Snapshot.Tenants, Waiting(), _session.Ledger, tenant => _inside[tenant]);
        while (turns.Next is { } tenant)
        {
            var waiting = _waiting[tenant.Index];
            var next = waiting.FindIndex(positions[tenant.Index], applicant =>
                _inside[tenant.Index] + applicant.DemandMilliGpu <= _session.Ledger.GuaranteedTotal(tenant.Index));
            if (next < 0)
            {
                turns.Remove(tenant);
                continue;
            }

            positions[tenant.Index] = next + 1;
            _isPlaced[tenant.Index][next] = true;
            _order.Add(waiting[next]);
            Book(tenant, waiting[next].DemandMilliGpu, isInside: true);
            turns.Renew(tenant);
        }
    }

    private void OnBurst()
    {
        var positions = new int[_waiting.Length];
        var turns = TenantTurns.ForBurst(_session.Snapshot.Tenants, Waiting(), tenant => _used[tenant] - _inside[tenant]);
        while (turns.Next is { } tenant)
        {
            var next = Array.IndexOf(_isPlaced[tenant.Index], false, positions[tenant.Index]);
            if (next < 0)
            {
                turns.Remove(tenant);
                continue;
            }

            positions[tenant.Index] = next + 1;
            _order.Add(_waiting[tenant.Index][next]);
            Book(tenant, _waiting[tenant.Index][next].DemandMilliGpu, isInside: false);
            turns.Renew(tenant);
        }
    }

    private IEnumerable<TenantNode> Waiting() =>
        _session.Tenants.Where(queue => _waiting[queue.Tenant.Index].Count > 0).Select(queue => queue.Tenant);

    private void Book(TenantNode tenant, long milliGpu, bool isInside)
    {
        for (var node = tenant; node is not null; node = node.Parent)
        {
            _used[node.Index] += milliGpu;
            _inside[node.Index] += isInside ? milliGpu : 0;
        }
    }
}
