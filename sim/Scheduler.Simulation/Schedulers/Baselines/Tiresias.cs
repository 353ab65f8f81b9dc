using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Simulation.Schedulers.Baselines;

/// <summary>
/// Discretised two-dimensional least attained service (Gu et al., "Tiresias", NSDI 2019), in the form in which the Pollux
/// artifact (Qiao et al., OSDI 2021) compares with it: two queues, no promotion. A job begins in the first and moves to the end of
/// the second for good once it has been served <see cref="DemotedAfter"/>. Every round the first queue and then the second
/// are gone through in their order, and whoever fits into what is left of the cluster's GPUs runs; who ran and does not any more
/// is preempted; who runs already stays where it is. A job that starts takes the nodes with the most idle GPUs.
/// </summary>
/// <remarks>
/// Knows whole GPUs only, all alike, and no tenants. Meant for gangs of pods with one GPU, which may lie anywhere. The places of preempted jobs are given away in a cycle of their own, as soon as these are gone.
/// </remarks>
public sealed class Tiresias : IScheduler
{
    /// <summary>Decisions are made at multiples of this, from the first moment that it sees at midnight UTC.</summary>
    public static readonly TimeSpan Round = TimeSpan.FromSeconds(60);

    /// <summary>GPU time after which a job is demoted: 16 GPU-hours.</summary>
    public static readonly TimeSpan DemotedAfter = TimeSpan.FromHours(16);

    private readonly Dictionary<WorkloadId, Served> _served = [];
    private readonly List<WorkloadId> _first = [];
    private readonly List<WorkloadId> _second = [];
    private HashSet<WorkloadId>? _vacatingFor;

    /// <inheritdoc/>
    public string Name => "tiresias";

    /// <inheritdoc/>
    public DateTimeOffset? NextRound(DateTimeOffset now) => now + (Round - SinceRound(now));

    /// <inheritdoc/>
    public Plan Decide(ClusterSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        if (SinceRound(snapshot.Now) == TimeSpan.Zero && _vacatingFor is null)
        {
            CountService(snapshot);
            var runs = ChooseRunning(snapshot);
            ImmutableArray<Decision> evictions =
            [
                .. snapshot.Workloads
                    .Where(workload => !workload.IsPending && !runs.Contains(workload.Id))
                    .Select(workload => BaselinePlan.Evict(workload, beneficiary: _first.Concat(_second).First(runs.Contains), snapshot.Now)),
            ];
            _vacatingFor = evictions.IsEmpty ? null : runs;
            return BaselinePlan.Of(snapshot, evictions.IsEmpty ? Start(snapshot, runs) : evictions);
        }

        // The places of those that were preempted, as soon as these are gone.
        if (_vacatingFor is { } vacated && !snapshot.Workloads.Any(workload => !workload.IsPending && !vacated.Contains(workload.Id)))
        {
            _vacatingFor = null;
            return BaselinePlan.Of(snapshot, Start(snapshot, vacated));
        }

        return BaselinePlan.Of(snapshot, []);
    }

    private static TimeSpan SinceRound(DateTimeOffset now) => new(now.TimeOfDay.Ticks % Round.Ticks);

    private static int Gpus(Workload workload) => workload.Pods.Sum(pod => pod.Shape.Gpu.Count);

    /// <summary>Adds up service, by whole rounds, and moves jobs between the queues.</summary>
    private void CountService(ClusterSnapshot snapshot)
    {
        _first.RemoveAll(IsGone);
        _second.RemoveAll(IsGone);
        foreach (var gone in _served.Keys.Where(IsGone).ToArray())
        {
            _served.Remove(gone);
        }

        foreach (var workload in snapshot.Workloads.OrderBy(workload => workload.SubmittedAt).ThenBy(workload => workload.Id))
        {
            if (!_served.TryGetValue(workload.Id, out var served))
            {
                _served.Add(workload.Id, served = new Served());
                _first.Add(workload.Id);
            }

            served.Add(workload.StartedAt is { } at ? at - SinceRound(at) : null, snapshot.Now - SinceRound(snapshot.Now));
        }

        // The order of demotion is that of crossing the threshold; several may have crossed it while nobody waited.
        var demoted = _first
            .Where(id => snapshot.TryGetWorkload(id, out var workload) && _served[id].Total * Gpus(workload) >= DemotedAfter)
            .Select(id => (Id: id, At: CrossedAt(id)))
            .OrderBy(crossing => crossing.At).ToArray();
        foreach (var (id, _) in demoted)
        {
            _first.Remove(id);
            _second.Add(id);
        }

        bool IsGone(WorkloadId id) => !snapshot.TryGetWorkload(id, out _);

        // The end of the first round in which it had been served enough.
        DateTimeOffset CrossedAt(WorkloadId id)
        {
            var gpus = snapshot.TryGetWorkload(id, out var workload) ? Gpus(workload) : 1;
            var enough = DemotedAfter / gpus;
            var over = _served[id].Total - enough;
            return snapshot.Now - new TimeSpan(over.Ticks - (over.Ticks % Round.Ticks));
        }
    }

