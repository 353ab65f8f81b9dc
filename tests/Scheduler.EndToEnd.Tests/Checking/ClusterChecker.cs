using k8s.Models;
using Scheduler.EndToEnd.Tests.Openb;

namespace Scheduler.EndToEnd.Tests.Checking;

/// <summary>
/// Judges a cluster by what its API server says, without any code of the scheduler: lists of pods, nodes and tenants in, a
/// sentence for each thing that is wrong out.
/// </summary>
public static class ClusterChecker
{
    private const string NoTenant = "";

    /// <summary>
    /// What must never be: a node or device that is given more than it has (W1), a tenant above its limit (W2), a device shared
    /// against a tenant's will, a pod where its selectors do not allow it, a waiting pod without a reason (W15).
    /// </summary>
    public static IReadOnlyList<string> Violations(IReadOnlyList<V1Pod> pods, IReadOnlyList<V1Node> nodes, IReadOnlyList<TenantLimit> tenants)
    {
        var found = new List<string>();
        var books = Open(pods, nodes, tenants, found);
        found.AddRange(books.Values.SelectMany(node => node.Excesses()));
        found.AddRange(books.Values.SelectMany(node => node.UnwantedSharing(tenant => Shares(tenant, tenants))));
        found.AddRange(pods.Where(IsRunning).Where(pod => books.TryGetValue(pod.Spec.NodeName, out var node) && !NodeMatch.IsChosen(pod, node.Node))
            .Select(pod => $"pod {NameOf(pod)} is on node {pod.Spec.NodeName}, which it does not select"));
        foreach (var limit in tenants)
        {
            var used = UseOf(limit, pods, books);
            if (used > limit.LimitMilliGpu)
                found.Add($"tenant {limit.Tenant} uses {used} thousandths of a GPU of flavor {limit.Flavor}, and its limit is {limit.LimitMilliGpu}");
        }
        found.AddRange(pods.Where(IsWaiting).Where(pod => !SaysWhy(pod)).Select(pod => $"pod {NameOf(pod)} waits and does not say why"));
        return found;
    }

    /// <summary>
    /// Which waiting pods could run now (W7): those within their tenant's limit for which some open node that they select has room.
    /// Room that is kept for a pod while others leave for it is not theirs: a pod that says so may wait.
    /// </summary>
    public static IReadOnlyList<string> FitsButWaits(IReadOnlyList<V1Pod> pods, IReadOnlyList<V1Node> nodes, IReadOnlyList<TenantLimit> tenants)
    {
        var books = Open(pods, nodes, tenants, []);
        var kept = pods.Any(IsLeaving) ? pods.Where(IsWaiting).ToLookup(KeptNode, StringComparer.Ordinal) : null;
        var used = tenants.ToDictionary(limit => limit, limit => UseOf(limit, pods, books) + (kept is null ? 0 : KeptOf(limit, pods, books)));
        var found = new List<string>();
        foreach (var pod in pods.Where(IsWaiting))
        {
            var (demand, tenant) = (PodDemand.Of(pod), TenantOf(pod, tenants));
            if (tenant == NoTenant) continue;
            var room = books.Values.FirstOrDefault(node =>
                !(kept is not null && SaysKept(pod) && kept[node.Node.Metadata.Name].Any(other => other != pod))
                && NodeMatch.IsOpen(pod, node.Node) && NodeMatch.IsChosen(pod, node.Node)
                && node.HasRoomFor(demand, tenant, other => Shares(other, tenants))
                && tenants.Where(limit => limit.Tenant == tenant && limit.Covers(node.Product)).All(limit => used[limit] + demand.MilliGpu <= limit.LimitMilliGpu));
            if (room is not null) found.Add($"pod {NameOf(pod)} waits ({ReasonOf(pod)}), and node {room.Node.Metadata.Name} has room for it");
        }
        return found;
    }

