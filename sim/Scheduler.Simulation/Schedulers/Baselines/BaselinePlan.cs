using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Simulation.Schedulers.Baselines;

/// <summary>
/// Plans of baselines, which decide and do not explain: no waits, no accounts.
/// </summary>
internal static class BaselinePlan
{
    public static Plan Of(ClusterSnapshot snapshot, IEnumerable<Decision> decisions) =>
        new() { Generation = snapshot.Generation, Decisions = [.. decisions], Accounts = [] };

    /// <summary>Starts a workload.</summary>
    public static Bind Bind(Workload workload, ImmutableArray<PodBinding> pods) => new(workload.Id)
    {
        Pods = pods,
        Standing = Standing.Burst,
        PodsLeftWaiting = workload.CountPods(PodState.Pending) - pods.Length,
    };

    /// <summary>Preempts all pods of a workload that are not leaving yet; they have the grace that the workload asks for.</summary>
    public static Evict Evict(Workload workload, WorkloadId beneficiary, DateTimeOffset now) => new(workload.Id)
    {
        Pods = [.. workload.Pods.Where(pod => pod.State == PodState.Placed).Select(pod => pod.Id)],
        Beneficiary = beneficiary,
        Cause = EvictionCause.Priority,
        LostMilliGpuSeconds = 0,
        Deadline = now + workload.PreemptionGrace,
    };
}
