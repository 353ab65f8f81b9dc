using Scheduler.Core.Feasibility;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>
/// The words for waits: what is needed, what there is, and what would help. Read by people who submit jobs, not by
/// scheduler engineers.
/// </summary>
internal static class WaitMessages
{
    public static string TenantUnknown(Workload workload) =>
        $"no tenant owns the namespace '{workload.Namespace}'; ask an administrator to add it to a Tenant";

    public static string TenantSuspended(TenantNode tenant) =>
        $"tenant '{Suspended(tenant).Id}' is suspended; nothing new starts until an administrator resumes it";

    public static string GangIncomplete(Workload workload)
    {
        var present = workload.CountPods(PodState.Pending) + workload.CountPods(PodState.Placed);
        return $"the gang needs {workload.MinMember} pods and {present} {(present == 1 ? "exists" : "exist")}; it starts when the others are created";
    }

    public static string Backoff(Workload workload) =>
        "binding it failed repeatedly, so it is left alone for a while" + (workload.HoldUntil is { } until
            ? $"; it is tried again at {Time(until)}"
            : "");

    public static string VolumePending(Workload workload) =>
        workload.HoldDetail ?? $"a volume of {workload.Name} is not ready; see kubectl describe of its PersistentVolumeClaims";

    public static string ForVictims(Applicant applicant, DateTimeOffset? until) =>
        $"room is being made for it on {NodesOf(applicant.Kept)}"
        + (until is { } time ? $"; what runs there leaves by {Time(time)} at the latest" : "; what runs there is leaving");

    public static string Reservation(PlannedReservation reservation) =>
        $"; room is reserved for it on {NodesOf(reservation.Placements)} from {Time(reservation.From)} on";

    public static string Topology(Need need, TopologyRequest topology) =>
        $"needs {Wants(need)} in one domain of {topology.Level}; there is room in the cluster, but not in any one domain";

    public static string NoSuchGpu(Need need) =>
        $"needs {Wants(need)}, and no node has that kind of GPU in that number; ask for another kind or fewer on one node";

    public static string NoQuota(Need need, IEnumerable<FlavorId> flavors) =>
        $"needs {Wants(need)}, and tenant '{need.Tenant.Id}' has no quota for {string.Join(" or ", flavors)}; "
        + "ask for another GPU product, or an administrator for a quota";

    public static string NotTogether(Need need) =>
        $"needs {Wants(need)}; there is room for one of its pods, but affinity, spread or ports do not let all of them start on what is free";

    public static string NoNode(Need need) =>
        $"needs {Wants(need)}, and no node accepts it: {Rejections(need.Survey)}";

    public static string OverLimit(Need need, TenantNode over, Session session, int flavor)
    {
        var ledger = session.Ledger;
        var isTotal = ledger.LimitTotal(over.Index) is var limitTotal && limitTotal != QuotaLedger.Unlimited
            && ledger.UsedTotal(over.Index) + need.MilliGpu > limitTotal;
        var limit = isTotal ? limitTotal : ledger.Limit(over.Index, flavor);
        var used = isTotal ? ledger.UsedTotal(over.Index) : ledger.Used(over.Index, flavor);
        var of = isTotal ? "GPUs" : $"GPUs of {ledger.Flavors[flavor]}";
        var going = session.GoingMilliGpu(over.Index);
        return need.MilliGpu > limit
            ? $"needs {Wants(need)}, more than the limit of tenant '{over.Id}', {Gpus(limit)} {of}; it can never start like this"
            : $"needs {Wants(need)}; tenant '{over.Id}' uses {Gpus(used - going)} of its limit of {Gpus(limit)} {of}"
                + (going > 0 ? $" and {Gpus(going)} more until they have left" : "") + "; it starts when some of that ends";
    }

    public static string NotPreemptible(Need need, QuotaLedger ledger) =>
        $"needs {Wants(need)} and may not be preempted, so it can only start inside the guarantee of tenant '{need.Tenant.Id}', "
        + $"where {Gpus(ledger.UsedGuaranteedTotal(need.Tenant.Index))} of {Gpus(ledger.GuaranteedTotal(need.Tenant.Index))} GPUs are in use; "
        + "allow preemption with the annotation weir.scheduler/preemptible: \"true\"";

    public static string Quarantined(Need need, long free, long quarantined) =>
        $"needs {Wants(need)}; {Gpus(free)} GPUs are free and {Gpus(quarantined)} more are out of service";

