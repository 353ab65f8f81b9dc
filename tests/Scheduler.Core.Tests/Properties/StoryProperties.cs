using FsCheck;
using FsCheck.Fluent;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.TestKit.Clusters;

namespace Scheduler.Core.Tests.Properties;

/// <summary>The invariants over clusters to which things happen: arrivals, ends, cordoned nodes, time.</summary>
public class StoryProperties
{
    [Cases]
    public Property W1_to_W8_W13_and_W15_hold_for_every_plan_of_a_story(Story story)
    {
        // The living cluster has every plan checked, and throws.
        var plans = 0;
        story.Play((_, _) => plans++);
        return (plans == story.Happenings.Length + 1).ToProperty();
    }

    [Cases]
    public Property W10_finite_work_ends(ClusterCase cluster, int seed)
    {
        // Everything lasts a while, and what would not even start alone is left out.
        var random = new SplitMix64((ulong)(uint)seed);
        var finite = cluster with
        {
            Workloads = [.. cluster.Workloads.Where(workload => StartsAlone(cluster, workload))
                .Select(workload => workload with { ExpectedDuration = TimeSpan.FromMinutes(random.Between(1, 5)), MinRuntime = TimeSpan.Zero })],
        };
        var living = finite.Living();

        // Alone, one after the other, they would take so long; with restarts some more.
        var most = 20 + (20 * finite.Workloads.Length);
        var minutes = 0;
        var last = "";
        for (; living.Workloads.Count > 0 && minutes < most; minutes++)
        {
            last = PlanText.Write(living.Cycle());
            living.Pass(TimeSpan.FromMinutes(1));
            living.EndDue();
        }

        return (living.Workloads.Count == 0).Label(
            $"after {minutes} minutes there are still {string.Join(", ", living.Workloads.Select(WorkloadText.Write))}; the last plan is\n{last}");
    }

    [Cases]
    public Property W14_the_books_balance(Story story)
    {
        // What the accounts of the plan say is in use, and what nodes say is not, is all there is; at every moment, and so over time.
        var wrong = new List<string>();
        var (usedSeconds, freeSeconds, capacitySeconds) = (0L, 0L, 0L);
        var last = default((DateTimeOffset At, long Used, long Free, long Capacity)?);
        story.Play((cluster, plan) =>
        {
            if (last is { } before)
            {
                var seconds = (long)(cluster.Now - before.At).TotalSeconds;
                usedSeconds += before.Used * seconds;
                freeSeconds += before.Free * seconds;
                capacitySeconds += before.Capacity * seconds;
            }

            var used = plan.Accounts.Where(account => cluster.Tenants.TryGet(account.Tenant, out var tenant) && tenant.Parent is null)
                .Sum(account => account.Total.UsedMilliGpu);
            var (free, capacity) = Books(cluster);
            if (used + free != capacity)
            {
                wrong.Add($"{used} used, {free} free or unhealthy, {capacity} installed at {cluster.Now:HH:mm:ss}\n{PlanText.Write(plan)}");
            }

            last = (cluster.Now, used, free, capacity);
        });
        return (wrong.Count == 0).Label(string.Join("; ", wrong)).And(
            (usedSeconds + freeSeconds == capacitySeconds).Label($"{usedSeconds} + {freeSeconds} is not {capacitySeconds}"));
    }

    /// <summary>What nobody has, device by device, whether idle, reserved or out of service; and all there is.</summary>
    private static (long Free, long Capacity) Books(LivingCluster cluster)
    {
        var pods = cluster.Workloads.SelectMany(workload => workload.Pods).Where(pod => pod.Placement is not null)
            .ToLookup(pod => pod.Placement!.Node);
        var free = 0L;
        foreach (var node in cluster.Nodes)
        {
            free += node.Devices.Sum(device => GpuRequest.MilliPerDevice - pods[node.Name].Sum(
                pod => pod.Placement!.Devices.Contains(device.Index) ? pod.Shape.Gpu.MilliEach : 0));
            free += node.MigCapacities.Sum(mig => GpuRequest.Mig(mig.Profile, mig.Count).MilliGpu - pods[node.Name].Sum(
                pod => pod.Shape.Gpu.MigProfile == mig.Profile ? pod.Shape.Gpu.MilliGpu : 0));
        }

        return (free, cluster.Nodes.Sum(node => node.InstalledMilliGpu));
    }

    private static bool StartsAlone(ClusterCase cluster, Workload workload)
    {
        var alone = cluster with
        {
            Workloads = [workload with
            {
                StartedAt = null,
                Pods = [.. workload.Pods.Select(pod => pod with { State = PodState.Pending, Placement = null })],
            }],
        };
        return Planner.Compute(alone.Snapshot, SchedulingPolicy.Default).Decisions.Any(decision => decision is Bind);
    }
}
