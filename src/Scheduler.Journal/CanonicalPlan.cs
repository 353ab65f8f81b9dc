using System.Buffers;
using System.Buffers.Text;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Journal;

/// <summary>
/// A plan as UTF-8 text, one line for each decision and each account: the bytes are equal exactly if the plans are. Every member of a
/// decision is in it. One instance serves any number of plans, one after the other.
/// </summary>
public sealed class CanonicalPlan
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    /// <summary>The SHA-256 of a plan's text, in lower-case hexadecimal.</summary>
    public string Digest(Plan plan)
    {
        Write(plan);
        return Convert.ToHexStringLower(SHA256.HashData(_bytes.WrittenSpan));
    }

    /// <summary>The text of a plan.</summary>
    public string Text(Plan plan)
    {
        Write(plan);
        return Encoding.UTF8.GetString(_bytes.WrittenSpan);
    }

    /// <summary>The line of one decision, without the end of the line.</summary>
    public string Line(Decision decision)
    {
        _bytes.ResetWrittenCount();
        Add(decision);
        return Encoding.UTF8.GetString(_bytes.WrittenSpan);
    }

    private void Write(Plan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        _bytes.ResetWrittenCount();
        Add("generation ").Add(plan.Generation).Add('\n');
        foreach (var decision in plan.Decisions)
        {
            Add(decision);
            Add('\n');
        }

        foreach (var account in plan.Accounts)
            Add(account);
    }

    private void Add(Decision decision)
    {
        switch (decision)
        {
            case Bind bind:
                Add("bind ").Add(bind.Workload.Value).Add(bind.Standing == Standing.Guaranteed ? " guaranteed left=" : " burst left=")
                    .Add(bind.PodsLeftWaiting).Add(bind.Pods);
                break;
            case Evict evict:
                Add("evict ").Add(evict.Workload.Value).Add(" for ").Add(evict.Beneficiary.Value).Add(" cause=").Add((int)evict.Cause)
                    .Add(" by ").Add(evict.Deadline).Add(" losing ").Add(evict.LostMilliGpuSeconds).Add(evict.Pods);
                break;
            case Withdraw withdraw:
                Add("withdraw ").Add(withdraw.Workload.Value).Add(withdraw.Pods);
                break;
            case Reserve reserve:
                Add("reserve ").Add(reserve.Workload.Value).Add(reserve.Kind == ReservationKind.Nomination ? " nomination" : " timed")
                    .Add(" from ").Add(reserve.From).Add(reserve.Pods);
                break;
            case Wait wait:
                Add(wait);
                break;
            default:
                throw new InvalidOperationException($"the journal does not know decisions of the kind {decision.GetType().Name}");
        }
    }

    private void Add(Wait wait)
    {
        var place = wait.Place;
        Add("wait ").Add(wait.Workload.Value).Add(" reason=").Add((int)wait.Reason).Add(" place=").Add(place.InTenant).Add('/').Add(place.TenantLength)
            .Add(',').Add(place.Overall).Add('/').Add(place.OverallLength).Add(": ").Add(wait.Message).Add(" | ");
        var seen = wait.Explanation;
        foreach (var (filter, nodes) in seen.Rejections)
            Add((int)filter).Add('=').Add(nodes).Add(',');
        Add(" examined=").Add(seen.NodesExamined).Add(" free=").Add(seen.FreeMilliGpu).Add(" needed=").Add(seen.NeededMilliGpu);
        if (seen.Share is { } share)
        {
            Add(" share=").Add(share.GuaranteedMilliGpu).Add('/').Add(share.EntitlementMilliGpu).Add('/').Add(share.UsedBeforeMilliGpu)
                .Add('/').Add(share.UsedAfterMilliGpu);
        }

        if (seen.Victims is { } victims)
        {
            Add(" victims");
            foreach (var victim in victims.Workloads)
                Add(' ').Add(victim.Value);
            Add(" nodes=").Add(victims.NodesConsidered).Add(" priority=").Add(victims.Priority).Add(" budgets=").Add(victims.BudgetViolations)
                .Add(" lost=").Add(victims.LostMilliGpuSeconds).Add(" disturbed=").Add(victims.Disturbed);
        }
    }

    private void Add(TenantAccount account)
    {
        Add("account ").Add(account.Tenant.Value).Add(" pending=").Add(account.PendingWorkloads);
        foreach (var flavor in account.Flavors)
        {
            Add("; ").Add(flavor.Flavor.Value).Add(' ').Add(flavor.GuaranteedMilliGpu).Add(' ').Add(flavor.LimitMilliGpu).Add(' ')
                .Add(flavor.EntitlementMilliGpu).Add(' ').Add(flavor.UsedGuaranteedMilliGpu).Add(' ').Add(flavor.UsedBurstMilliGpu).Add(' ')
                .Add(flavor.PendingMilliGpu);
        }

        Add('\n');
    }

    private CanonicalPlan Add(ImmutableArray<PodBinding> pods)
    {
        foreach (var (pod, node, devices) in pods)
        {
            Add("; ").Add(pod.Value).Add(" → ").Add(node.Value).Add('[');
            for (var index = 0; index < devices.Length; index++)
                (index == 0 ? this : Add(',')).Add(devices[index]);
            Add(']');
        }

        return this;
    }

    private CanonicalPlan Add(ImmutableArray<PodId> pods)
    {
        foreach (var pod in pods)
            Add("; ").Add(pod.Value);
        return this;
    }

    private CanonicalPlan Add(string text)
    {
        var span = _bytes.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length));
        _bytes.Advance(Encoding.UTF8.GetBytes(text, span));
        return this;
    }

    private CanonicalPlan Add(char ascii)
    {
        _bytes.GetSpan(1)[0] = (byte)ascii;
        _bytes.Advance(1);
        return this;
    }

    private CanonicalPlan Add(long? number) => number is { } value ? Add(value) : Add('-');

    private CanonicalPlan Add(long number)
    {
        Utf8Formatter.TryFormat(number, _bytes.GetSpan(20), out var length);
        _bytes.Advance(length);
        return this;
    }

    private CanonicalPlan Add(DateTimeOffset moment) => Add(moment.ToString("O", CultureInfo.InvariantCulture));
}