    public static string Insufficient(Need need, long free) =>
        $"needs {Wants(need)}; {Gpus(free)} {(free == 1000 ? "GPU is" : "GPUs are")} free on nodes that it accepts; "
        + "it is inside the tenant's guarantee and next in line";

    public static string PoolBusy(Need need, long free, QuotaLedger ledger) =>
        $"needs {Wants(need)} beyond the guarantee of tenant '{need.Tenant.Id}' "
        + $"({Gpus(ledger.UsedTotal(need.Tenant.Index))} of {Gpus(ledger.GuaranteedTotal(need.Tenant.Index))} GPUs in use); "
        + $"{Gpus(free)} {(free == 1000 ? "GPU is" : "GPUs are")} free to borrow; it starts when other work ends";

    public static string Degraded(Need need, QuotaLedger ledger) =>
        $"needs {Wants(need)} inside the guarantee of tenant '{need.Tenant.Id}', which failed hardware holds at "
        + $"{Gpus(ledger.GuaranteedTotal(need.Tenant.Index))} of {Gpus(need.Tenant.TotalGuaranteedMilliGpu)} GPUs; it starts when GPUs are back";

    public static string Reserved(Need need) =>
        $"needs {Wants(need)}; there is room, but it is kept for work that comes before";

    public static string Unlent(Need need, long free) =>
        $"needs {Wants(need)} beyond the guarantee of tenant '{need.Tenant.Id}'; {Gpus(free)} GPUs are free, but kept for guarantees "
        + "that their tenants do not lend";

    public static string ShortOfResources(Need need) =>
        $"needs {Wants(need)}; {need.Survey.NodesShortOfResources} {(need.Survey.NodesShortOfResources == 1 ? "node has" : "nodes have")} "
        + "the GPUs free, but not the CPU, memory, storage or pod slots; ask for less CPU or memory";

    public static string Fragmented(Need need, long free) =>
        $"needs {Wants(need)}; {Gpus(free)} GPUs are free in total, but at most {Gpus(need.Survey.LargestPieceMilli)} "
        + (need.Shape.Gpu.Kind == GpuRequestKind.Fraction ? "on one device" : "on one node");

    private static string NodesOf(IReadOnlyList<Placement> placements)
    {
        var nodes = placements.Select(placement => placement.Node.Node.Name.Value).Distinct().Order(StringComparer.Ordinal).ToArray();
        return string.Join(", ", nodes.Take(3)) + (nodes.Length > 3 ? $" and {nodes.Length - 3} more nodes" : "");
    }

    private static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", System.Globalization.DateTimeFormatInfo.InvariantInfo);

    private static string Wants(Need need) => need.Pods == 1
        ? need.Shape.Gpu.ToString()
        : $"{need.Pods} pods at once with {Gpus(need.MilliGpu)} GPUs in all (up to {need.Shape.Gpu} each)";

    private static string Rejections(NodeSurvey survey) =>
        survey.Rejections.IsEmpty
            ? "the cluster has no nodes"
            : string.Join(", ", survey.Rejections.Select(rejection => $"{rejection.Nodes} {Words(rejection.Filter, rejection.Nodes)}"));

    private static string Words(FilterName filter, int nodes) => filter switch
    {
        FilterName.NodeReady => nodes == 1 ? "is not ready or cordoned" : "are not ready or cordoned",
        FilterName.NodePool => "outside the tenant's node pool",
        FilterName.NodeAffinity => "do not match its node selector or affinity",
        FilterName.Taints => "have a taint that it does not tolerate",
        FilterName.Volumes => "out of reach of its volumes",
        FilterName.GpuKind => "without such GPUs",
        FilterName.Resources => "short of CPU, memory, storage or pod slots",
        FilterName.GpuFree => "without free GPUs",
        FilterName.HostPorts => "where its host port is taken",
        FilterName.AttachLimit => nodes == 1 ? "takes no more volumes of its driver" : "take no more volumes of its driver",
        FilterName.PodAffinity => "not near the pods of its affinity",
        FilterName.PodAntiAffinity => "near pods that it avoids, or that avoid it",
        FilterName.TopologySpread => "where its topology spread would be too uneven",
        _ => filter.ToString(),
    };

    private static TenantNode Suspended(TenantNode tenant) =>
        tenant.Tenant.IsSuspended || tenant.Parent is null ? tenant : Suspended(tenant.Parent);

    private static string Gpus(long milliGpu) => GpuAmount.Format(milliGpu);
}
