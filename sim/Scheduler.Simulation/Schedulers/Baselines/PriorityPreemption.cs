using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Simulation.Schedulers.Baselines.Placements;

namespace Scheduler.Simulation.Schedulers.Baselines;

/// <summary>
/// Priority with preemption as in kube-scheduler's defaults: highest priority first, then first come; who does not fit does not
/// block; who does not fit without, preempts strictly lower priority, on the node where the highest priority among the victims is
/// lowest, then their priorities sum up to least, then there are fewest, then the first of them started last. No tenants, no quota.
/// </summary>
/// <remarks>
/// kube-scheduler knows no gangs. Here a gang starts whole or not at all, and preempts pod by pod for all of it or not at all; a
/// gang that loses a pod stops. Places by best fit, kinder to GPUs than its own default, which spreads.
/// </remarks>
public sealed class PriorityPreemption : IScheduler
{
    /// <inheritdoc/>
    public string Name => "priority";

    /// <inheritdoc/>
    public Plan Decide(ClusterSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var cluster = new BaselineCluster(snapshot, room => new BestFitPlacement(room));
        var leaving = snapshot.Workloads
            .Where(workload => workload.Pods.Any(pod => pod.State == PodState.Leaving || pod.Notice is not null))
            .Select(workload => workload.Id).ToHashSet();
        var awaited = snapshot.Workloads.SelectMany(workload => workload.Pods).Select(pod => pod.Notice?.Beneficiary).ToHashSet();
        foreach (var workload in cluster.WaitingBySubmission.OrderByDescending(workload => workload.Priority))
        {
            if (cluster.TryStart(workload) || awaited.Contains(workload.Id))
            {
                continue;
            }

            foreach (var victim in FindVictims(cluster, workload, leaving) ?? [])
            {
                cluster.Evict(victim, workload.Id);
                leaving.Add(victim.Id);
            }
        }

        return cluster.ToPlan();
    }

    /// <summary>
    /// Whom to preempt so that all of a workload fits, or null if no victims are enough. What it finds stays taken in this cycle: a
    /// place that was chosen is nobody else's.
    /// </summary>
    private static List<Workload>? FindVictims(BaselineCluster cluster, Workload workload, HashSet<WorkloadId> leaving)
    {
        var victims = new List<Workload>();
        var undo = new List<(int Node, int Shape, ImmutableArray<int> Devices, bool IsTaken)>();
        foreach (var pod in workload.Pods.Where(pod => pod.State == PodState.Pending))
        {
            var shape = cluster.Room.NumberOf(pod.Shape);
            var best = Enumerable.Range(0, cluster.Room.Nodes.Length)
                .Where(node => cluster.Room.PassesStatic(node, shape))
                .Select(node => (Node: node, Victims: VictimsOn(cluster, node, shape, workload.Priority, leaving, victims)))
                .Where(candidate => candidate.Victims is not null)
                .OrderBy(candidate => candidate.Victims!.Select(victim => victim.Priority).DefaultIfEmpty(int.MinValue).Max())
                .ThenBy(candidate => candidate.Victims!.Sum(victim => (long)victim.Priority))
                .ThenBy(candidate => candidate.Victims!.Count)
                .ThenByDescending(candidate => candidate.Victims!.Select(victim => victim.StartedAt).Min())
                .FirstOrDefault((Node: -1, Victims: null));
            if (best.Victims is null)
            {
                foreach (var (node, number, places, isTaken) in Enumerable.Reverse(undo))
                {
                    (isTaken ? (Action<int, int, ImmutableArray<int>>)cluster.Room.Return : cluster.Room.Take)(node, number, places);
                }

                return null;
            }

            foreach (var victim in best.Victims)
            {
                victims.Add(victim);
                foreach (var (node, number, places) in PlacesOf(cluster, victim))
                {
                    cluster.Room.Return(node, number, places);
                    undo.Add((node, number, places, IsTaken: false));
                }
            }

            var devices = DeviceAllocator.Choose(cluster.Room.Nodes[best.Node], cluster.Room.Request(shape));
            cluster.Room.Take(best.Node, shape, devices);
            undo.Add((best.Node, shape, devices, IsTaken: true));
        }

        return victims;
    }

    /// <summary>The victims on a node without which a pod does not fit: all lower ones, less those that may stay, highest first.</summary>
    private static List<Workload>? VictimsOn(
        BaselineCluster cluster, int node, int shape, int priority, HashSet<WorkloadId> leaving, List<Workload> alreadyChosen)
    {
        var name = cluster.Snapshot.Nodes[node].Name;
        var lower = cluster.Snapshot.Workloads
            .Where(other => other.Priority < priority && other.IsPreemptible && !leaving.Contains(other.Id) && !alreadyChosen.Contains(other)
                && other.Pods.Any(pod => pod.Placement?.Node == name))
            .OrderByDescending(other => other.Priority).ThenBy(other => other.StartedAt).ThenBy(other => other.Id).ToList();
        var on = lower.ToDictionary(other => other.Id, other => PlacesOf(cluster, other).Where(place => place.Node == node).ToArray());
        lower.ForEach(other => Move(on[other.Id], isLeaving: true));
        var victims = cluster.Room.Passes(node, shape) ? new List<Workload>() : null;
        foreach (var other in lower)
        {
            // A victim may stay if the pod fits beside it.
            Move(on[other.Id], isLeaving: false);
            if (victims is not null && !cluster.Room.Passes(node, shape))
            {
                Move(on[other.Id], isLeaving: true);
                victims.Add(other);
            }
        }

        victims?.ForEach(victim => Move(on[victim.Id], isLeaving: false));
        return victims;

        void Move((int Node, int Shape, ImmutableArray<int> Devices)[] places, bool isLeaving)
        {
            foreach (var (at, number, devices) in places)
            {
                (isLeaving ? (Action<int, int, ImmutableArray<int>>)cluster.Room.Return : cluster.Room.Take)(at, number, devices);
            }
        }
    }

    private static IEnumerable<(int Node, int Shape, ImmutableArray<int> Devices)> PlacesOf(BaselineCluster cluster, Workload workload) =>
        workload.Pods.Where(pod => pod.Placement is not null)
            .Select(pod => (cluster.Room.NumberOf(pod.Placement!.Node), cluster.Room.NumberOf(pod.Shape), pod.Placement.Devices));
}
