using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>
/// Finds the one reason for which a workload waits, after all that could be placed was placed: quota first, then the
/// kind of GPU, then the amount, then its pieces.
/// </summary>
internal sealed class WaitExamination(Session session)
{
    private readonly Dictionary<PlacementRequest, NodeSurvey> _surveys = [];

    /// <summary>The reason, its words and numbers.</summary>
    public (WaitReason Reason, string Message, Explanation Explanation) Examine(Workload workload)
    {
        var tenant = session.TenantOf(workload) ?? throw new InvalidOperationException($"{workload.Id} has no tenant");
        var missing = Math.Max(1, workload.MinMember - workload.CountPods(PodState.Placed));
        var pods = workload.Pods.Where(pod => pod.State == PodState.Pending)
            .OrderBy(pod => pod.Shape.Gpu.MilliGpu).ThenBy(pod => pod.Id).Take(missing).ToArray();
        var biggest = pods[^1];
        var request = Session.RequestFor(biggest.Shape, tenant);
        if (!_surveys.TryGetValue(request, out var survey))
        {
            _surveys.Add(request, survey = NodeSurvey.Of(session, request));
        }

        var need = new Need(workload, tenant, pods.Length, biggest.Shape, pods.Sum(pod => pod.Shape.Gpu.MilliGpu), survey);
        var (reason, message, free) = biggest.Shape.Gpu.IsAny ? ExamineGpu(need) : (WaitReason.NodeConstraints, WaitMessages.NoNode(need), 0L);
        var explanation = new Explanation
        {
            Rejections = survey.Rejections,
            NodesExamined = session.Nodes.Length,
            FreeMilliGpu = free,
            NeededMilliGpu = need.MilliGpu,
        };
        return (reason, message, explanation);
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
            return (WaitReason.LimitReached, WaitMessages.OverLimit(need, over, session.Ledger, allowed[0]), 0);
        }

        var beside = session.StandingOf(need.Tenant).UsedBeside(
            need.Workload, isSurplus: need.Workload.CountPods(PodState.Placed) >= need.Workload.MinMember, includesLower: false);
        var inGuarantee = withinLimit.Any(flavor => session.Ledger.FitsGuarantee(need.Tenant.Index, beside, UseOf(flavor, need.MilliGpu)));
        if (!inGuarantee && !need.Workload.IsPreemptible)
        {
            return (WaitReason.LimitReached, WaitMessages.NotPreemptible(need, session.Ledger), 0);
        }

        return ExamineCapacity(need, withinLimit, inGuarantee);
    }

    private long[] UseOf(int flavor, long milliGpu)
    {
        var uses = new long[session.Flavors.Length];
        uses[flavor] = milliGpu;
        return uses;
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

        return survey.NodesShortOfResources > 0
            ? (WaitReason.NodeConstraints, WaitMessages.ShortOfResources(need), free)
            : (WaitReason.Fragmented, WaitMessages.Fragmented(need, free), free);
    }
}

/// <summary>A waiting workload and what it needs to start.</summary>
/// <param name="Workload">The workload.</param>
/// <param name="Tenant">Its tenant.</param>
/// <param name="Pods">Pods that must be placed for it to start.</param>
/// <param name="Shape">The biggest of them.</param>
/// <param name="MilliGpu">All of them together.</param>
/// <param name="Survey">What the cluster holds for the biggest.</param>
internal sealed record Need(Workload Workload, TenantNode Tenant, int Pods, PodShape Shape, long MilliGpu, NodeSurvey Survey);