    /// <summary>Who is to run in this round.</summary>
    private HashSet<WorkloadId> ChooseRunning(ClusterSnapshot snapshot)
    {
        var runs = new HashSet<WorkloadId>();
        var left = snapshot.Nodes.Sum(node => node.HealthyMilliGpu) / GpuRequest.MilliPerDevice;
        foreach (var id in _first.Concat(_second))
        {
            if (snapshot.TryGetWorkload(id, out var workload) && Gpus(workload) is var gpus && gpus <= left)
            {
                runs.Add(id);
                left -= gpus;
            }
        }

        return runs;
    }

    private List<Decision> Start(ClusterSnapshot snapshot, HashSet<WorkloadId> runs)
    {
        var idle = new IdleGpus(snapshot);
        var starts = new List<Decision>();
        foreach (var id in _first.Concat(_second))
        {
            if (runs.Contains(id) && snapshot.TryGetWorkload(id, out var workload) && workload.IsPending
                && idle.TryTakeFromMostIdle(workload) is { } bindings)
            {
                starts.Add(BaselinePlan.Bind(workload, bindings));
            }
        }

        return starts;
    }

    /// <summary>Time for which a job has held its GPUs, its starts included.</summary>
    private sealed class Served
    {
        private TimeSpan _before;
        private DateTimeOffset? _runningSince;
        private DateTimeOffset _until;

        public TimeSpan Total => _before + (_runningSince is { } since ? _until - since : TimeSpan.Zero);

        public void Add(DateTimeOffset? startedAt, DateTimeOffset now)
        {
            if (_runningSince != startedAt)
            {
                _before = Total;
                _runningSince = startedAt;
            }

            _until = now;
        }
    }

    /// <summary>Idle GPUs by node.</summary>
    private sealed class IdleGpus
    {
        private readonly ImmutableArray<Node> _nodes;
        private readonly SortedSet<int>[] _idle;

        public IdleGpus(ClusterSnapshot snapshot)
        {
            _nodes = snapshot.Nodes;
            _idle =
            [
                .. _nodes.Select(node => new SortedSet<int>(
                    node.IsSchedulable ? node.Devices.Where(device => device.Health == DeviceHealth.Healthy).Select(device => device.Index) : [])),
            ];
            foreach (var pod in snapshot.Workloads.SelectMany(workload => workload.Pods))
            {
                if (pod.Placement is { } placement && snapshot.TryGetNodeIndex(placement.Node, out var node))
                {
                    _idle[node].ExceptWith(placement.Devices);
                }
            }
        }

        /// <summary>
        /// Empties node after node, each time the one with the most idle GPUs, the first by name among equals. Null if some pod of
        /// several GPUs fits on none: it waits for another round.
        /// </summary>
        public ImmutableArray<PodBinding>? TryTakeFromMostIdle(Workload workload)
        {
            var bindings = ImmutableArray.CreateBuilder<PodBinding>(workload.Pods.Length);
            var node = -1;
            foreach (var pod in workload.Pods)
            {
                if (node < 0 || _idle[node].Count < pod.Shape.Gpu.Count)
                {
                    node = Enumerable.Range(0, _idle.Length).MaxBy(index => _idle[index].Count);
                }

                if (_idle[node].Count < pod.Shape.Gpu.Count)
                {
                    foreach (var taken in bindings)
                    {
                        _idle[_nodes.IndexOf(_nodes.First(other => other.Name == taken.Node))].UnionWith(taken.Devices);
                    }

                    return null;
                }

                ImmutableArray<int> devices = [.. _idle[node].Take(pod.Shape.Gpu.Count)];
                _idle[node].ExceptWith(devices);
                bindings.Add(new PodBinding(pod.Id, _nodes[node].Name, devices));
            }

            return bindings.ToImmutable();
        }
    }
}
