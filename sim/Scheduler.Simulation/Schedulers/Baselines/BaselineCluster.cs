using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Simulation.Schedulers.Baselines.Placements;

namespace Scheduler.Simulation.Schedulers.Baselines;

/// <summary>A cycle of a baseline: what is free, and what it has decided so far.</summary>
internal sealed class BaselineCluster
{
    private readonly List<Decision> _decisions = [];
    private readonly NodePlacement _placement;

    /// <summary>Takes stock of a snapshot. Pods that were told to leave hold their room until they are gone.</summary>
    public BaselineCluster(ClusterSnapshot snapshot, Func<PlacementCluster, NodePlacement> placement)
    {
        Snapshot = snapshot;
        Room = new PlacementCluster(snapshot.Nodes);
        _placement = placement(Room);
        foreach (var workload in snapshot.Workloads)
        {
            foreach (var pod in workload.Pods)
            {
                if (pod.Placement is { } at && snapshot.TryGetNodeIndex(at.Node, out var node))
                {
                    Room.Take(node, Room.NumberOf(pod.Shape), at.Devices);
                }
            }
        }
    }

    /// <summary>What it began with.</summary>
    public ClusterSnapshot Snapshot { get; }

    /// <summary>What is free.</summary>
    public PlacementCluster Room { get; }

    /// <summary>Those that wait, the first submitted first.</summary>
    public IEnumerable<Workload> WaitingBySubmission =>
        Snapshot.Workloads.Where(workload => workload.IsPending && workload.Hold == Hold.None)
            .OrderBy(workload => workload.SubmittedAt).ThenBy(workload => workload.Id);

    /// <summary>What was decided, as a plan.</summary>
    public Plan ToPlan() => BaselinePlan.Of(Snapshot, _decisions);

    /// <summary>Starts all waiting pods of a workload, or none if they do not fit.</summary>
    public bool TryStart(Workload workload)
    {
        if (TryPlace(workload) is not { } bindings)
        {
            return false;
        }

        _decisions.Add(BaselinePlan.Bind(workload, bindings));
        return true;
    }

    /// <summary>Preempts a workload; its room is free once it has left.</summary>
    public void Evict(Workload workload, WorkloadId beneficiary) =>
        _decisions.Add(BaselinePlan.Evict(workload, beneficiary, Snapshot.Now));

    /// <summary>Takes room for all waiting pods, or for none.</summary>
    public ImmutableArray<PodBinding>? TryPlace(Workload workload)
    {
        var bindings = ImmutableArray.CreateBuilder<PodBinding>();
        var taken = new List<(int Node, int Shape, ImmutableArray<int> Devices)>();
        var scores = new long[Room.Nodes.Length];
        foreach (var pod in workload.Pods.Where(pod => pod.State == PodState.Pending))
        {
            var shape = Room.NumberOf(pod.Shape);
            for (var index = 0; index < scores.Length; index++)
            {
                scores[index] = _placement.Score(index, shape);
            }

            var node = _placement.Choose(scores);
            if (node < 0)
            {
                taken.ForEach(place => Room.Return(place.Node, place.Shape, place.Devices));
                return null;
            }

            var devices = _placement.Devices(node, shape);
            Room.Take(node, shape, devices);
            taken.Add((node, shape, devices));
            bindings.Add(new PodBinding(pod.Id, Snapshot.Nodes[node].Name, devices));
        }

        return bindings.ToImmutable();
    }
}
