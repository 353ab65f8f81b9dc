using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>
/// Finds the one reason for which a workload waits, after all that could be placed was placed: quota first, then the
/// kind of GPU, then the amount, then its pieces.
/// </summary>
internal sealed class WaitExamination(Session session, Func<TenantNode, TenantShare> shareOf)
{
    private readonly Dictionary<RequestClass, NodeSurvey> _surveys = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<NeedKey, (WaitReason Reason, string Message, Explanation Explanation)> _known = [];
    private readonly long[] _beside = new long[session.Flavors.Length + 1];
    private readonly long[] _uses = new long[session.Flavors.Length];

    /// <summary>The reason, its words and numbers.</summary>
    public (WaitReason Reason, string Message, Explanation Explanation) Examine(Applicant applicant)
    {
        // The pods that it would start with: the smallest that are enough.
        var pods = Math.Max(1, applicant.Missing);
        var biggest = applicant.Pending[Math.Max(0, applicant.Pending.Count - pods)];
        var milli = 0L;
        for (var index = applicant.Pending.Count - 1; index >= Math.Max(0, applicant.Pending.Count - pods); index--)
        {
            milli += applicant.Pending[index].Pod.Shape.Gpu.MilliGpu;
        }

        var key = new NeedKey(biggest.Kind, applicant.Tenant.Index, pods, milli, applicant.Workload.Priority,
            applicant.Workload.IsPreemptible, applicant.Missing == 0, applicant.Workload.Topology);
        if (_known.TryGetValue(key, out var known) && applicant.Reservation is null)
        {
            return known;
        }

        var survey = applicant.Reservation is null ? SurveyOf(biggest.Kind) : NodeSurvey.Of(session, biggest.Kind, applicant);
        var need = new Need(applicant, pods, biggest.Pod.Shape, milli, survey, biggest.Kind.HasNeighbours);
        var (reason, message, free) = biggest.Pod.Shape.Gpu.IsAny ? ExamineGpu(need) : (WaitReason.NodeConstraints, WaitMessages.NoNode(need), 0L);
        var explanation = new Explanation
        {
            Rejections = survey.Rejections,
            NodesExamined = session.Nodes.Length,
            FreeMilliGpu = free,
            NeededMilliGpu = need.MilliGpu,
            Share = shareOf(applicant.Tenant),
        };
        if (applicant.Reservation is { } reservation)
        {
            return (reason, message + WaitMessages.Reservation(reservation), explanation);
        }

        _known.Add(key, (reason, message, explanation));
        return (reason, message, explanation);
    }

    private NodeSurvey SurveyOf(RequestClass kind)
    {
        if (!_surveys.TryGetValue(kind, out var survey))
        {
            _surveys.Add(kind, survey = NodeSurvey.Of(session, kind));
        }

        return survey;
    }

    private (WaitReason Reason, string Message, long Free) ExamineGpu(Need need)
    {
        if (need.Survey.NodesAccepted == 0)
        {
            return need.Survey.NodesOfKind == 0
                ? (WaitReason.FlavorUnavailable, WaitMessages.NoSuchGpu(need), 0)
                : (WaitReason.NodeConstraints, WaitMessages.NoNode(need), 0);
        }

        var accepted = Enumerable.Range(0, session.Flavors.Length).Where(flavor => need.Survey.IsAccepted[flavor]).ToArray();
        var allowed = accepted.Where(flavor => session.Ledger.Limit(need.Tenant.Index, flavor) > 0).ToArray();
        if (allowed.Length == 0)
        {
            return (WaitReason.FlavorUnavailable, WaitMessages.NoQuota(need, accepted.Select(flavor => session.Flavors[flavor])), 0);
        }

        var withinLimit = allowed.Where(flavor =>
            session.Ledger.FirstOverLimit(need.Tenant.Index, flavor, need.MilliGpu) is null).ToArray();
        if (withinLimit.Length == 0)
        {
            var over = session.Ledger.FirstOverLimit(need.Tenant.Index, allowed[0], need.MilliGpu)!;
            return (WaitReason.LimitReached, WaitMessages.OverLimit(need, over, session, allowed[0]), 0);
        }

        session.Tenants[need.Tenant.Index].Book.UsedBeside(
            need.Workload, isSurplus: need.Applicant.Missing == 0, includesLower: false, _beside);
        var inGuarantee = withinLimit.Any(flavor => session.Ledger.FitsGuarantee(need.Tenant.Index, _beside, UseOf(flavor, need.MilliGpu)));
        if (!inGuarantee && !need.Workload.IsPreemptible)
        {
            return IsInsideConfigured(need)
                ? (WaitReason.GuaranteeDegraded, WaitMessages.Degraded(need, session.Ledger), 0)
                : (WaitReason.LimitReached, WaitMessages.NotPreemptible(need, session.Ledger), 0);
        }

        return ExamineCapacity(need, withinLimit, inGuarantee);
    }

