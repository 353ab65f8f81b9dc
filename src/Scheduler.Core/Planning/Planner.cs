using System.Collections.Immutable;
using Scheduler.Core.Actions;
using Scheduler.Core.Model;
using Scheduler.Core.Ordering;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>
/// The planner: a pure function from a snapshot and a policy to a plan. Equal inputs give equal plans, byte for byte, in
/// any process.
/// </summary>
public static class Planner
{
    /// <summary>Plans one cycle.</summary>
    public static Plan Compute(ClusterSnapshot snapshot, SchedulingPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(policy);

        // 1 the snapshot, 2 accounts: a session knows what is free and what everybody uses
        var session = new Session(snapshot, policy);
        var queues = new CycleQueues(session);

        // 3 entitlement and, in 4, reclaim are the planner issue's: until then burst is bounded by limits alone
        var allocate = new Allocate(session, queues);
        allocate.Guaranteed();

        // 5 what others leave idle
        allocate.Burst();

        // 6 reservations and backfill are the planner issue's
        // 7 one decision for every pending workload
        return new Plan
        {
            Generation = snapshot.Generation,
            Decisions = [.. allocate.Binds, .. Waits(session, queues, allocate)],
            Accounts = Accounts(session, queues, allocate),
        };
    }

    private static List<Wait> Waits(Session session, CycleQueues queues, Allocate allocate)
    {
        var waiting = new List<(TenantNode, IReadOnlyList<Workload>)>();
        foreach (var queue in queues.ByTenant)
        {
            waiting.Add((queue.Tenant, [.. queue.Workloads.Where(workload => !allocate.IsBound(workload.Id))]));
        }

        var heldReasons = queues.Held.ToDictionary(held => held.Workload.Id, held => held.Reason);
        var examination = new WaitExamination(session);
        var waits = new List<Wait>();
        foreach (var (workload, place) in QueuePlaces.Assign(session, waiting, [.. queues.Held.Select(held => held.Workload)]))
        {
            var (reason, message, explanation) = heldReasons.TryGetValue(workload.Id, out var held)
                ? (held, HeldMessage(session, workload, held), Explanation.NotExamined)
                : examination.Examine(workload);
            waits.Add(new Wait(workload.Id) { Reason = reason, Message = message, Place = place, Explanation = explanation });
        }

        return waits;
    }

    private static string HeldMessage(Session session, Workload workload, WaitReason reason) => reason switch
    {
        WaitReason.TenantUnknown => WaitMessages.TenantUnknown(workload),
        WaitReason.TenantSuspended => WaitMessages.TenantSuspended(session.TenantOf(workload)!),
        WaitReason.GangIncomplete => WaitMessages.GangIncomplete(workload),
        WaitReason.Backoff => WaitMessages.Backoff(workload),
        WaitReason.VolumePending => WaitMessages.VolumePending(workload),
        _ => throw new InvalidOperationException($"{reason} does not hold a workload back"),
    };

    private static ImmutableArray<TenantAccount> Accounts(Session session, CycleQueues queues, Allocate allocate)
    {
        var tree = session.Snapshot.Tenants;
        var pending = new int[tree.Nodes.Length];
        var pendingMilli = new long[tree.Nodes.Length];
        var waiting = queues.ByTenant.SelectMany(queue => queue.Workloads).Concat(queues.Held.Select(held => held.Workload));
        foreach (var workload in waiting)
        {
            if (allocate.IsBound(workload.Id) || session.TenantOf(workload) is not { } tenant)
            {
                continue;
            }

            for (var node = tenant; node is not null; node = node.Parent)
            {
                pending[node.Index]++;
                pendingMilli[node.Index] += QueuePlaces.Demand(workload);
            }
        }

        return [.. tree.Nodes.Select(tenant =>
            new TenantAccount(tenant.Id, FlavorAccounts(session, tenant, pendingMilli[tenant.Index]), pending[tenant.Index]))];
    }

    private static ImmutableArray<FlavorAccount> FlavorAccounts(Session session, TenantNode tenant, long pendingMilliGpu)
    {
        var ledger = session.Ledger;
        var accounts = ImmutableArray.CreateBuilder<FlavorAccount>();
        accounts.Add(new FlavorAccount(
            FlavorId.Any,
            ledger.GuaranteedTotal(tenant.Index),
            TotalLimit(ledger, tenant),
            ledger.UsedGuaranteedTotal(tenant.Index),
            ledger.UsedBurstTotal(tenant.Index),
            pendingMilliGpu));
        for (var flavor = 0; flavor < ledger.Flavors.Length; flavor++)
        {
            var quota = tenant.QuotaFor(ledger.Flavors[flavor]);
            var used = ledger.Used(tenant.Index, flavor);
            if (quota is null && used == 0)
            {
                continue;
            }

            var guaranteed = ledger.UsedGuaranteed(tenant.Index, flavor);
            accounts.Add(new FlavorAccount(
                ledger.Flavors[flavor], quota?.GuaranteedMilliGpu ?? 0, quota?.LimitMilliGpu, guaranteed, used - guaranteed, 0));
        }

        return accounts.ToImmutable();
    }

    /// <summary>The limit on all flavors: that of <c>*</c>, else, where every flavor has one, their sum.</summary>
    private static long? TotalLimit(QuotaLedger ledger, TenantNode tenant)
    {
        var total = ledger.LimitTotal(tenant.Index);
        if (total != QuotaLedger.Unlimited)
        {
            return total;
        }

        return tenant.IsLeaf ? tenant.Tenant.Quotas.Sum(quota => quota.LimitMilliGpu) : null;
    }
}
