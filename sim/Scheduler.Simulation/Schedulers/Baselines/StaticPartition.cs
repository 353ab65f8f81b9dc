using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Simulation.Schedulers.Baselines.Placements;

namespace Scheduler.Simulation.Schedulers.Baselines;

/// <summary>
/// Each tenant has its guarantee and never more, whoever leaves theirs idle: what a cluster divided by hard quotas does. First
/// come, first served inside a tenant, where the head of the line blocks the others of its tenant. No preemption. Places by best
/// fit, on any node.
/// </summary>
public sealed class StaticPartition : IScheduler
{
    /// <inheritdoc/>
    public string Name => "static-partition";

    /// <inheritdoc/>
    public Plan Decide(ClusterSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var cluster = new BaselineCluster(snapshot, room => new BestFitPlacement(room));
        var used = TenantUse.MilliGpu(snapshot);
        var blocked = new HashSet<TenantId>();
        foreach (var workload in cluster.WaitingBySubmission)
        {
            if (workload.Tenant is not { } tenant || blocked.Contains(tenant) || !snapshot.Tenants.TryGet(tenant, out var quota))
            {
                continue;
            }

            var asked = TenantUse.WaitingMilliGpu(workload);
            if (used.GetValueOrDefault(tenant) + asked <= quota.TotalGuaranteedMilliGpu && cluster.TryStart(workload))
            {
                used[tenant] = used.GetValueOrDefault(tenant) + asked;
            }
            else
            {
                blocked.Add(tenant);
            }
        }

        return cluster.ToPlan();
    }
}

/// <summary>GPU of tenants.</summary>
internal static class TenantUse
{
    /// <summary>Milli-GPU in use, by tenant.</summary>
    public static Dictionary<TenantId, long> MilliGpu(ClusterSnapshot snapshot)
    {
        var used = new Dictionary<TenantId, long>();
        foreach (var workload in snapshot.Workloads)
        {
            if (workload.Tenant is { } tenant)
            {
                used[tenant] = used.GetValueOrDefault(tenant)
                    + workload.Pods.Where(pod => pod.State != PodState.Pending).Sum(pod => pod.Shape.Gpu.MilliGpu);
            }
        }

        return used;
    }

    /// <summary>Milli-GPU that waiting pods of a workload ask for.</summary>
    public static long WaitingMilliGpu(Workload workload) =>
        workload.Pods.Where(pod => pod.State == PodState.Pending).Sum(pod => pod.Shape.Gpu.MilliGpu);
}
