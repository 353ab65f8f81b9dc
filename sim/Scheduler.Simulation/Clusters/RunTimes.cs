using Scheduler.Core.Model;

namespace Scheduler.Simulation.Clusters;

/// <summary>
/// How long the workloads of an exported cluster run, in all: as the file says, else as declared, else the mean of those like it in the
/// history, which are of the same namespace with as many pods of the same shape. What has outrun that takes as long as those like it
/// that ran longer still, else as long again as it has run so far.
/// </summary>
internal sealed class RunTimes
{
    private readonly ClusterState _state;
    private readonly TimeSpan? _assumed;
    private readonly Dictionary<Kind, List<TimeSpan>> _history = [];

    public RunTimes(ClusterState state, TimeSpan? assumed)
    {
        (_state, _assumed) = (state, assumed);
        foreach (var ended in state.History)
        {
            if (ended is { StartedAt: { } started, WasPreempted: false } && ended.EndedAt > started)
            {
                var kind = new Kind(ended.Namespace, Largest(ended.Pods.Select(pods => pods.Shape)), ended.Pods.Sum(pods => pods.Count));
                (_history.TryGetValue(kind, out var known) ? known : _history[kind] = []).Add(ended.EndedAt - started);
            }
        }
    }

    /// <summary>For how many workloads the history said it.</summary>
    public int FromHistory { get; private set; }

    /// <summary>For how many nothing says it, so that it was assumed, or they never end.</summary>
    public int Unknown { get; private set; }

    /// <summary>How long it runs; null for what never ends.</summary>
    /// <param name="workload">The workload.</param>
    /// <param name="ran">How long it has run so far.</param>
    public TimeSpan? Of(Workload workload, TimeSpan ran)
    {
        var alike = _history.GetValueOrDefault(new Kind(workload.Namespace, Largest(workload.Pods.Select(pod => pod.Shape)), workload.Pods.Length));
        var time = _state.Durations.TryGetValue(workload.Id, out var given) ? given : workload.ExpectedDuration;
        if (time is null && alike is not null)
        {
            FromHistory++;
            time = Mean(alike);
        }
        else if (time is null)
        {
            Unknown++;
            time = _assumed;
        }

        return time is null || time > ran ? time
            : alike?.Where(other => other > ran).ToList() is { Count: > 0 } longer ? Mean(longer)
            : TimeSpan.FromSeconds(Math.Max(1, 2 * Math.Ceiling(ran.TotalSeconds)));
    }

    private static TimeSpan Mean(List<TimeSpan> times) => TimeSpan.FromMilliseconds(
        Math.Max(1, (long)(times.Aggregate(Int128.Zero, (sum, time) => sum + time.Ticks) / times.Count / TimeSpan.TicksPerMillisecond)));

    private static PodShape Largest(IEnumerable<PodShape> shapes) =>
        shapes.OrderByDescending(shape => shape.Gpu.MilliGpu).ThenBy(shape => shape.Key, StringComparer.Ordinal).First();

    private readonly record struct Kind(string Namespace, PodShape Shape, int Pods);
}