    private long[] UseOf(int flavor, long milliGpu)
    {
        Array.Clear(_uses);
        _uses[flavor] = milliGpu;
        return _uses;
    }

    private bool IsInsideConfigured(Need need) =>
        session.Ledger.IsDegraded(need.Tenant)
        && session.Ledger.UsedGuaranteedTotal(need.Tenant.Index) + need.MilliGpu <= need.Tenant.TotalGuaranteedMilliGpu;

    private (WaitReason Reason, string Message, long Free) ExamineCapacity(Need need, int[] flavors, bool inGuarantee)
    {
        var survey = need.Survey;
        var free = flavors.Sum(flavor => survey.FreeMilli[flavor]);
        var quarantined = flavors.Sum(flavor => survey.QuarantinedMilli[flavor]);
        if (survey.FitsNow && !survey.Fits)
        {
            return (WaitReason.ReservedForOthers, WaitMessages.Reserved(need), free);
        }

        if (free < need.MilliGpu)
        {
            return !inGuarantee && IsInsideConfigured(need) ? (WaitReason.GuaranteeDegraded, WaitMessages.Degraded(need, session.Ledger), free)
                : free + quarantined >= need.MilliGpu ? (WaitReason.GpuQuarantined, WaitMessages.Quarantined(need, free, quarantined), free)
                : inGuarantee ? (WaitReason.InsufficientGpu, WaitMessages.Insufficient(need, free), free)
                : (WaitReason.BurstPoolBusy, WaitMessages.PoolBusy(need, free, session.Ledger), free);
        }

        var isWithheld = !inGuarantee
            && !flavors.Any(flavor => BurstPool.LeavesUnlent(session, need.Tenant, flavor, need.MilliGpu));
        if (isWithheld)
        {
            return (WaitReason.BurstPoolBusy, WaitMessages.Unlent(need, free), free);
        }

        if (need.Workload.Topology is { IsRequired: true } topology && survey.Fits)
        {
            return (WaitReason.TopologyUnavailable, WaitMessages.Topology(need, topology), free);
        }

        if (need.HasNeighbours && (survey.NodesBarredByOthers > 0 || survey.Fits))
        {
            return (WaitReason.NodeConstraints, survey.Fits ? WaitMessages.NotTogether(need) : WaitMessages.NoNode(need), free);
        }

        return survey.NodesShortOfResources > 0
            ? (WaitReason.NodeConstraints, WaitMessages.ShortOfResources(need), free)
            : (WaitReason.Fragmented, WaitMessages.Fragmented(need, free), free);
    }
}

/// <summary>A waiting workload and what it needs to start.</summary>
/// <param name="Applicant">Who waits.</param>
/// <param name="Pods">Pods that must be placed for it to start.</param>
/// <param name="Shape">The biggest of them.</param>
/// <param name="MilliGpu">All of them together.</param>
/// <param name="Survey">What the cluster holds for the biggest.</param>
/// <param name="HasNeighbours">Whether other pods decide where it may be.</param>
internal sealed record Need(Applicant Applicant, int Pods, PodShape Shape, long MilliGpu, NodeSurvey Survey, bool HasNeighbours)
{
    /// <summary>The workload.</summary>
    public Workload Workload => Applicant.Workload;

    /// <summary>Its tenant.</summary>
    public TenantNode Tenant => Applicant.Tenant;
}

/// <summary>Workloads with equal keys wait for the same reason, in the same words.</summary>
internal readonly record struct NeedKey(
    RequestClass Kind, int Tenant, int Pods, long MilliGpu, int Priority, bool IsPreemptible, bool IsSurplus, TopologyRequest? Topology);