    private static Dictionary<string, NodeBooks> Open(
        IReadOnlyList<V1Pod> pods, IReadOnlyList<V1Node> nodes, IReadOnlyList<TenantLimit> tenants, List<string> found)
    {
        var books = nodes.ToDictionary(node => node.Metadata.Name, node => new NodeBooks(node), StringComparer.Ordinal);
        foreach (var pod in pods.Where(IsRunning))
        {
            if (books.TryGetValue(pod.Spec.NodeName, out var node)) found.AddRange(node.Add(pod, TenantOf(pod, tenants)));
            else found.Add($"pod {NameOf(pod)} is on node {pod.Spec.NodeName}, which does not exist");
        }
        return books;
    }

    private static long UseOf(TenantLimit limit, IReadOnlyList<V1Pod> pods, Dictionary<string, NodeBooks> books) => pods
        .Where(IsRunning)
        .Where(pod => limit.Namespaces.Contains(pod.Metadata.NamespaceProperty))
        .Where(pod => books.TryGetValue(pod.Spec.NodeName, out var node) && limit.Covers(node.Product))
        .Sum(pod => PodDemand.Of(pod).MilliGpu);

    // Room that is kept for a tenant counts as used, beside what leaves for it, until that is gone.
    private static long KeptOf(TenantLimit limit, IReadOnlyList<V1Pod> pods, Dictionary<string, NodeBooks> books) => pods
        .Where(IsWaiting)
        .Where(pod => limit.Namespaces.Contains(pod.Metadata.NamespaceProperty))
        .Where(pod => books.TryGetValue(KeptNode(pod), out var node) && limit.Covers(node.Product))
        .Sum(pod => PodDemand.Of(pod).MilliGpu);

    private static bool Shares(string tenant, IReadOnlyList<TenantLimit> tenants) => tenants.Any(limit => limit.Tenant == tenant && limit.SharesDevices);

    private static string TenantOf(V1Pod pod, IReadOnlyList<TenantLimit> tenants) =>
        tenants.FirstOrDefault(limit => limit.Namespaces.Contains(pod.Metadata.NamespaceProperty))?.Tenant ?? NoTenant;

    // A pod that is leaving still has what it was given until it is gone.
    private static bool IsRunning(V1Pod pod) => !string.IsNullOrEmpty(pod.Spec.NodeName) && !HasEnded(pod);

    private static bool IsWaiting(V1Pod pod) =>
        string.IsNullOrEmpty(pod.Spec.NodeName) && !HasEnded(pod) && pod.Spec.SchedulerName == "weir"
        && pod.Metadata.DeletionTimestamp is null && !(pod.Spec.SchedulingGates?.Count > 0);

    private static bool HasEnded(V1Pod pod) => pod.Status?.Phase is "Succeeded" or "Failed";

    private static bool SaysWhy(V1Pod pod) => (pod.Status?.Conditions ?? []).Any(condition =>
        condition.Type == "PodScheduled" && condition.Status == "False" && !string.IsNullOrEmpty(condition.Reason) && !string.IsNullOrEmpty(condition.Message));

    private static bool SaysKept(V1Pod pod) => ReasonOf(pod) is "ReservedForOthers" or "WaitingForVictims";

    private static string? ReasonOf(V1Pod pod) => pod.Status?.Conditions?.FirstOrDefault(condition => condition.Type == "PodScheduled")?.Reason;

    // The node of which room is kept for a pod, "" if none is.
    private static string KeptNode(V1Pod pod) =>
        pod.Metadata.Annotations?.TryGetValue(OpenbObjects.Reservation, out var room) == true ? room.Split(':')[0] : "";

    // Told to go, or going.
    private static bool IsLeaving(V1Pod pod) =>
        IsRunning(pod) && (pod.Metadata.DeletionTimestamp is not null || pod.Metadata.Annotations?.ContainsKey(OpenbObjects.PreemptBy) == true);

    private static string NameOf(V1Pod pod) => $"{pod.Metadata.NamespaceProperty}/{pod.Metadata.Name}";
}
