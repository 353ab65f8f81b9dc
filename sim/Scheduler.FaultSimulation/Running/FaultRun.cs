using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Scheduler.FaultSimulation.Checking;
using Scheduler.FaultSimulation.Faults;
using Scheduler.FaultSimulation.Network;
using Scheduler.FaultSimulation.Time;
using Scheduler.SimulatedCluster;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.FaultSimulation.Running;

/// <summary>
/// One run from one seed: a cluster, two daemons, users who submit work, faults for a while; then the faults stop, everything that
/// can run has to run, and nothing may be left over. The first violation ends it.
/// </summary>
internal sealed class FaultRun
{
    private static readonly TimeSpan ArrivalsFor = TimeSpan.FromSeconds(150);
    private static readonly TimeSpan FaultsFor = TimeSpan.FromSeconds(240);

    // A silent watch is noticed after two minutes, a pod that failed again and again waits up to five.
    private static readonly TimeSpan DoneWithin = TimeSpan.FromMinutes(60);
    private static readonly TimeSpan SettlesWithin = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan RefereeEvery = TimeSpan.FromSeconds(5);

    private readonly Actor _world = new("world");
    private readonly Random _random;
    private readonly FaultSource _faults;
    private readonly Disturbances _disturbances;
    private readonly Workload _workload;
    private readonly List<Replica> _replicas = [];
    private readonly List<Replica> _crashed = [];
    private readonly List<(ScheduledEvent Event, Action Mend)> _mending = [];
    private readonly PodBooks _books;
    private readonly ulong _seed;
    private Violation? _violation;
    private readonly Change[] _changes = new Change[64];
    private WatchLog? _podLog;
    private long _podCursor;
    private int _submitted;
    private int _incarnations;
    private bool _isOver;

    private FaultRun(ulong seed, TextWriter? writer)
    {
        _seed = seed;
        Log = new RunLog(Time, writer);
        _random = Stream(1);
        Profile = FaultProfile.Draw(Stream(2));
        _faults = new FaultSource(Profile, Stream(3));
        _disturbances = new Disturbances(this, Stream(4));
        _workload = new Workload(Stream(5));
        Nodes = [.. Enumerable.Range(0, 3).Select(index => new SimulatedNode { Name = $"n{index}", Gpus = 4, GpuModel = "H100" })];
        _books = new PodBooks(Nodes.ToDictionary(node => node.Name, node => node.Gpus), node => Cluster.Get("v1", "Node", "", node) is not null, Violated);
    }

    public VirtualTime Time { get; } = new();

    public RunLog Log { get; }

    public FaultProfile Profile { get; }

    public IReadOnlyList<SimulatedNode> Nodes { get; }

    public SimulatedCluster.SimulatedCluster Cluster { get; private set; } = null!;

    /// <summary>Daemons that have not ended.</summary>
    public IReadOnlyList<Replica> Alive => [.. _replicas.Where(replica => !replica.Actor.IsDead && !replica.Running.IsCompleted)];

    /// <summary>Runs a seed to its end. To be called on the only worker of the pool.</summary>
    /// <returns>The first violation, or null.</returns>
    public static async Task<Violation?> RunAsync(ulong seed, TextWriter? log)
    {
        var run = new FaultRun(seed, log);
        await run.RunAsync();
        return run._violation;
    }

    /// <summary>Has something happen later, or when the faults stop, whichever is first: what is broken is mended.</summary>
    public void Later(TimeSpan time, Action mend)
    {
        (ScheduledEvent Event, Action Mend) entry = default;
        entry = (Time.After(time, _world, () =>
        {
            _mending.RemoveAll(other => other.Event == entry.Event);
            mend();
        }), mend);
        _mending.Add(entry);
    }

    public void Crash(Replica replica, TimeSpan downFor)
    {
        Log.Write("fault", $"{replica.Actor.Name} crashes");
        replica.Crash();
        _replicas.Remove(replica);
        _crashed.Add(replica);
        Later(downFor, StartReplica);
    }

    public void Restart(Replica replica, TimeSpan downFor)
    {
        Log.Write("fault", $"{replica.Actor.Name} is told to stop");
        replica.Stop();
        Later(downFor, StartReplica);
    }

    /// <summary>Changes the status of an object as its owner would.</summary>
    public void UpdateStatus(string plural, string name, Action<JsonObject> change) => Cluster.Objects.Update(
        Cluster.Objects.Registry.Require("", plural), new ObjectKey("", name), stored =>
        {
            change(stored);
            return stored;
        }, UpdateScope.Status, WriteOptions.Default);

