using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Ordering;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>Turns what a cycle did into a plan: one decision for every pending workload, and the books.</summary>
internal sealed class PlanWriter(Session session, CycleQueues queues)
{
    /// <summary>Writes the plan.</summary>
    public Plan Write(IReadOnlyList<Evict> evictions)
    {
        var applicants = queues.ByTenant.SelectMany(queue => queue.Applicants).ToArray();
        var binds = applicants.Where(applicant => applicant.Bound.Count > 0).Select(Bind);
        var reserves = applicants.Where(applicant => applicant.Kept.Count > 0).Select(Reserve);
        return new Plan
        {
            Generation = session.Snapshot.Generation,
            Decisions = [.. evictions, .. Withdrawals(applicants), .. reserves, .. binds.OrderBy(pair => pair.Order).Select(pair => pair.Bind), .. Waits()],
            Accounts = Accounts(),
        };
    }

    private static (int Order, Bind Bind) Bind(Applicant applicant) => (applicant.BoundOrder, new Bind(applicant.Workload.Id)
    {
        Pods = [.. applicant.Bound.OrderBy(pod => pod.Pod)],
        Standing = applicant.Standing,
        PodsLeftWaiting = applicant.Pending.Count,
    });

    private Reserve Reserve(Applicant applicant) => new(applicant.Workload.Id)
    {
        Pods = [.. applicant.Kept.OrderBy(pod => pod.Pod)],
        From = LastToLeave(applicant) ?? session.Snapshot.Now,
    };

    /// <summary>Notices whose beneficiary no longer waits, or found another place.</summary>
    private IEnumerable<Withdraw> Withdrawals(Applicant[] applicants)
    {
        var stillKept = applicants.Where(applicant => applicant.Kept.Count > 0).Select(applicant => applicant.Workload.Id).ToHashSet();
        foreach (var workload in session.Snapshot.Workloads)
        {
            ImmutableArray<PodId> pods =
            [
                .. workload.Pods
                    .Where(pod => pod.State == PodState.Placed && pod.Notice is { } notice && !stillKept.Contains(notice.Beneficiary)
                        && !session.Victims.Contains(pod.Id))
                    .Select(pod => pod.Id),
            ];
            if (!pods.IsEmpty)
            {
                yield return new Withdraw(workload.Id) { Pods = pods };
            }
        }
    }

    private List<Wait> Waits()
    {
        var waiting = new List<(TenantNode, IReadOnlyList<Workload>)>();
        var applicants = new Dictionary<WorkloadId, Applicant>();
        foreach (var queue in queues.ByTenant)
        {
            var left = queue.Applicants.Where(applicant => applicant.Bound.Count == 0).ToArray();
            waiting.Add((queue.Tenant, [.. left.Select(applicant => applicant.Workload)]));
            foreach (var applicant in left)
            {
                applicants.Add(applicant.Workload.Id, applicant);
            }
        }

        var heldReasons = queues.Held.ToDictionary(held => held.Workload.Id, held => held.Reason);
        var examination = new WaitExamination(session);
        var waits = new List<Wait>();
        foreach (var (workload, place) in QueuePlaces.Assign(session, waiting, [.. queues.Held.Select(held => held.Workload)]))
        {
            var (reason, message, explanation) = heldReasons.TryGetValue(workload.Id, out var held)
                ? (held, HeldMessage(workload, held), Explanation.NotExamined)
                : applicants[workload.Id] is { Kept.Count: > 0 } applicant
                    ? (WaitReason.WaitingForVictims, WaitMessages.ForVictims(applicant, LastToLeave(applicant)), Explanation.NotExamined)
                    : examination.Examine(workload);
            waits.Add(new Wait(workload.Id) { Reason = reason, Message = message, Place = place, Explanation = explanation });
        }

        return waits;
    }

    /// <summary>When the last of those that leave for a workload does so; null if that is not known.</summary>
    private DateTimeOffset? LastToLeave(Applicant applicant)
    {
        var last = default(DateTimeOffset?);
        foreach (var running in session.Running.All)
        {
            foreach (var (_, occupant) in running.Pods)
            {
                var deadline = session.BeneficiaryOf(occupant.Pod) == applicant.Workload.Id
                    ? occupant.Pod.Notice?.Deadline ?? session.Snapshot.Now + running.Workload.PreemptionGrace
                    : (DateTimeOffset?)null;
                last = deadline is not null && (last is null || deadline > last) ? deadline : last;
            }
        }

        return last;
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
        foreach (var applicant in queues.ByTenant.SelectMany(queue => queue.Applicants))
        {
            if (applicant.Bound.Count == 0)
            {
                Count(applicant.Tenant, applicant.Workload);
            }

            CountKept(applicant, kept);
        }

        foreach (var (workload, _) in queues.Held)
        {
            if (session.TenantOf(workload) is { } tenant)
            {
                Count(tenant, workload);
            }
        }

        return [.. tree.Nodes.Select(tenant =>
            new TenantAccount(tenant.Id, FlavorAccounts(tenant, pendingMilli[tenant.Index], kept), pending[tenant.Index]))];

        void Count(TenantNode tenant, Workload workload)
        {
            for (var node = tenant; node is not null; node = node.Parent)
            {
                pending[node.Index]++;
                pendingMilli[node.Index] += QueuePlaces.Demand(workload);
            }
        }
    }

    /// <summary>What is kept for waiting workloads is booked in the cycle, but is not in use.</summary>
    private void CountKept(Applicant applicant, QuotaUse kept)
    {
        foreach (var binding in applicant.Kept)
        {
            var milli = applicant.Pending.First(pod => pod.Id == binding.Pod).Shape.Gpu.MilliGpu;
            if (milli > 0 && session.Snapshot.TryGetNodeIndex(binding.Node, out var index))
            {
                kept.Add(applicant.Tenant, session.Nodes[index].Flavor, milli, applicant.KeptEntry is { IsGuaranteed: true });
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
