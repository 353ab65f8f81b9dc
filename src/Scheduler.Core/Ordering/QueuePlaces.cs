using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Ordering;

/// <summary>
/// The place of every waiting workload: the order in which the planner would start them if each got room in its turn.
/// Inside guarantees first, then in turns by burst share, as if each start were booked.
/// </summary>
internal static class QueuePlaces
{
    /// <summary>Waiting workloads in overall order, each with its place.</summary>
    public static List<(Workload Workload, QueuePlace Place)> Assign(
        Session session, IReadOnlyList<(TenantNode Tenant, IReadOnlyList<Workload> Waiting)> queues, IReadOnlyList<Workload> held)
    {
        var order = InTurns(session, queues);
        order.AddRange(held.OrderBy(workload => workload.SubmittedAt).ThenBy(workload => workload.Id));

        var lengths = new SortedDictionary<TenantId, int>();
        foreach (var workload in order)
        {
            var tenant = workload.Tenant ?? default;
            lengths[tenant] = lengths.GetValueOrDefault(tenant) + 1;
        }

        var seen = new SortedDictionary<TenantId, int>();
        var places = new List<(Workload, QueuePlace)>(order.Count);
        for (var index = 0; index < order.Count; index++)
        {
            var tenant = order[index].Tenant ?? default;
            seen[tenant] = seen.GetValueOrDefault(tenant) + 1;
            places.Add((order[index], new QueuePlace(seen[tenant], lengths[tenant], index + 1, order.Count)));
        }

        return places;
    }

    private static List<Workload> InTurns(
        Session session, IReadOnlyList<(TenantNode Tenant, IReadOnlyList<Workload> Waiting)> queues)
    {
        var ledger = session.Ledger;
        var used = new long[session.Snapshot.Tenants.Nodes.Length];
        foreach (var node in session.Snapshot.Tenants.Nodes)
        {
            used[node.Index] = ledger.UsedTotal(node.Index);
        }

        var order = new List<Workload>(queues.Sum(queue => queue.Waiting.Count));
        var cursors = queues.Where(queue => queue.Waiting.Count > 0).Select(queue => new Cursor(queue.Tenant, queue.Waiting)).ToList();
        while (cursors.Count > 0)
        {
            var next = cursors[0];
            for (var index = 1; index < cursors.Count; index++)
            {
                if (Compare(cursors[index], next) < 0)
                {
                    next = cursors[index];
                }
            }

            var workload = next.Waiting[next.Position++];
            order.Add(workload);
            for (var node = next.Tenant; node is not null; node = node.Parent)
            {
                used[node.Index] += Demand(workload);
            }

            if (next.Position == next.Waiting.Count)
            {
                cursors.Remove(next);
            }
        }

        return order;

        int Compare(Cursor a, Cursor b)
        {
            var insideA = used[a.Tenant.Index] + Demand(a.Head) <= ledger.GuaranteedTotal(a.Tenant.Index);
            var insideB = used[b.Tenant.Index] + Demand(b.Head) <= ledger.GuaranteedTotal(b.Tenant.Index);
            return insideA != insideB
                ? insideB.CompareTo(insideA)
                : TenantOrder.CompareBurst(tenant => Math.Max(0, used[tenant] - ledger.GuaranteedTotal(tenant)), a.Tenant, b.Tenant);
        }
    }

    /// <summary>What all waiting pods of a workload ask for, in milli-GPU.</summary>
    public static long Demand(Workload workload)
    {
        var demand = 0L;
        foreach (var pod in workload.Pods)
        {
            demand += pod.State == PodState.Pending ? pod.Shape.Gpu.MilliGpu : 0;
        }

        return demand;
    }

    private sealed class Cursor(TenantNode tenant, IReadOnlyList<Workload> waiting)
    {
        public TenantNode Tenant { get; } = tenant;

        public IReadOnlyList<Workload> Waiting { get; } = waiting;

        public int Position { get; set; }

        public Workload Head => Waiting[Position];
    }
}
