using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Jobs;
using Scheduler.Simulation.Scenarios;

namespace Scheduler.Simulation.Clusters;

/// <summary>How an exported cluster goes on.</summary>
/// <param name="For">How long it is simulated.</param>
/// <param name="Assumed">How long workloads run of which nothing says it; null: for ever.</param>
/// <param name="LikeHistory">Whether jobs come like those that came before.</param>
internal sealed record ClusterFuture(TimeSpan For, TimeSpan? Assumed, bool LikeHistory);

/// <summary>
/// Makes a scenario of an exported cluster: what runs goes on where it is, what waits waits since it was submitted. A pod whose place
/// is not there, is broken, or is taken waits again, which is what editing the file is for.
/// </summary>
internal sealed class ClusterScenario
{
    /// <summary>How long a cluster is simulated unless something says it.</summary>
    public static readonly TimeSpan UsualTime = TimeSpan.FromDays(1);

    /// <summary>Longer than any simulation.</summary>
    private static readonly TimeSpan ForEver = TimeSpan.FromDays(36_500);

    private readonly ClusterState _state;
    private readonly RunTimes _times;
    private readonly Dictionary<NodeName, NodeBooks> _books;
    private readonly List<string> _notes = [];
    private readonly List<string> _displaced = [];
    private int _displacedPods;
    private int _leaving;

    private ClusterScenario(ClusterState state, ClusterFuture future)
    {
        (_state, _times) = (state, new RunTimes(state, future.Assumed));
        // Whether a place is still there does not depend on whether the node takes anything new.
        _books = state.Nodes.Select((node, index) => new NodeBooks(index, node with { IsCordoned = false })).ToDictionary(books => books.Node.Name);
    }

    /// <summary>Makes the scenario.</summary>
    /// <param name="state">The cluster.</param>
    /// <param name="future">How it goes on.</param>
    /// <param name="notes">Gets what the user has to know about it, a line each.</param>
    public static Scenario Make(ClusterState state, ClusterFuture future, out ImmutableArray<string> notes)
    {
        // Others beyond what a node has, as a kubelet allows them, leave nothing to give away, and not less.
        state = state with { Nodes = [.. state.Nodes.Select(Bounded)] };
        var maker = new ClusterScenario(state, future);
        var found = maker.Find();
        var history = future.LikeHistory ? new HistoryArrivals(state) : null;
        maker.Explain(future, history);
        notes = [.. maker._notes];
        return new Scenario
        {
            Name = state.Name,
            Nodes = state.Nodes,
            Tenants = state.Tenants,
            Policy = state.Policy,
            Generators = [],
            Found = found,
            History = history,
            Start = state.TakenAt,
            Faults = FaultModel.None,
            Horizon = future.For,
        };
    }

    private static Node Bounded(Node node)
    {
        var (all, used) = (node.Allocatable, node.UsedByOthers);
        return node with
        {
            PodsOfOthers = Math.Min(node.PodsOfOthers, node.MaxPods),
            UsedByOthers = new ResourceVector(
                Math.Min(used.MilliCpu, all.MilliCpu), Math.Min(used.MemoryBytes, all.MemoryBytes), Math.Min(used.EphemeralStorageBytes, all.EphemeralStorageBytes)),
        };
    }

    private ImmutableArray<Job> Find()
    {
        // Those that say which GPUs they have come first; the others get what is left.
        var places = new Dictionary<PodId, PodPlacement>();
        foreach (var saysWhich in new[] { true, false })
        {
            foreach (var workload in _state.Workloads)
            {
                foreach (var pod in workload.Pods)
                {
                    var isSaid = !pod.Shape.Gpu.IsAny || pod.Shape.Gpu.Kind == GpuRequestKind.Mig || pod.Placement is { Devices.IsEmpty: false };
                    if (pod.State == PodState.Placed && isSaid == saysWhich && Place(pod) is { } place)
                    {
                        places.Add(pod.Id, place);
                    }
                }
            }
        }

        return [.. _state.Workloads.Select(workload => MakeJob(workload, places)).OfType<Job>().OrderBy(job => job.SubmitAt).ThenBy(job => job.Workload.Id)];
    }

    /// <summary>The place of a running pod, taken; null if it is not to be had.</summary>
    private PodPlacement? Place(Pod pod)
    {
        var said = pod.Placement!;
        if (_books.TryGetValue(said.Node, out var books))
        {
            var devices = pod.Shape.Gpu.Kind is GpuRequestKind.Whole or GpuRequestKind.Fraction && said.Devices.IsEmpty ? FreeDevices(books, pod.Shape.Gpu) : said.Devices;
            if (books.Refusal(pod.Shape, devices.AsSpan()) is null)
            {
                books.Occupy(pod.Shape, devices.AsSpan(), sign: 1);
                return said with { Devices = devices };
            }
        }

        return null;
    }

