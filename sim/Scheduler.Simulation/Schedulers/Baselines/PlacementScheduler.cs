using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Simulation.Schedulers.Baselines.Placements;

namespace Scheduler.Simulation.Schedulers.Baselines;

/// <summary>
/// The six placements of the FGD paper (Weng et al., USENIX ATC 2023) as schedulers: first come, first served, who does not fit
/// waits and does not block. No tenants, no preemption.
/// </summary>
public sealed class PlacementScheduler : IScheduler
{
    private const int RandomSeed = 42;

    private readonly Random _random = new(RandomSeed);
    private readonly Dictionary<PodShape, long> _seenShapes = [];
    private readonly HashSet<WorkloadId> _seen = [];

    private PlacementScheduler(string name) => Name = name;

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>The names: <c>random</c>, <c>dotprod</c>, <c>gpuclustering</c>, <c>gpupacking</c>, <c>bestfit</c>, <c>fgd</c>.</summary>
    public static IReadOnlyList<string> Names { get; } = ["bestfit", "dotprod", "fgd", "gpuclustering", "gpupacking", "random"];

    /// <summary>Makes one of them; FGD takes as typical what it has seen so far.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is none of this name.</exception>
    public static PlacementScheduler Make(string name) =>
        Names.Contains(name) ? new PlacementScheduler(name) : throw new ArgumentOutOfRangeException(nameof(name), name, "no such placement");

    /// <inheritdoc/>
    public Plan Decide(ClusterSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        foreach (var pod in snapshot.Workloads.Where(workload => _seen.Add(workload.Id)).SelectMany(workload => workload.Pods))
        {
            _seenShapes[pod.Shape] = _seenShapes.GetValueOrDefault(pod.Shape) + 1;
        }

        var cluster = new BaselineCluster(snapshot, Placement);
        foreach (var workload in cluster.WaitingBySubmission)
        {
            cluster.TryStart(workload);
        }

        return cluster.ToPlan();
    }

    private NodePlacement Placement(PlacementCluster room) => Name switch
    {
        "random" => new RandomPlacement(room, _random),
        "dotprod" => new DotProductPlacement(room),
        "gpuclustering" => new GpuClusteringPlacement(room),
        "gpupacking" => new GpuPackingPlacement(room),
        "bestfit" => new BestFitPlacement(room),
        _ => new GradientDescentPlacement(room, _seenShapes.Select(pair => (pair.Key, pair.Value))),
    };
}
