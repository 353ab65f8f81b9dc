using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Scheduler.Core.Model;
using Scheduler.Core.Ordering;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>Turns what a cycle did into a plan: one decision for every pending workload, and the books.</summary>
internal sealed class PlanWriter(Session session)
{
    private readonly TenantShare?[] _shares = new TenantShare?[session.Tenants.Length];
    private Dictionary<WorkloadId, DateTimeOffset>? _lastToLeave;

    /// <summary>Writes the plan.</summary>
    public Plan Write(IReadOnlyList<Evict> evictions)
    {
        var applicants = session.Tenants.SelectMany(queue => queue.Touched).ToArray();
        var decisions = ImmutableArray.CreateBuilder<Decision>();
        decisions.AddRange(evictions);
        decisions.AddRange(Withdrawals());
        decisions.AddRange(applicants.Where(applicant => applicant.Bound.Count == 0)
            .OrderBy(applicant => applicant.Tenant.Index).ThenBy(applicant => applicant.Workload.Id)
            .Select(Reserve).OfType<Reserve>());
        decisions.AddRange(applicants.Where(applicant => applicant.Bound.Count > 0).OrderBy(applicant => applicant.BoundOrder).Select(Bind));
        AddWaits(decisions);
        return new Plan
        {
            Generation = session.Snapshot.Generation,
            Decisions = decisions.DrainToImmutable(),
            Accounts = Accounts(),
        };
    }

    private static Bind Bind(Applicant applicant) => new(applicant.Workload.Id)
    {
        Pods = Bindings(applicant.Bound),
        Standing = applicant.Standing,
        PodsLeftWaiting = applicant.Pending.Count,
    };

    private static ImmutableArray<PodBinding> Bindings(IReadOnlyList<Placement> placements)
    {
        var bindings = new PodBinding[placements.Count];
        for (var index = 0; index < bindings.Length; index++)
        {
            var (pod, node, devices, _, _) = placements[index];
            bindings[index] = new PodBinding(pod.Id, node.Node.Name, devices);
        }

        if (bindings.Length > 1)
        {
            Array.Sort(bindings, (a, b) => a.Pod.CompareTo(b.Pod));
        }

        return ImmutableCollectionsMarshal.AsImmutableArray(bindings);
    }

    private Reserve? Reserve(Applicant applicant)
    {
        if (applicant.Kept.Count > 0)
        {
            return new Reserve(applicant.Workload.Id)
            {
                Kind = ReservationKind.Nomination,
                Pods = Bindings(applicant.Kept),
                From = LastToLeave(applicant) ?? session.Snapshot.Now,
            };
        }

        return applicant.Reservation is { } reservation
            ? new Reserve(applicant.Workload.Id)
            {
                Kind = ReservationKind.Timed,
                Pods = Bindings(reservation.Placements),
                From = reservation.From,
            }
            : null;
    }

    /// <summary>Notices that are taken back, by workload.</summary>
    private IEnumerable<Withdraw> Withdrawals() =>
        session.Roster.Withdrawn
            .GroupBy(occupant => occupant.Owner.Workload.Id)
            .OrderBy(group => group.Key)
            .Select(group => new Withdraw(group.Key) { Pods = [.. group.Select(occupant => occupant.Pod.Id).Order()] });

    private void AddWaits(ImmutableArray<Decision>.Builder decisions)
    {
        var heldReasons = session.Roster.Held.ToDictionary(held => held.Workload.Id, held => held.Reason);
        var examination = new WaitExamination(session, ShareOf);
        foreach (var (workload, applicant, place) in QueuePlaces.Assign(session))
        {
            var (reason, message, explanation) = applicant is null
                ? (heldReasons[workload.Id], HeldMessage(workload, heldReasons[workload.Id]), Explanation.NotExamined)
                : applicant.Kept.Count > 0
                    ? (WaitReason.WaitingForVictims, WaitMessages.ForVictims(applicant, LastToLeave(applicant)), Explanation.NotExamined)
                    : examination.Examine(applicant);
            decisions.Add(new Wait(workload.Id)
            {
                Reason = reason,
                Message = message,
                Place = place,
                Explanation = applicant is { Kept.Count: > 0 }
                    ? explanation with { Share = ShareOf(applicant.Tenant), Victims = applicant.Victims }
                    : explanation,
            });
        }
    }

    /// <summary>What a tenant had before this plan and has after it.</summary>
    private TenantShare ShareOf(TenantNode tenant) => _shares[tenant.Index] ??= new TenantShare(
        session.Ledger.GuaranteedTotal(tenant.Index),
        session.Entitlement[tenant.Index],
        session.UsedBefore[tenant.Index],
        session.Ledger.UsedTotal(tenant.Index));