    private static ImmutableArray<int> FreeDevices(NodeBooks books, GpuRequest gpu) =>
        [.. books.Node.Devices.Where(device => device.Health == DeviceHealth.Healthy && books.FreeOf(device.Index) >= gpu.MilliEach).Take(gpu.Count).Select(device => device.Index)];

    private Job? MakeJob(Workload workload, Dictionary<PodId, PodPlacement> places)
    {
        // What is being deleted is as good as gone.
        ImmutableArray<Pod> staying = [.. workload.Pods.Where(pod => pod.State != PodState.Leaving)];
        _leaving += workload.Pods.Length - staying.Length;
        if (staying.IsEmpty)
        {
            return null;
        }

        var placed = staying.Where(pod => places.ContainsKey(pod.Id)).ToImmutableDictionary(pod => pod.Id, pod => places[pod.Id]);
        var displaced = staying.Count(pod => pod.State == PodState.Placed && !places.ContainsKey(pod.Id));
        if (displaced > 0)
        {
            _displacedPods += displaced;
            _displaced.Add(workload.Id.Value);
        }

        // A gang that runs with fewer pods than it says does run, unless it has just lost some.
        var minMember = placed.Count > 0 && displaced == 0 ? Math.Min(workload.MinMember, placed.Count) : workload.MinMember;
        if (placed.Count > 0 && placed.Count < minMember)
        {
            Free(staying, placed);
            placed = placed.Clear();
        }

        var submitted = Before(workload.SubmittedAt);
        var since = placed.IsEmpty ? TimeSpan.Zero : Before(workload.StartedAt ?? _state.TakenAt);
        since = since < submitted ? submitted : since;
        var saved = workload.CheckpointedAt is { } at && Before(at) is var time && time >= since ? time : default(TimeSpan?);
        return new Job
        {
            Workload = workload with
            {
                Pods = [.. staying.Select(pod => pod with { State = PodState.Pending, Placement = null, Nomination = null, Notice = null })],
                MinMember = minMember,
                StartedAt = null,
                CheckpointedAt = null,
                DisruptionBudget = null,
                Hold = Hold.None,
                HoldUntil = null,
            },
            SubmitAt = submitted,
            Duration = _times.Of(workload, -since) ?? ForEver,
            Earlier = placed.IsEmpty ? null : new EarlierRun(since, saved, placed),
        };
    }

    /// <summary>A gang that is not whole any more holds nothing.</summary>
    private void Free(ImmutableArray<Pod> pods, ImmutableDictionary<PodId, PodPlacement> placed)
    {
        foreach (var pod in pods)
        {
            if (placed.TryGetValue(pod.Id, out var place))
            {
                _books[place.Node].Occupy(pod.Shape, place.Devices.AsSpan(), sign: -1);
            }
        }
    }

    /// <summary>A moment from the beginning of the simulation; what the clocks of others say of the future is now.</summary>
    private TimeSpan Before(DateTimeOffset moment) => moment < _state.TakenAt ? moment - _state.TakenAt : TimeSpan.Zero;

    private void Explain(ClusterFuture future, HistoryArrivals? history)
    {
        if (_displacedPods > 0)
        {
            var named = string.Join(", ", _displaced.Take(3)) + (_displaced.Count > 3 ? ", …" : "");
            Note($"{_displacedPods} running pods of {_displaced.Count} workloads ({named}) wait again: their node or GPU is not there, is down, or is taken");
        }

        if (_leaving > 0)
        {
            Note($"{_leaving} pods that are being deleted count as gone");
        }

        if (_times.FromHistory > 0)
        {
            Note($"{_times.FromHistory} workloads say nothing of how long they run; they take the mean of those like them in the history");
        }

        if (_times.Unknown > 0)
        {
            var what = future.Assumed is { } assumed ? $"are assumed to run {Input.DurationText.Short(assumed)} in all" : "never end; --assume-duration gives them an end";
            Note($"{_times.Unknown} workloads of which nothing is known {what}");
        }

        if (history is { IsEmpty: true })
        {
            Note($"nothing comes: in the history nothing has ended by itself");
        }
        else if (history is not null)
        {
            Note($"{history.PerHour:0.##} jobs an hour come as in the {Input.DurationText.Short(history.Observed)} of the history");
        }
    }

    private void Note(FormattableString text) => _notes.Add(text.ToString(CultureInfo.InvariantCulture));
}
