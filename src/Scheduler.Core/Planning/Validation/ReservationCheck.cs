using Scheduler.Core.Model;

namespace Scheduler.Core.Planning.Validation;

/// <summary>
/// W13: when a reservation begins, its pods fit beside everything that will then still be there and cannot be sent away
/// for its holder.
/// </summary>
internal sealed class ReservationCheck(PlanBooks books, QuotaBooks quota, StandingCheck standing)
{
    public void Check()
    {
        foreach (var (reserve, holder, pods) in books.Timed)
        {
            var nodes = new SortedDictionary<int, NodeTally>();
            foreach (var pod in pods)
            {
                nodes.TryAdd(pod.Node, new NodeTally(books.Snapshot.Nodes[pod.Node]));
            }

            var mayReclaim = MayBeInside(holder, pods);
            foreach (var placed in books.Placed)
            {
                if (books.HasTimed[placed.Node] && nodes.TryGetValue(placed.Node, out var tally) && StaysBeyond(placed, holder, reserve.From, mayReclaim))
                {
                    tally.Take(placed.Pod.Shape, placed.Pod.Placement!.Devices, placed.Owner);
                }
            }

            foreach (var bound in books.Bound)
            {
                if (books.HasTimed[bound.Node] && nodes.TryGetValue(bound.Node, out var tally) && StaysBeyond(bound, holder, reserve.From, mayReclaim))
                {
                    tally.Take(bound.Pod.Shape, bound.Devices, bound.Owner);
                }
            }

            foreach (var kept in books.Kept)
            {
                if (books.HasTimed[kept.Node] && nodes.TryGetValue(kept.Node, out var tally) && kept.Workload != holder)
                {
                    tally.Take(kept.Pod.Shape, kept.Devices, kept.Owner);
                }
            }

            Place(reserve, pods, nodes);
        }
    }

    private void Place(Reserve reserve, List<PlannedPod> pods, SortedDictionary<int, NodeTally> nodes)
    {
        foreach (var pod in pods)
        {
            var tally = nodes[pod.Node];
            if (!tally.IsCertain)
            {
                return;
            }

            if (!Fits(tally, pod))
            {
                books.Report("W13", $"the room that {reserve.Workload} has reserved on node {tally.Node.Name} from {reserve.From:O} on will not be free");
                return;
            }

            tally.Take(pod.Pod.Shape, pod.Devices, pod.Owner);
        }
    }

    private static bool Fits(NodeTally tally, in PlannedPod pod)
    {
        var shape = pod.Pod.Shape;
        if (tally.FreePods < 1 || !shape.Requests.FitsIn(tally.Free)
            || (shape.Gpu.Kind == GpuRequestKind.Mig && tally.MigFree(shape.Gpu.MigProfile!) < shape.Gpu.Count))
        {
            return false;
        }

        foreach (var (name, amount) in shape.Scalars)
        {
            if (tally.ScalarFree(name) < amount)
            {
                return false;
            }
        }

        foreach (var device in pod.Devices)
        {
            if (device < 0 || device >= tally.Node.Devices.Length || tally.DeviceFree(device) < shape.Gpu.MilliEach)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>What runs: gone by then if it leaves, or is expected to end and is not over its time already.</summary>
    private bool StaysBeyond(PlacedPod placed, int holder, DateTimeOffset from, bool mayReclaim)
    {
        var workload = books.Snapshot.Workloads[placed.Workload];
        if (placed.IsGoing || placed.Eviction is not null
            || (workload is { StartedAt: { } start, ExpectedDuration: { } duration } && start + duration > books.Snapshot.Now && start + duration <= from))
        {
            return false;
        }

        if (books.Tenants[placed.Workload] is { } tenant)
        {
            standing.Tell(tenant);
        }

        return !CanBeSentAway(placed.Workload, holder, from, workload.StartedAt ?? books.Snapshot.Now,
            mayReclaim && placed.Standing != SureStanding.Guaranteed);
    }

    /// <summary>What the plan starts.</summary>
    private bool StaysBeyond(in PlannedPod bound, int holder, DateTimeOffset from, bool mayReclaim)
    {
        var workload = books.Snapshot.Workloads[bound.Workload];
        return !(books.Snapshot.Now + workload.ExpectedDuration <= from)
            && bound.Workload != holder
            && !CanBeSentAway(bound.Workload, holder, from, books.Snapshot.Now,
                mayReclaim && (books.Bindings[bound.Workload]!.Standing == Standing.Burst || HasSurplus(workload)));
    }

    /// <summary>Pods beyond minMember may be on burst beside a core that is not; a plan does not tell which they are.</summary>
    private static bool HasSurplus(Workload workload) => workload.Pods.Length > workload.MinMember;

    private bool CanBeSentAway(int other, int holder, DateTimeOffset from, DateTimeOffset start, bool isBorrowed)
    {
        var workload = books.Snapshot.Workloads[other];
        return workload is { IsManaged: true, IsPreemptible: true }
            && (books.Tenants[other] == books.Tenants[holder]
                ? workload.Priority < books.Snapshot.Workloads[holder].Priority
                : isBorrowed)
            && Later(books.Snapshot.Now, start + workload.MinRuntime) + workload.PreemptionGrace <= from;
    }

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;

    /// <summary>Whether the holder may be inside its guarantee, and so reclaim from other tenants.</summary>
    private bool MayBeInside(int holder, List<PlannedPod> pods)
    {
        if (books.Tenants[holder] is not { } tenant)
        {
            return false;
        }

        var milliGpu = 0L;
        foreach (var pod in pods)
        {
            milliGpu += pod.Pod.Shape.Gpu.MilliGpu;
        }

        for (var flavor = 0; milliGpu > 0 && flavor < quota.Flavors.Length; flavor++)
        {
            if (standing.Fits(tenant, standing.Least(tenant), flavor, milliGpu))
            {
                return true;
            }
        }

        return false;
    }
}
