using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.TestKit.Oracles;

/// <summary>
/// Who is inside the guarantee, told anew from the rule: what may not be preempted first, then priority descending,
/// started ascending, id; each that still fits beside those before it. Cores whole, then surplus pods of cores inside.
/// For flat leaves whose guarantees the cluster covers.
/// </summary>
public static class StandingOracle
{
    /// <summary>Pods with guaranteed standing.</summary>
    public static HashSet<PodId> GuaranteedPods(ClusterSnapshot snapshot)
    {
        var inside = new HashSet<PodId>();
        foreach (var tenant in snapshot.Tenants.Nodes.Where(node => node.IsLeaf))
        {
            var used = new Dictionary<FlavorId, long>();
            var running = snapshot.Workloads
                .Where(workload => workload.Tenant == tenant.Id && PlacedPods(workload).Count > 0)
                .OrderBy(workload => workload.IsPreemptible && workload.IsManaged)
                .ThenByDescending(workload => workload.Priority)
                .ThenBy(workload => workload.StartedAt ?? DateTimeOffset.MaxValue)
                .ThenBy(workload => workload.SubmittedAt)
                .ThenBy(workload => workload.Id)
                .ToArray();
            foreach (var workload in running)
            {
                Count(snapshot, tenant, CoreOf(workload), used, inside);
            }

            foreach (var workload in running.Where(workload => inside.Contains(CoreOf(workload)[0].Id)))
            {
                foreach (var pod in SurplusOf(workload))
                {
                    Count(snapshot, tenant, [pod], used, inside);
                }
            }
        }

        return inside;
    }

    /// <summary>Pods that hold room.</summary>
    public static IReadOnlyList<Pod> PlacedPods(Workload workload) => [.. workload.Pods.Where(pod => pod.Placement is not null)];

    /// <summary>The pods that keep a workload running: the first minMember that hold room.</summary>
    public static IReadOnlyList<Pod> CoreOf(Workload workload) => [.. PlacedPods(workload).Take(workload.MinMember)];

    /// <summary>The others.</summary>
    public static IReadOnlyList<Pod> SurplusOf(Workload workload) => [.. PlacedPods(workload).Skip(workload.MinMember)];

    private static void Count(
        ClusterSnapshot snapshot, TenantNode tenant, IReadOnlyList<Pod> pods, Dictionary<FlavorId, long> used, HashSet<PodId> inside)
    {
        var more = pods.GroupBy(pod => FlavorOf(snapshot, pod))
            .ToDictionary(group => group.Key, group => group.Sum(pod => pod.Shape.Gpu.MilliGpu));
        var any = tenant.QuotaFor(FlavorId.Any);
        var guaranteed = any?.GuaranteedMilliGpu ?? tenant.Tenant.Quotas.Sum(quota => quota.GuaranteedMilliGpu);
        var fits = used.Values.Sum() + more.Values.Sum() <= guaranteed
            && more.All(pair => pair.Value == 0
                || (tenant.QuotaFor(pair.Key) is { } named
                    ? used.GetValueOrDefault(pair.Key) + pair.Value <= named.GuaranteedMilliGpu
                        : any is not null));
        if (fits)
        {
            inside.UnionWith(pods.Select(pod => pod.Id));
            foreach (var (flavor, milli) in more)
            {
                used[flavor] = used.GetValueOrDefault(flavor) + milli;
            }
        }
    }

    private static FlavorId FlavorOf(ClusterSnapshot snapshot, Pod pod) =>
        snapshot.TryGetNodeIndex(pod.Placement!.Node, out var index) ? snapshot.Nodes[index].Flavor : FlavorId.Unlabelled;
}
