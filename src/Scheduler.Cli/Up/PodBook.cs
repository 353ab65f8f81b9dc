using System.Collections.Immutable;

namespace Scheduler.Cli.Up;

/// <summary>What happened to a pod.</summary>
internal enum PodEventKind
{
    Created,
    Bound,
    Finished,
    Failed,

    /// <summary>Told to go by Weir.</summary>
    Evicted,
}

/// <summary>One step in a pod's life.</summary>
internal readonly record struct PodEvent(PodEventKind Kind, ObservedPod Pod);

/// <summary>How many pods there are and were.</summary>
/// <param name="Seen">Ever seen.</param>
/// <param name="Bound">Bound at least once.</param>
/// <param name="Running">Of phase Running now.</param>
/// <param name="Pending">Without a node now.</param>
/// <param name="Succeeded">Ended well.</param>
/// <param name="Failed">Ended otherwise.</param>
/// <param name="Evicted">Told to go by Weir.</param>
internal sealed record PodCounts(int Seen, int Bound, int Running, int Pending, int Succeeded, int Failed, int Evicted);

/// <summary>All pods as the API server shows them, with their history in numbers, and the audit. Safe for concurrent use.</summary>
internal sealed class PodBook
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ObservedPod> _pods = new(StringComparer.Ordinal);
    private readonly OvercommitAudit _audit = new();
    private int _seen;
    private int _bound;
    private int _running;
    private int _pending;
    private int _succeeded;
    private int _failed;
    private int _evicted;

    public PodCounts Counts
    {
        get
        {
            lock (_gate)
            {
                return new PodCounts(_seen, _bound, _running, _pending, _succeeded, _failed, _evicted);
            }
        }
    }

    /// <summary>Over-committed devices and nodes, and milli-GPU in use now.</summary>
    public (int Devices, int Nodes, long UsedMilliGpu) Audit
    {
        get
        {
            lock (_gate)
            {
                return (_audit.OvercommittedDevices, _audit.OvercommittedNodes, _audit.UsedMilliGpu);
            }
        }
    }

    /// <summary>Uids of the pods without a node.</summary>
    public ImmutableHashSet<string> PendingUids()
    {
        lock (_gate)
        {
            return [.. _pods.Values.Where(pod => pod.IsPending).Select(pod => pod.Uid)];
        }
    }

    /// <summary>Pods without a node by namespace.</summary>
    public IReadOnlyDictionary<string, int> PendingByNamespace()
    {
        lock (_gate)
        {
            return _pods.Values.Where(pod => pod.IsPending).CountBy(pod => pod.Namespace).ToDictionary();
        }
    }

    public bool KnowsNode(string node)
    {
        lock (_gate)
        {
            return _audit.KnowsNode(node);
        }
    }

    public void SetNode(string node, IEnumerable<KeyValuePair<string, long>> allocatable)
    {
        lock (_gate)
        {
            _audit.SetNode(node, allocatable);
        }
    }

    /// <summary>Takes the present state of one pod.</summary>
    /// <returns>What happened to it since the state before, in order.</returns>
    public ImmutableArray<PodEvent> Set(ObservedPod pod)
    {
        lock (_gate)
        {
            var before = _pods.GetValueOrDefault(pod.Uid);
            _pods[pod.Uid] = pod;
            _audit.Observe(before, pod);
            return Change(before, pod);
        }
    }

    /// <summary>A pod is gone.</summary>
    public ImmutableArray<PodEvent> Remove(string uid)
    {
        lock (_gate)
        {
            if (!_pods.Remove(uid, out var before))
            {
                return [];
            }

            _audit.Observe(before, null);
            return Change(before, null);
        }
    }

    /// <summary>Takes a whole list: what is not in it is gone.</summary>
    public ImmutableArray<PodEvent> Replace(IReadOnlyCollection<ObservedPod> pods)
    {
        lock (_gate)
        {
            // A list is one moment and its order says nothing: all that was gives its room back before all that is takes it, or
            // the new holder of a device would meet an old one that has ended but stands further down.
            Book(_pods.Values, isThere: false);
            var events = ImmutableArray.CreateBuilder<PodEvent>();
            var present = pods.Select(pod => pod.Uid).ToHashSet(StringComparer.Ordinal);
            foreach (var gone in _pods.Values.Where(pod => !present.Contains(pod.Uid)).ToArray())
            {
                _pods.Remove(gone.Uid);
                events.AddRange(Change(gone, null));
            }

            foreach (var pod in pods)
            {
                var before = _pods.GetValueOrDefault(pod.Uid);
                _pods[pod.Uid] = pod;
                events.AddRange(Change(before, pod));
            }

            Book(_pods.Values, isThere: true);
            return events.ToImmutable();
        }

        void Book(IEnumerable<ObservedPod> all, bool isThere)
        {
            foreach (var pod in all)
            {
                _audit.Observe(isThere ? null : pod, isThere ? pod : null);
            }
        }
    }

    /// <summary>Counts the step from one state to another, without the audit.</summary>
    private ImmutableArray<PodEvent> Change(ObservedPod? before, ObservedPod? after)
    {
        _running += Count(after, IsRunning) - Count(before, IsRunning);
        _pending += Count(after, pod => pod.IsPending) - Count(before, pod => pod.IsPending);
        if (after is null)
        {
            return [];
        }

        var events = ImmutableArray.CreateBuilder<PodEvent>();
        Note(before is null, PodEventKind.Created, ref _seen);
        Note(before?.Node is null && after.Node is not null, PodEventKind.Bound, ref _bound);
        Note(before?.IsPreempted != true && after is { IsPreempted: true, Node: not null }, PodEventKind.Evicted, ref _evicted);
        Note(before?.Phase != "Succeeded" && after.Phase == "Succeeded", PodEventKind.Finished, ref _succeeded);
        Note(before?.Phase != "Failed" && after.Phase == "Failed", PodEventKind.Failed, ref _failed);
        return events.ToImmutable();

        void Note(bool happened, PodEventKind kind, ref int counter)
        {
            if (happened)
            {
                counter++;
                events.Add(new PodEvent(kind, after));
            }
        }
    }

    private static bool IsRunning(ObservedPod pod) => pod.Phase == "Running";

    private static int Count(ObservedPod? pod, Func<ObservedPod, bool> condition) => pod is not null && condition(pod) ? 1 : 0;
}
