using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Simulation.Schedulers;

/// <summary>
/// The production planner under a host that gives workloads of equal priority finer ones, by the GPU time that they are expected
/// to need still: so the planner, which preempts inside a tenant for higher priority only, preempts long work for short. In
/// classes, so that a preemption is worth it: 4, 16, 64, … GPU-hours.
/// </summary>
/// <remarks>
/// As long as nothing is known of how long a workload runs, it is taken to need as much again as it was served: new work is tried
/// soon and goes down class by class (least attained service: Gu et al., "Tiresias", NSDI 2019). The same holds for what outlives
/// its expectation.
/// </remarks>
/// <param name="inner">The planner.</param>
public sealed class ShortestFirst(IScheduler inner) : IScheduler
{
    /// <summary>From one class to the next the GPU time grows so many times.</summary>
    private const int ClassRatio = 4;

    /// <summary>More than there can be: the last would begin at 10³⁴ GPU-hours.</summary>
    private const int Classes = 64;

    /// <summary>GPU time of the first class: 4 GPU-hours, in milli-GPU-seconds.</summary>
    private const long FirstClassMilliGpuSeconds = 4 * 3600 * GpuRequest.MilliPerDevice;

    /// <summary>Who runs moves down a class although nothing happens, so it decides at least this often while anybody waits.</summary>
    private static readonly TimeSpan Round = TimeSpan.FromMinutes(1);

    private readonly Dictionary<WorkloadId, (Workload Given, Workload Shown)> _shown = [];

    /// <inheritdoc/>
    public string Name => "weir-shortest-first";

    /// <inheritdoc/>
    public DateTimeOffset? NextRound(DateTimeOffset now) => now + Round;

    /// <inheritdoc/>
    public Plan Decide(ClusterSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        foreach (var gone in _shown.Keys.Where(id => !snapshot.TryGetWorkloadIndex(id, out _)).ToArray())
        {
            _shown.Remove(gone);
        }

        return inner.Decide(snapshot.Next(
            snapshot.Generation,
            snapshot.Now,
            new SnapshotChanges { Workloads = [.. snapshot.Workloads.Select(workload => Show(workload, snapshot.Now))] }));
    }

    /// <summary>The workload with its priority; the same object as long as it is the same.</summary>
    private Workload Show(Workload workload, DateTimeOffset now)
    {
        var priority = (workload.Priority * Classes) + Classes - 1 - ClassOf(workload, now);
        if (!_shown.TryGetValue(workload.Id, out var known) || !ReferenceEquals(known.Given, workload) || known.Shown.Priority != priority)
        {
            known = (workload, workload with { Priority = priority });
            _shown[workload.Id] = known;
        }

        return known.Shown;
    }

    /// <summary>The class of a workload: 0 for the shortest.</summary>
    private static int ClassOf(Workload workload, DateTimeOffset now)
    {
        Int128 milliGpu = 0;
        foreach (var pod in workload.Pods)
        {
            milliGpu += pod.Shape.Gpu.MilliGpu;
        }

        var served = workload.AttainedMilliGpuSeconds + (workload.StartedAt is { } since ? milliGpu * Seconds(now - since) : 0);
        var expected = workload.ExpectedDuration is { } duration ? milliGpu * Seconds(duration) : 0;
        var left = expected > served ? expected - served : served;
        var number = 0;
        for (Int128 most = FirstClassMilliGpuSeconds; left > most && number < Classes - 1; most *= ClassRatio)
        {
            number++;
        }

        return number;
    }

    private static long Seconds(TimeSpan time) => time.Ticks / TimeSpan.TicksPerSecond;
}