    private async Task RunAsync()
    {
        Log.Write("run", $"seed {_seed}, {Profile}");
        Cluster = await SimulatedCluster.SimulatedCluster.StartAsync(new SimulatedClusterOptions
        {
            Listens = false,
            Clock = new ActorClock(Time, _world),
            Random = Stream(6),
            Nodes = Nodes,
            Manifests = [Resource("deploy/crds/tenants.yaml"), Resource("deploy/crds/podgroups.yaml"), Resource("deploy/base/priorityclasses.yaml"), Resource("cluster.yaml")],
            WatchHistoryLength = 2048,
        }, CancellationToken.None);
        await new PoolIdle();
        StartReplica();
        StartReplica();
        ScheduleWork();
        await new PoolIdle();
        while (!_isOver && _violation is null && Time.RunNext())
        {
            await new PoolIdle();
            Check();
        }

        Log.Write("run", _violation is null ? "no violation" : $"VIOLATION {_violation}");
        foreach (var replica in _replicas.Concat(_crashed))
            replica.Dispose();
    }

    private void ScheduleWork()
    {
        for (var left = _random.Next(6, 16); left > 0; left--)
            Time.After(Upto(ArrivalsFor), _world, Submit);
        for (var left = Profile.Disturbances; left > 0; left--)
            Time.After(Upto(FaultsFor), _world, _disturbances.Next);
        Time.After(FaultsFor, _world, StopFaults);
        Time.After(FaultsFor + RefereeEvery, _world, Referee);
        Time.After(TimeSpan.FromSeconds(10), _world, CollectPods);
    }

    private void Submit()
    {
        var work = _workload.Next();
        Log.Write("user", $"submits {work.ToJsonString()}");
        Cluster.Create(work);
        _submitted++;
    }

    private void StopFaults()
    {
        Log.Write("run", "the faults stop");
        _faults.Profile = FaultProfile.Calm;
        foreach (var (scheduled, mend) in _mending.ToList())
        {
            scheduled.Cancel();
            mend();
        }

        _mending.Clear();
    }

    /// <summary>As the pod garbage collector of a control plane does: pods on a node that is gone are removed.</summary>
    private void CollectPods()
    {
        foreach (var failed in Cluster.FailedRooms)
            Violated("simulation bug", $"{failed} of the cluster failed");
        var nodes = Cluster.List("v1", "Node").Select(node => node.StringAt("metadata", "name")).ToHashSet(StringComparer.Ordinal);
        foreach (var pod in Cluster.List("v1", "Pod").Where(pod => pod.StringAt("spec", "nodeName") is { Length: > 0 } node && !nodes.Contains(node)))
            Cluster.Delete("v1", "Pod", pod.StringAt("metadata", "namespace")!, pod.StringAt("metadata", "name")!, gracePeriodSeconds: 0);
        Time.After(TimeSpan.FromSeconds(10), _world, CollectPods);
    }

    private void StartReplica()
    {
        var actor = new Actor(string.Create(CultureInfo.InvariantCulture, $"weir-{++_incarnations}"));
        Replica? replica = null;
        var connection = new ApiConnection(
            Time, actor, _world, _faults, Log, Cluster.ServeAsync, write => CheckWrite(replica!, write), bug => Violated("simulation bug", bug.ToString()));
        replica = Replica.Start(actor, Time, Stream(100 + _incarnations), Log.LoggersOf(actor.Name, OnMessage), connection);
        _replicas.Add(replica);
    }

    /// <summary>An error in the log is a bug, a plan that was dropped because it would do harm included.</summary>
    private void OnMessage(LogLevel level, EventId id, string text)
    {
        if (level >= LogLevel.Error)
            Violated("bug in the log", text);
    }

    private void CheckWrite(Replica replica, string write)
    {
        if (!write.Contains("/leases", StringComparison.Ordinal) && !replica.Leads)
            Violated("write without the lease", $"{replica.Actor.Name}: {write}");
    }

    private void Check()
    {
        Replica? leader = null;
        foreach (var replica in _replicas)
        {
            if (replica.Running.IsFaulted)
                Violated("daemon failed", $"{replica.Actor.Name}: {replica.Running.Exception!.GetBaseException()}");
            if (!replica.Leads)
                continue;
            if (leader is not null)
                Violated("two leaders", $"{leader.Actor.Name} and {replica.Actor.Name}");
            leader = replica;
        }

        ReadPods();
    }

    private void ReadPods()
    {
        _podLog ??= Cluster.Objects.Bucket(Cluster.Objects.Registry.Require("", "pods")).Log;
        int count;
        do
        {
            if (!_podLog.TryRead(ref _podCursor, _changes, out count))
                throw new InvalidOperationException("the checker fell behind the history of pods");
            foreach (var change in _changes.AsSpan(0, count))
            {
                if (Log.IsKept)
                    Log.Write("store", $"{change.Kind} pod {change.Object.Key.Namespace}/{change.Object.Key.Name} version {change.Object.ResourceVersion}");
                _books.Apply(change.Object, change.Kind == ChangeKind.Deleted);
                if (change.Kind == ChangeKind.Deleted)
                    NoteRemoval(change.Object.Parse());
            }
        }
        while (count > 0);
    }

