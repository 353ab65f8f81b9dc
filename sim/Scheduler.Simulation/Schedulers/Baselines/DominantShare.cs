using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Simulation.Schedulers.Baselines.Placements;

namespace Scheduler.Simulation.Schedulers.Baselines;

/// <summary>
/// Dominant resource fairness (Ghodsi et al., NSDI 2011): whose largest share of CPU, memory or GPU is smallest starts its next
/// workload, until nobody's next one fits. First come, first served inside a tenant. Equal weights, no guarantees, no preemption.
/// Places by best fit.
/// </summary>
public sealed class DominantShare : IScheduler
{
    /// <inheritdoc/>
    public string Name => "drf";

    /// <inheritdoc/>
    public Plan Decide(ClusterSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var cluster = new BaselineCluster(snapshot, room => new BestFitPlacement(room));
        var capacity = Amounts.Zero;
        foreach (var node in snapshot.Nodes)
        {
            capacity += new Amounts(node.HealthyMilliGpu, node.Allocatable.MilliCpu, node.Allocatable.MemoryBytes);
        }

        var queues = new SortedDictionary<TenantId, Queue<Workload>>();
        foreach (var workload in cluster.WaitingBySubmission)
        {
            if (workload.Tenant is { } tenant)
            {
                if (!queues.TryGetValue(tenant, out var queue))
                {
                    queues.Add(tenant, queue = []);
                }

                queue.Enqueue(workload);
            }
        }

        var used = queues.Keys.ToDictionary(tenant => tenant, _ => Amounts.Zero);
        foreach (var workload in snapshot.Workloads)
        {
            if (workload.Tenant is { } tenant && used.ContainsKey(tenant))
            {
                used[tenant] += Amounts.Of(workload, isPlaced: true);
            }
        }

        while (queues.Count > 0)
        {
            var tenant = queues.Keys.MinBy(id => used[id].DominantShareOf(capacity));
            var next = queues[tenant].Peek();
            if (cluster.TryStart(next))
            {
                used[tenant] += Amounts.Of(next, isPlaced: false);
                queues[tenant].Dequeue();
            }

            // Its next does not fit, or there is none: it is out of this cycle.
            if (queues[tenant].Count == 0 || ReferenceEquals(queues[tenant].Peek(), next))
            {
                queues.Remove(tenant);
            }
        }

        return cluster.ToPlan();
    }

    private readonly record struct Amounts(long MilliGpu, long MilliCpu, long MemoryBytes)
    {
        public static readonly Amounts Zero = new(0, 0, 0);

        public static Amounts operator +(Amounts a, Amounts b) =>
            new(a.MilliGpu + b.MilliGpu, a.MilliCpu + b.MilliCpu, a.MemoryBytes + b.MemoryBytes);

        public static Amounts Of(Workload workload, bool isPlaced)
        {
            var sum = Zero;
            foreach (var pod in workload.Pods)
            {
                if (isPlaced == (pod.State != PodState.Pending))
                {
                    sum += new Amounts(pod.Shape.Gpu.MilliGpu, pod.Shape.Requests.MilliCpu, pod.Shape.Requests.MemoryBytes);
                }
            }

            return sum;
        }

        public double DominantShareOf(Amounts capacity) =>
            Math.Max(Share(MilliGpu, capacity.MilliGpu), Math.Max(Share(MilliCpu, capacity.MilliCpu), Share(MemoryBytes, capacity.MemoryBytes)));

        private static double Share(long part, long whole) => whole == 0 ? 0 : (double)part / whole;
    }
}
