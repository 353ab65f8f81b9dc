using System.Globalization;
using System.Text.Json.Nodes;
using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Controllers;
using Scheduler.SimulatedCluster.Exporters;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Kubelet;

/// <summary>
/// The kubelets of all nodes in one loop: it reads the changes of nodes and pods and keeps a queue of what is due.
/// <code>
/// bound ──admitted──► Starting ──start delay──► Running ──duration──► Ended
///   │                    │                         │
///   └─refused─► Failed   └────── deleted ──────────┴──► Terminating ──► gone
/// </code>
/// </summary>
internal sealed class KubeletEngine
{
    public const string DurationAnnotation = "simulation.weir.scheduler/duration";
    public const string DeclaredDurationAnnotation = "weir.scheduler/expected-duration";
    public const string TerminationAnnotation = "simulation.weir.scheduler/termination";
    public const string ExitCodeAnnotation = "simulation.weir.scheduler/exit-code";
    public const string FractionAnnotation = "weir.scheduler/gpu-fraction";
    public const string DevicesAnnotation = "weir.scheduler/gpu-devices";
    public const string GpuResource = "nvidia.com/gpu";
    public const string KubeletAnnotation = "simulation.weir.scheduler/kubelet";

    /// <summary>
    /// Between the end of a container and its next start. Of the clock and not scaled: it keeps a container that ends at once from
    /// taking all of this loop, as the back-off of a real kubelet does.
    /// </summary>
    private static readonly TimeSpan RestartPause = TimeSpan.FromSeconds(1);

    private readonly ObjectService _objects;
    private readonly ObjectDeletion _deletion;
    private readonly EventRecorder _events;
    private readonly KubeletOptions _options;
    private readonly double _timeScale;
    private readonly TimeProvider _clock;
    private readonly ResourceType _pods;
    private readonly ChangeFeed _podFeed;
    private readonly ChangeFeed _nodeFeed;
    private readonly int _nodeNameField;
    private readonly int _phaseField;
    private readonly Dictionary<string, NodeLedger> _nodes = new(StringComparer.Ordinal);
    private readonly Dictionary<ObjectKey, PodRun> _runs = [];

    /// <summary>Pods that are bound to a node that has no kubelet of ours, or not yet.</summary>
    private readonly Dictionary<ObjectKey, StoredObject> _unserved = [];

    private readonly DueQueue<(PodRun Run, Step Step)> _due = new();
    private readonly KubeletCounters _counters;
    private readonly GpuFaults _faults;
    private int _addresses;

    private enum Step
    {
        Start,
        End,
        Remove,
    }

    private enum RunState
    {
        Starting,
        Running,
        Terminating,
        Ended,
    }

    private sealed class PodRun(ObjectKey key, string uid, string node, IReadOnlyDictionary<string, decimal> requests)
    {
        public ObjectKey Key => key;

        public string Uid => uid;

        public string Node => node;

        public IReadOnlyDictionary<string, decimal> Requests => requests;

        public bool HoldsResources { get; set; }

        public RunState State { get; set; } = RunState.Starting;

        public DateTimeOffset RemoveAt { get; set; } = DateTimeOffset.MaxValue;

        public long Restarts { get; set; }
    }

    public KubeletEngine(ObjectService objects, ObjectDeletion deletion, EventRecorder events, KubeletOptions options, double timeScale, KubeletCounters counters, GpuFaults faults)
    {
        _objects = objects;
        _deletion = deletion;
        _events = events;
        _options = options;
        _timeScale = timeScale;
        _counters = counters;
        _faults = faults;
        _clock = objects.Clock;
        _pods = objects.Registry.Require("", "pods");
        _podFeed = new ChangeFeed(objects, _pods);
        _nodeFeed = new ChangeFeed(objects, objects.Registry.Require("", "nodes"));
        var fields = objects.Bucket(_pods).SelectableFields.ToList();
        _nodeNameField = fields.IndexOf("spec.nodeName");
        _phaseField = fields.IndexOf("status.phase");
    }