    /// <summary>When the last of those has left who leave for a workload, or are in its room; null if that may be at any moment.</summary>
    private DateTimeOffset? LastToLeave(Applicant applicant)
    {
        _lastToLeave ??= Occupant.LastToLeave(session.Roster.Going.Concat(session.Roster.Chosen));
        var last = _lastToLeave.TryGetValue(applicant.Workload.Id, out var ofVictims) ? ofVictims : DateTimeOffset.MinValue;
        foreach (var kept in applicant.Kept)
        {
            last = kept.From > last ? kept.From : last;
        }

        return last > session.Snapshot.Now ? last : null;
    }

    private string HeldMessage(Workload workload, WaitReason reason) => reason switch
    {
        WaitReason.TenantUnknown => WaitMessages.TenantUnknown(workload),
        WaitReason.TenantSuspended => WaitMessages.TenantSuspended(session.TenantOf(workload)!),
        WaitReason.GangIncomplete => WaitMessages.GangIncomplete(workload),
        WaitReason.Backoff => WaitMessages.Backoff(workload),
        WaitReason.VolumePending => WaitMessages.VolumePending(workload),
        _ => throw new InvalidOperationException($"{reason} does not hold a workload back"),
    };

    private ImmutableArray<TenantAccount> Accounts()
    {
        var tree = session.Snapshot.Tenants;
        var pending = new int[tree.Nodes.Length];
        var pendingMilli = new long[tree.Nodes.Length];
        var kept = new QuotaUse(tree.Nodes.Length, session.Flavors.Length);
        foreach (var queue in session.Tenants)
        {
            Count(queue.Tenant, queue.Applicants.Count, queue.DemandMilliGpu);
            foreach (var applicant in queue.Touched)
            {
                if (applicant.Bound.Count > 0)
                {
                    Count(queue.Tenant, -1, -applicant.DemandMilliGpu);
                }

                CountKept(applicant, kept);
            }
        }

        foreach (var (workload, _) in session.Roster.Held)
        {
            if (session.TenantOf(workload) is { } tenant)
            {
                Count(tenant, 1, workload.Pods.Sum(pod => pod.State == PodState.Pending ? pod.Shape.Gpu.MilliGpu : 0));
            }
        }

        return [.. tree.Nodes.Select(tenant =>
            new TenantAccount(tenant.Id, FlavorAccounts(tenant, pendingMilli[tenant.Index], kept), pending[tenant.Index]))];

        void Count(TenantNode tenant, int workloads, long milliGpu)
        {
            for (var node = tenant; node is not null; node = node.Parent)
            {
                pending[node.Index] += workloads;
                pendingMilli[node.Index] += milliGpu;
            }
        }
    }

    /// <summary>What is kept for waiting workloads is booked in the cycle, but is not in use.</summary>
    private static void CountKept(Applicant applicant, QuotaUse kept)
    {
        foreach (var (pod, node, _, _, _) in applicant.Kept)
        {
            if (node.Flavor >= 0)
            {
                kept.Add(applicant.Tenant, node.Flavor, pod.Shape.Gpu.MilliGpu, applicant.CoreEntry is { IsGuaranteed: true });
            }
        }
    }

    private ImmutableArray<FlavorAccount> FlavorAccounts(TenantNode tenant, long pendingMilliGpu, QuotaUse kept)
    {
        var ledger = session.Ledger;
        var accounts = ImmutableArray.CreateBuilder<FlavorAccount>();
        var limit = DemandAccount.TotalLimit(ledger, tenant);
        accounts.Add(new FlavorAccount(
            FlavorId.Any,
            ledger.GuaranteedTotal(tenant.Index),
            limit == QuotaLedger.Unlimited ? null : limit,
            session.Entitlement[tenant.Index],
            ledger.UsedGuaranteedTotal(tenant.Index) - kept.GuaranteedTotal(tenant.Index),
            ledger.UsedBurstTotal(tenant.Index) - kept.BurstTotal(tenant.Index),
            pendingMilliGpu));
        for (var flavor = 0; flavor < ledger.Flavors.Length; flavor++)
        {
            var quota = tenant.QuotaFor(ledger.Flavors[flavor]);
            var guaranteed = ledger.UsedGuaranteed(tenant.Index, flavor) - kept.Guaranteed(tenant.Index, flavor);
            var burst = ledger.Used(tenant.Index, flavor) - ledger.UsedGuaranteed(tenant.Index, flavor) - kept.Burst(tenant.Index, flavor);
            if (quota is not null || guaranteed + burst != 0)
            {
                accounts.Add(new FlavorAccount(
                    ledger.Flavors[flavor], quota?.GuaranteedMilliGpu ?? 0, quota?.LimitMilliGpu, null, guaranteed, burst, 0));
            }
        }

        return accounts.ToImmutable();
    }
}
