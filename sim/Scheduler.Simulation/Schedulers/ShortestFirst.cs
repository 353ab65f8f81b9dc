using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Simulation.Schedulers;

/// <summary>
/// The production planner under a host that gives workloads of equal priority finer ones, by the GPU time that they are expected
/// to need still: so the planner, which preempts inside a tenant for higher priority, preempts long work for short. Discretised,
/// so that a preemption is worth it: who is to preempt needs less by a factor of at least <see cref="ClassRatio"/>, and mostly more.
/// </summary>
/// <remarks>
/// As long as nothing is known of how long a workload runs, it is taken to need as much again as it was served (as for a heavy tail:
/// the longer it ran the longer it will), so new work is tried soon and goes down class by class: least attained service
/// (Gu et al., "Tiresias", NSDI 2019). The same holds for what outlives its expectation.
/// </remarks>
public sealed class ShortestFirst(IScheduler inner) : IScheduler
{
    /// <summary>From one class to the next the expected GPU time grows so much.</summary>
    internal static readonly double ClassRatio = double.Parse(Environment.GetEnvironmentVariable("RATIO") ?? "4");

    /// <summary>GPU time of the first class.</summary>
    internal static readonly double First = double.Parse(Environment.GetEnvironmentVariable("FIRST") ?? "600");

    /// <summary>Priorities of the host are multiples of this.</summary>
    public const int Classes = 64;

    private static readonly TimeSpan Round = TimeSpan.FromSeconds(double.Parse(Environment.GetEnvironmentVariable("ROUND") ?? "60"));

    private readonly Dictionary<WorkloadId, (Workload Seen, Workload Shown)> _shown = [];

    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <inheritdoc/>
    public DateTimeOffset? NextRound(DateTimeOffset now) => now + Round;

    /// <inheritdoc/>
    public Plan Decide(ClusterSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var builder = new ClusterSnapshotBuilder { Generation = snapshot.Generation, Now = snapshot.Now }.Add(snapshot.Nodes).With(snapshot.Tenants).With(snapshot.Mix);
        builder.Add(snapshot.Workloads.Select(w => Show(w, snapshot.Now)));
        return inner.Decide(builder.Build());
    }

    private Workload Show(Workload workload, DateTimeOffset now)
    {
        var priority = (workload.Priority * Classes) + Classes - 1 - ClassOf(workload, now);
        if (_shown.TryGetValue(workload.Id, out var known) && ReferenceEquals(known.Seen, workload) && known.Shown.Priority == priority)
        {
            return known.Shown;
        }

        var shown = workload with { Priority = priority };
        _shown[workload.Id] = (workload, shown);
        return shown;
    }

    private static int ClassOf(Workload workload, DateTimeOffset now)
    {
        double gpus = 0;
        foreach (var pod in workload.Pods)
        {
            gpus += pod.Shape.Gpu.MilliGpu / 1000.0;
        }

        var served = (workload.AttainedMilliGpuSeconds / 1000.0) + (workload.StartedAt is { } since ? (now - since).TotalSeconds * gpus : 0);
        var expected = workload.ExpectedDuration is { } duration ? duration.TotalSeconds * gpus : 0;
        var left = expected > served ? expected - served : served;
        left *= Math.Pow(gpus, double.Parse(Environment.GetEnvironmentVariable("ALPHA") ?? "0"));
        return left <= First ? 0 : Math.Min(Classes - 1, 1 + (int)Math.Log(left / First, ClassRatio));
    }
}
