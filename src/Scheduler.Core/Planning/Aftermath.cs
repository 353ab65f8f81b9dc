using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>What a cluster is like at the moment at which a plan has taken effect, if nothing else happens.</summary>
internal static class Aftermath
{
    /// <summary>The snapshot after a plan: what it bound is placed, who was told to leave has a notice, room is kept as it says.</summary>
    public static ClusterSnapshot Of(ClusterSnapshot snapshot, Plan plan)
    {
        var pods = new Dictionary<PodId, Func<Pod, Pod>>();
        var workloads = new SortedSet<WorkloadId>();
        foreach (var decision in plan.Decisions)
        {
            if (Changes(decision) is { } changes)
            {
                workloads.Add(decision.Workload);
                foreach (var (pod, change) in changes)
                {
                    pods[pod] = change;
                }
            }
        }

        var changed = new List<Workload>(workloads.Count);
        foreach (var workload in snapshot.Workloads)
        {
            if (workloads.Contains(workload.Id) || workload.Pods.Any(pod => pod.Nomination is not null))
            {
                changed.Add(Change(workload, pods, snapshot.Now));
            }
        }

        return snapshot.Next(snapshot.Generation, snapshot.Now, new SnapshotChanges { Workloads = changed });
    }

    private static IEnumerable<(PodId Pod, Func<Pod, Pod> Change)>? Changes(Decision decision) => decision switch
    {
        Bind bind => bind.Pods.Select(place => (place.Pod, (Func<Pod, Pod>)(pod => pod with { State = PodState.Placed, Placement = At(place) }))),
        Evict evict => evict.Pods.Select(id => (id, (Func<Pod, Pod>)(pod => pod with { Notice = new PreemptionNotice(evict.Beneficiary, evict.Deadline) }))),
        Withdraw withdraw => withdraw.Pods.Select(id => (id, (Func<Pod, Pod>)(pod => pod with { Notice = null }))),
        Reserve { Kind: ReservationKind.Nomination } reserve => reserve.Pods.Select(place => (place.Pod, (Func<Pod, Pod>)(pod => pod with { Nomination = At(place) }))),
        _ => null,
    };

    private static Workload Change(Workload workload, Dictionary<PodId, Func<Pod, Pod>> pods, DateTimeOffset now)
    {
        // Room that the plan does not name again is kept no longer.
        ImmutableArray<Pod> changed = [.. workload.Pods.Select(pod =>
        {
            var plain = pod.Nomination is null ? pod : pod with { Nomination = null };
            return pods.TryGetValue(pod.Id, out var change) ? change(plain) : plain;
        })];
        var hasStarted = workload.StartedAt is not null || changed.Any(pod => pod.State == PodState.Placed);
        return workload with { Pods = changed, StartedAt = hasStarted ? workload.StartedAt ?? now : null };
    }

    private static PodPlacement At(PodBinding place) => new(place.Node, place.Devices);
}
