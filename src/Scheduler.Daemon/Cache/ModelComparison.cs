using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Daemon.Cache;

/// <summary>
/// Equality by content of what a snapshot is made of: the immutable arrays of the records compare by reference. What is equal keeps
/// its object, because the planner works out anew only what is another object.
/// </summary>
internal static class ModelComparison
{
    public static bool AreEqual(PodPlacement? a, PodPlacement? b) =>
        a is null || b is null ? a is null && b is null : a.Node == b.Node && a.Devices.SequenceEqual(b.Devices);

    public static bool AreEqual(Node a, Node b) =>
        a.Name == b.Name && a.Allocatable == b.Allocatable && a.MaxPods == b.MaxPods && a.Flavor == b.Flavor
        && a.IsReady == b.IsReady && a.IsCordoned == b.IsCordoned && a.IsQuarantined == b.IsQuarantined
        && a.UsedByOthers == b.UsedByOthers && a.PodsOfOthers == b.PodsOfOthers
        && a.Devices.SequenceEqual(b.Devices) && a.MigCapacities.SequenceEqual(b.MigCapacities)
        && a.Scalars.SequenceEqual(b.Scalars) && a.ScalarsUsedByOthers.SequenceEqual(b.ScalarsUsedByOthers) && a.Taints.SequenceEqual(b.Taints)
        && a.Others.SequenceEqual(b.Others) && a.AttachLimits.SequenceEqual(b.AttachLimits)
        && a.Labels.Count == b.Labels.Count && a.Labels.SequenceEqual(b.Labels);

    public static bool AreEqual(Tenant a, Tenant b) =>
        a with { Namespaces = b.Namespaces, Quotas = b.Quotas, NodePool = b.NodePool } == b
        && a.Namespaces.SequenceEqual(b.Namespaces) && a.Quotas.SequenceEqual(b.Quotas)
        && a.NodePool.Count == b.NodePool.Count && a.NodePool.SequenceEqual(b.NodePool);

    /// <summary>Whether two lists are of the same objects.</summary>
    public static bool AreSame<T>(ImmutableArray<T> a, ImmutableArray<T> b)
        where T : class
    {
        if (a.Length != b.Length)
            return false;
        for (var index = 0; index < a.Length; index++)
        {
            if (!ReferenceEquals(a[index], b[index]))
                return false;
        }

        return true;
    }

    /// <summary>The workload, in the objects of its last state as far as they are equal.</summary>
    public static Workload Reuse(Workload? before, Workload now)
    {
        if (before is null)
            return now;
        var pods = ReusePods(before.Pods, now.Pods);
        return before with { Pods = now.Pods } == now && AreSame(pods, before.Pods)
            ? before
            : now with { Pods = pods };
    }

    /// <summary>Both are sorted by id.</summary>
    private static ImmutableArray<Pod> ReusePods(ImmutableArray<Pod> before, ImmutableArray<Pod> now)
    {
        var pods = ImmutableArray.CreateBuilder<Pod>(now.Length);
        var old = 0;
        foreach (var pod in now)
        {
            while (old < before.Length && before[old].Id.CompareTo(pod.Id) < 0)
                old++;
            pods.Add(old < before.Length && AreEqual(before[old], pod) ? before[old] : pod);
        }

        return pods.MoveToImmutable();
    }

    private static bool AreEqual(Pod a, Pod b) =>
        AreEqual(a.Placement, b.Placement) && AreEqual(a.Nomination, b.Nomination)
        && a with { Placement = b.Placement, Nomination = b.Nomination } == b;
}