    public async Task RunAsync(CancellationToken ct)
    {
        var podChanges = new List<Change>();
        var nodeChanges = new List<Change>();
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            podChanges.Clear();
            nodeChanges.Clear();
            // Pods are read first and nodes handled first: a node that a pod was bound to is older than the binding, so it is read too.
            _podFeed.Read(podChanges);
            _nodeFeed.Read(nodeChanges);
            foreach (var change in nodeChanges)
                OnNode(change);
            foreach (var change in podChanges)
                OnPod(change);
            var worked = podChanges.Count + nodeChanges.Count > 0;
            while (_due.TryTake(_clock.GetUtcNow(), out var due))
            {
                ct.ThrowIfCancellationRequested(); // what is done may be due again at once
                Do(due.Run, due.Step);
                worked = true;
            }

            if (!worked)
                await Waiting.ForAnyAsync(_clock, _due.UntilNext(_clock.GetUtcNow()), ct, _podFeed.WaitAsync(), _nodeFeed.WaitAsync());
        }
    }

    private void OnNode(Change change)
    {
        var name = change.Object.Key.Name;
        if (change.Kind == ChangeKind.Deleted)
        {
            // The node is gone and its pods with it; nobody is left to end them gracefully.
            foreach (var run in _runs.Values.Where(r => r.Node == name).ToList())
                Remove(run);
            _nodes.Remove(name);
            return;
        }

        if (!_nodes.TryGetValue(name, out var ledger))
            _nodes[name] = ledger = new NodeLedger();
        var wasServed = ledger.IsServed;
        ledger.Read(change.Object.Parse());
        if (!wasServed && ledger.IsServed)
            ServeWaiting(name);
    }

    /// <summary>Takes charge of the pods that were bound to the node before it was ours, in the order of their last changes.</summary>
    private void ServeWaiting(string node)
    {
        foreach (var stored in _unserved.Values.Where(p => p.FieldValues[_nodeNameField] == node).OrderBy(p => p.ResourceVersion).ToList())
            Serve(stored, node, null);
    }

    private void OnPod(Change change)
    {
        var stored = change.Object;
        _runs.TryGetValue(stored.Key, out var run);
        if (run is not null && (run.Uid != stored.Uid || change.Kind == ChangeKind.Deleted))
        {
            Release(run);
            _runs.Remove(stored.Key);
            run.State = RunState.Ended;
            run = null;
        }

        _unserved.Remove(stored.Key);
        var node = stored.FieldValues[_nodeNameField];
        if (change.Kind != ChangeKind.Deleted && node.Length > 0)
            Serve(stored, node, run);
    }

    private void Serve(StoredObject stored, string node, PodRun? run)
    {
        if (run is null && (run = Adopt(stored, node)) is null)
        {
            _unserved[stored.Key] = stored;
            return;
        }

        _unserved.Remove(stored.Key);
        if (stored.FieldValues[_phaseField] is "Succeeded" or "Failed" && run.State != RunState.Terminating)
        {
            Release(run);
            run.State = RunState.Ended;
        }

        if (stored.IsDeleting)
            Terminate(run, stored);
    }

    /// <summary>Takes charge of a pod that is new on its node; null if no kubelet of ours serves the node.</summary>
    private PodRun? Adopt(StoredObject stored, string node)
    {
        if (!_nodes.TryGetValue(node, out var ledger) || !ledger.IsServed)
            return null;
        var pod = stored.Parse();
        var run = new PodRun(stored.Key, stored.Uid, node, NodeLedger.Requests(pod));
        _runs[stored.Key] = run;
        var phase = stored.FieldValues[_phaseField];
        if (phase is "Succeeded" or "Failed")
        {
            run.State = RunState.Ended;
            return run;
        }

        if (phase != "Running" && _faults.IsRejecting(node))
        {
            Refuse(run, "UnexpectedAdmissionError", "Pod was rejected: Allocate failed due to no healthy devices present; cannot allocate unhealthy devices nvidia.com/gpu, which is unexpected");
            return run;
        }

        if (ledger.Take(run.Requests) is { } lacking)
        {
            Refuse(run, lacking);
            return run;
        }

        run.HoldsResources = true;
        if (phase == "Running")
        {
            run.State = RunState.Running;
            ScheduleEnd(run, pod);
        }
        else if (!stored.IsDeleting)
        {
            var delay = Scaled(_options.StartDelay);
            if (delay > TimeSpan.Zero)
                Write(run, p => PodStatusWriter.Creating(p, ledger.Address, _clock.GetUtcNow()));
            _due.Add(_clock.GetUtcNow() + delay, (run, Step.Start));
        }

        return run;
    }

    private void Refuse(PodRun run, (string Resource, decimal Requested, decimal Used, decimal Capacity) lacking)
    {
        var reason = "OutOf" + (NodeLedger.IsDevice(lacking.Resource) ? GpuResource : lacking.Resource);
        var message = string.Create(CultureInfo.InvariantCulture, $"Pod was rejected: Node didn't have enough resource: {lacking.Resource}, requested: {lacking.Requested}, used: {lacking.Used}, capacity: {lacking.Capacity}");
        Refuse(run, reason, message);
    }

    private void Refuse(PodRun run, string reason, string message)
    {
        _counters.Refused();
        run.State = RunState.Ended;
        var pod = Write(run, p => PodStatusWriter.Refused(p, reason, message, _clock.GetUtcNow()));
        Record(pod, "Warning", reason, message, run.Node);
    }

    private void Do(PodRun run, Step step)
    {
        if (!_runs.TryGetValue(run.Key, out var current) || !ReferenceEquals(current, run))
            return; // the pod is gone, or another one of its name is here
        switch (step)
        {
            case Step.Start when run.State == RunState.Starting:
                Start(run);
                break;
            case Step.End when run.State == RunState.Running:
                End(run);
                break;
            case Step.Remove when run.RemoveAt <= _clock.GetUtcNow():
                Remove(run);
                break;
        }
    }

    private void Start(PodRun run)
    {
        run.State = RunState.Running;
        var host = _nodes.GetValueOrDefault(run.Node)?.Address ?? "";
        var address = NextAddress();
        var pod = Write(run, p => PodStatusWriter.Running(
            p, host, p.StringAt("metadata", "annotations", SimulatedExporters.PodAddressAnnotation) ?? address, run.Restarts, _clock.GetUtcNow()));
        if (pod is null)
            return;
        _counters.Started();
        Record(pod, "Normal", "Started", "Started container " + pod.ObjectsAt("spec", "containers").First().StringAt("name"), run.Node);
        ScheduleEnd(run, pod);
    }

    private void ScheduleEnd(PodRun run, JsonObject pod)
    {
        var text = pod.StringAt("metadata", "annotations", DurationAnnotation) ?? pod.StringAt("metadata", "annotations", DeclaredDurationAnnotation);
        if (text is null)
            return;
        if (GoDuration.TryParse(text, out var duration))
            _due.Add(_clock.GetUtcNow() + Scaled(duration), (run, Step.End));
        else
            Record(pod, "Warning", "InvalidDuration", $"\"{text}\" is no duration such as 30s or 1h30m: the pod runs until it is deleted", run.Node);
    }

    private void End(PodRun run)
    {
        if (_objects.Find(_pods, run.Key)?.Parse() is not { } pod)
            return;
        var exitCode = int.TryParse(pod.StringAt("metadata", "annotations", ExitCodeAnnotation), CultureInfo.InvariantCulture, out var code) ? code : 0;
        var policy = pod.StringAt("spec", "restartPolicy");
        if (policy == "Always" || (policy == "OnFailure" && exitCode != 0))
        {
            // The container starts again on the same node; until then the pod keeps its place.
            run.Restarts++;
            run.State = RunState.Starting;
            _due.Add(_clock.GetUtcNow() + RestartPause, (run, Step.Start));
            return;
        }

        run.State = RunState.Ended;
        Release(run);
        if (Write(run, p => PodStatusWriter.Ended(p, exitCode, _clock.GetUtcNow())) is not null)
            _counters.Ended();
    }

    private void Terminate(PodRun run, StoredObject stored)
    {
        var pod = stored.Parse();
        var grace = TimeSpan.FromSeconds(pod.LongAt("metadata", "deletionGracePeriodSeconds") ?? 0);
        var wish = GoDuration.TryParse(pod.StringAt("metadata", "annotations", TerminationAnnotation), out var own) ? own : _options.TerminationDelay;
        var delay = run.State == RunState.Ended ? TimeSpan.Zero : Scaled(wish);
        var at = _clock.GetUtcNow() + (delay < grace ? delay : grace);
        if (at >= run.RemoveAt)
            return;
        if (run.State is RunState.Starting or RunState.Running)
        {
            run.State = RunState.Terminating;
            Record(pod, "Normal", "Killing", "Stopping container " + pod.ObjectsAt("spec", "containers").First().StringAt("name"), run.Node);
        }

        run.RemoveAt = at;
        _due.Add(at, (run, Step.Remove));
    }

    private void Remove(PodRun run)
    {
        try
        {
            _counters.Removed(); // before the removal shows, so that whoever sees it finds it counted
            var (_, isGone) = _deletion.Delete(_pods, run.Key, new DeleteOptions { GracePeriodSeconds = 0, Uid = run.Uid });
            if (isGone)
                return;
            // A finalizer keeps the object; the processes are gone all the same.
            Release(run);
            run.State = RunState.Ended;
        }
        catch (ApiException e) when (e.Code is 404 or 409)
        {
            // Somebody else removed it; the change arrives through the feed.
            _counters.NotRemoved();
        }
    }

    private void Release(PodRun run)
    {
        if (!run.HoldsResources)
            return;
        run.HoldsResources = false;
        _nodes.GetValueOrDefault(run.Node)?.Give(run.Requests);
    }

    /// <summary>Changes the pod if it is still the same; null if it is not.</summary>
    private JsonObject? Write(PodRun run, Action<JsonObject> change)
    {
        try
        {
            var isSame = true;
            var stored = _objects.Update(
                _pods, run.Key,
                pod =>
                {
                    isSame = pod.StringAt("metadata", "uid") == run.Uid;
                    if (isSame)
                        change(pod);
                    return pod;
                },
                UpdateScope.Internal, WriteOptions.Default);
            return isSame ? stored.Parse() : null;
        }
        catch (ApiException e) when (e.Code == 404)
        {
            return null; // deleted meanwhile; the change arrives through the feed
        }
    }

    private void Record(JsonObject? pod, string type, string reason, string message, string node)
    {
        if (pod is not null && _options.RecordsEvents)
            _events.Record(pod, type, reason, message, "kubelet", node);
    }

    private TimeSpan Scaled(TimeSpan duration) => duration / _timeScale;

    private string NextAddress()
    {
        var n = _addresses++ % (254 * 256 * 256);
        return string.Create(CultureInfo.InvariantCulture, $"10.{1 + (n >> 16)}.{(n >> 8) & 255}.{n & 255}");
    }
}