    /// <summary>
    /// A gang counts the members that have ended by their pods. Where such a pod is removed, by a late eviction or by a lost node, the
    /// rest waits for a member that never comes: a limit of Weir that docs/operations.md names, and its users have to submit it anew.
    /// </summary>
    private void NoteRemoval(JsonObject pod)
    {
        if (pod.StringAt("status", "phase") != "Succeeded" || pod.StringAt("metadata", "annotations", "weir.scheduler/pod-group") is not { } gang)
            return;
        var @namespace = pod.StringAt("metadata", "namespace")!;
        if (Cluster.Get("batch/v1", "Job", @namespace, gang) is not { } job || IsComplete(job))
            return;
        Log.Write("user", $"gives gang {@namespace}/{gang} up: a member that had ended was removed");
        Cluster.Delete("batch/v1", "Job", @namespace, gang);
    }

    private static bool IsComplete(JsonObject job) => job.ObjectsAt("status", "conditions").Any(condition => condition.StringAt("type") == "Complete");

    private void Referee()
    {
        var jobs = Cluster.List("batch/v1", "Job");
        var open = jobs.Where(job => !IsComplete(job))
            .Select(job => $"job {job.StringAt("metadata", "namespace")}/{job.StringAt("metadata", "name")}")
            .Concat(Cluster.List("v1", "Pod").Where(IsUnfinished).Select(pod => $"pod {pod.StringAt("metadata", "namespace")}/{pod.StringAt("metadata", "name")}"))
            .ToList();
        if (open.Count == 0)
        {
            Log.Write("run", $"all {_submitted} submissions are done");
            Time.After(SettlesWithin, _world, Probe);
        }
        else if (Log.Seconds > (FaultsFor + DoneWithin).TotalSeconds)
        {
            LeakCheck.OfPods(Cluster.List("v1", "Pod"), Violated);
            Violated("W10", $"not done {DoneWithin.TotalMinutes:0} minutes after the last fault: {string.Join(", ", open)}");
        }
        else
        {
            Time.After(RefereeEvery, _world, Referee);
        }
    }

    private static bool IsUnfinished(JsonObject pod)
    {
        if (pod.StringAt("status", "phase") is "Succeeded" or "Failed")
            return false;
        // One that runs for ever is done when it runs.
        return pod.StringAt("status", "phase") != "Running" || pod.StringAt("metadata", "annotations", "simulation.weir.scheduler/duration") is not null;
    }

    /// <summary>Each tenant asks for what is left of its guarantee, all at once: room that leaked away would show.</summary>
    private void Probe()
    {
        CheckForLeaks();
        foreach (var tenant in Workload.Tenants)
        {
            for (var left = tenant.Guaranteed - _books.UsedBy(tenant.Namespace); left > 0; left--)
                Cluster.Create(Workload.Probe(string.Create(CultureInfo.InvariantCulture, $"probe-{left}"), tenant.Namespace));
        }

        Time.After(TimeSpan.FromSeconds(15), _world, () =>
        {
            foreach (var tenant in Workload.Tenants.Where(tenant => _books.UsedBy(tenant.Namespace) < tenant.Guaranteed))
                Violated("W3", $"tenant {tenant.Namespace} asks for its whole guarantee of {tenant.Guaranteed} GPUs and has {_books.UsedBy(tenant.Namespace)} after 15 s");
        });
        Time.After(TimeSpan.FromSeconds(150), _world, () =>
        {
            CheckForLeaks();
            _isOver = true;
        });
    }

    private void CheckForLeaks()
    {
        LeakCheck.OfPods(Cluster.List("v1", "Pod"), Violated);
        foreach (var replica in Alive)
            LeakCheck.OfReplica(replica, _books, Violated);
        if (Alive.Count(replica => replica.Leads) != 1)
            Violated("no leader", $"{Alive.Count} daemons run, and {Alive.Count(replica => replica.Leads)} lead");
    }

    private void Violated(string rule, string what)
    {
        Log.Write("check", $"{rule}: {what}");
        _violation ??= new Violation(rule, what, Log.Seconds);
    }

    private TimeSpan Upto(TimeSpan time) => TimeSpan.FromMilliseconds(_random.Next((int)time.TotalMilliseconds));

    private Random Stream(int number)
    {
        // SplitMix64: neighbouring seeds and streams have nothing in common.
        var mixed = unchecked((_seed * 0x9E3779B97F4A7C15) + ((ulong)number * 0xD1342543DE82EF95));
        mixed = unchecked((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9);
        mixed = unchecked((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB);
        return new Random((int)(mixed ^ (mixed >> 31)));
    }

    private static string Resource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"the resource {name} is not in the program");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
