using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Scheduler.Core.Model;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Telemetry;
using Scheduler.Telemetry.Devices;
using Scheduler.Telemetry.Health;

namespace Scheduler.Daemon.Gpus;

/// <summary>
/// The health of all nodes and their GPUs, from what exporters say, what kubelets make of pods, and what operators want. Tells the
/// cache what gets no new work, and everybody else what has changed: Event, log, metric, and the annotation that outlives a restart.
/// </summary>
/// <remarks>
/// <code>
/// exporters ──► Observe ──┐
/// kubelets ───► Settled ──┼──► GpuHealth of the node ──► quarantine in the cache ──► planner
/// operators ──► Quarantine┤            │
/// annotation ─► Seen ─────┘            └──► annotation (HealthWriter), Event, metric, log
/// </code>
/// The replica that leads writes annotations; the others take over what they say. Safe for concurrent use: whoever holds the lock
/// here may take the cache's, and never the other way round.
/// </remarks>
internal sealed class ClusterHealth
{
    private readonly Lock _gate = new();
    private readonly Dictionary<NodeName, Entry> _nodes = [];
    private readonly HashSet<string> _unknownHosts = new(StringComparer.Ordinal);
    private readonly HealthPolicy _policy;
    private readonly IdleRule _idle;
    private readonly ClusterCache _cache;
    private readonly ExporterBook _exporters;
    private readonly ILeadership _leadership;
    private readonly EventRecorder _events;
    private readonly SchedulerMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    public ClusterHealth(
        HealthPolicy policy, IdleRule idle, ClusterCache cache, ExporterBook exporters, ILeadership leadership, EventRecorder events, SchedulerMetrics metrics,
        TimeProvider time, ILogger logger)
    {
        (_policy, _idle, _cache, _exporters, _leadership, _events, _metrics, _time, _logger) = (policy, idle, cache, exporters, leadership, events, metrics, time, logger);
        cache.PodSettled += Settled;
        Nodes = new NodeSink(this);
    }

    /// <summary>Where the watch of nodes writes; the cache gets the same.</summary>
    public IReflectorSink<NodeRecord> Nodes { get; }

    /// <summary>Raised outside the lock when the health of something has changed. Handlers only signal.</summary>
    public event Action? Changed;

    /// <summary>An exporter was read.</summary>
    /// <param name="node">The node that it speaks of; null if each device says it.</param>
    /// <param name="reading">What it said.</param>
    public void Observe(string? node, NodeReading reading)
    {
        if (node is not null)
        {
            ObserveNode(node, reading);
            return;
        }

        foreach (var host in reading.Gpus.GroupBy(gpu => gpu.Host, StringComparer.Ordinal))
            ObserveNode(host.Key, reading with { Gpus = [.. host] });
    }

    /// <summary>An operator takes a device, or the whole node, out of use.</summary>
    /// <returns>Why not, or null.</returns>
    public string? Quarantine(string node, int? device, string reason) =>
        ByOperator(node, device, (health, now) => health.Quarantine(now, device, reason));

    /// <summary>An operator lets a device, or the whole node, be used again.</summary>
    /// <returns>Why not, or null.</returns>
    public string? Release(string node, int? device, string reason) =>
        ByOperator(node, device, (health, now) => health.Release(now, device, reason));

    /// <summary>Nodes with GPUs, and those that are not healthy, by name.</summary>
    public ImmutableArray<NodeView> View()
    {
        var now = _time.GetUtcNow();
        lock (_gate)
        {
            return
            [
                .. _nodes.Where(entry => entry.Value.Uid.Length > 0).OrderBy(entry => entry.Key)
                    .Select(entry => View(entry.Key, entry.Value, now))
                    .Where(view => !view.Devices.IsEmpty || view.Health.State != HealthState.Healthy),
            ];
        }
    }

    /// <summary>Annotations that do not say what is known. Nothing while another replica leads.</summary>
    public ImmutableArray<HealthChange> Unwritten()
    {
        if (_leadership.Term is null)
            return [];
        lock (_gate)
        {
            return
            [
                .. _nodes.Where(entry => entry.Value.Uid.Length > 0)
                    .Select(entry => (entry.Key, entry.Value, Text: HealthAnnotation.Write(entry.Value.Health)))
                    .Where(entry => entry.Text != entry.Value.Annotation)
                    .OrderBy(entry => entry.Key)
                    .Select(entry => new HealthChange(entry.Key, entry.Value.Uid, entry.Text)),
            ];
        }
    }

    /// <summary>The API server took an annotation.</summary>
    public void Wrote(HealthChange change)
    {
        lock (_gate)
        {
            if (_nodes.TryGetValue(change.Node, out var entry) && entry.Uid == change.Uid)
                entry.Annotation = change.Text;
        }
    }

    /// <summary>Time goes by: to be called every few seconds.</summary>
    public void Tick()
    {
        var now = _time.GetUtcNow();
        var withExporter = _exporters.Targets.Select(target => target.Node).OfType<string>().ToHashSet(StringComparer.Ordinal);
        lock (_gate)
        {
            foreach (var (name, entry) in _nodes)
            {
                entry.HasExporter = withExporter.Contains(name.Value) || entry.HeardAt is not null;
                Report(name, entry, entry.Health.Tick(now));
                TellSilence(name, entry, now);
            }

            Measure(now);
        }
    }

    private void ObserveNode(string host, NodeReading reading)
    {
        lock (_gate)
        {
            var now = _time.GetUtcNow();
            var name = new NodeName(host);
            if (!_nodes.TryGetValue(name, out var entry))
            {
                _metrics.ScrapeUnmatched();
                // Names come from outside: so many are remembered, and each is told once.
                if (_unknownHosts.Count < 1000 && _unknownHosts.Add(host))
                    Log.ExporterOfUnknownNode(_logger, host);
                return;
            }

            if (!reading.Gpus.IsEmpty)
            {
                entry.HeardAt = now;
                entry.Readings = reading.Gpus;
                _cache.SetIdle(name, entry.Idle.Observe(now, reading.Gpus));
            }

            Report(name, entry, entry.Health.Observe(now, reading));
            TellSilence(name, entry, now);
        }
    }

    private void Settled(PodOutcome outcome)
    {
        lock (_gate)
        {
            if (!_nodes.TryGetValue(outcome.Node, out var entry))
                return;
            if (outcome.Rejection is not { } reason)
            {
                entry.Health.PodStarted();
                return;
            }

            _metrics.PodRejected();
            Report(outcome.Node, entry, entry.Health.PodRejected(_time.GetUtcNow(), reason));
        }
    }

    private string? ByOperator(string node, int? device, Func<GpuHealth, DateTimeOffset, IReadOnlyList<HealthTransition>> change)
    {
        if (_leadership.Term is null)
            return _leadership.Holder is { } holder ? $"this replica stands by; ask {holder}, which leads" : "no replica leads yet; try again";
        lock (_gate)
        {
            var name = new NodeName(node);
            if (!_nodes.TryGetValue(name, out var entry) || entry.Uid.Length == 0)
                return $"there is no node '{node}'";
            if (device is { } index && !IsThere(name, entry, index))
                return $"node '{node}' has no GPU {index}; weir gpus lists them";
            Report(name, entry, change(entry.Health, _time.GetUtcNow()));
        }

        return null;
    }

    private bool IsThere(NodeName name, Entry entry, int device) =>
        (device >= 0 && device < (_cache.FindDeclared(name)?.Devices.Length ?? 0)) || entry.Health.Devices.ContainsKey(device);

    private void Seen(NodeRecord record)
    {
        lock (_gate)
        {
            var now = _time.GetUtcNow();
            var name = record.Node.Name;
            if (!_nodes.TryGetValue(name, out var entry) || (entry.Uid != record.Uid && entry.Uid.Length > 0))
                _nodes[name] = entry = new Entry(new GpuHealth(_policy, now), new IdleTracker(_idle), now);
            var isFirst = entry.Uid.Length == 0;
            entry.Uid = record.Uid;
            if (record.Health != entry.Annotation && (isFirst || _leadership.Term is null))
                TakeOver(name, entry, record.Health, now);
            entry.Annotation = record.Health;
            _cache.SetQuarantine(name, QuarantineOf(entry));
        }
    }

    private void TakeOver(NodeName name, Entry entry, string? text, DateTimeOffset now)
    {
        if (text is null)
            entry.Health.Restore(now, null, []);
        else if (!HealthAnnotation.TryRestore(entry.Health, text, now))
            Log.HealthUnreadable(_logger, name.Value, Annotations.GpuHealth);
    }

    private void Gone(NodeName name)
    {
        lock (_gate)
        {
            if (!_nodes.Remove(name))
                return;
            _cache.SetQuarantine(name, NodeQuarantine.None);
            _cache.SetIdle(name, []);
        }
    }

    private void Report(NodeName name, Entry entry, IReadOnlyList<HealthTransition> transitions)
    {
        if (transitions.Count == 0)
            return;
        foreach (var transition in transitions)
        {
            var subject = transition.Device is { } device ? $"GPU {device}" : "the node";
            if (IsProgramFault(transition))
            {
                _metrics.ProgramFault();
                Log.ProgramFault(_logger, name.Value, subject, transition.Reason);
            }
            else
            {
                _metrics.HealthChanged(transition.Device is null ? "node" : "device", transition.To.ToString().ToLowerInvariant());
                Log.HealthChanged(_logger, name.Value, subject, transition.From, transition.To, transition.Cause, transition.Reason);
            }

            var (kind, reason) = EventOf(transition);
            _events.Record(EventSubject.OfNode(name.Value, entry.Uid), kind, reason, $"{subject}: {transition.Reason}");
        }

        _cache.SetQuarantine(name, QuarantineOf(entry));
        Changed?.Invoke();
    }

    /// <summary>Whether it is told only, and nothing changes by it.</summary>
    private static bool IsProgramFault(HealthTransition transition) => transition.From == transition.To && transition.To != HealthState.Quarantined;

    private static (EventKind Kind, string Reason) EventOf(HealthTransition transition)
    {
        var subject = transition.Device is null ? "Node" : "Gpu";
        return IsProgramFault(transition)
            ? (EventKind.Normal, "GpuProgramFault")
            : transition.To switch
            {
                HealthState.Quarantined => (EventKind.Warning, $"{subject}Quarantined"),
                HealthState.Suspect => (EventKind.Warning, $"{subject}Suspect"),
                HealthState.Probation => (EventKind.Normal, $"{subject}OnProbation"),
                _ => (EventKind.Normal, $"{subject}Healthy"),
            };
    }

    private static NodeQuarantine QuarantineOf(Entry entry)
    {
        ImmutableArray<int> devices = [.. entry.Health.Devices.Where(device => device.Value.State == HealthState.Quarantined).Select(device => device.Key).Order()];
        ImmutableArray<MigCapacity> instances =
        [
            .. entry.Readings.Where(gpu => gpu.IsMig && gpu.Index is { } index && devices.Contains(index))
                .GroupBy(gpu => gpu.MigProfile, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal)
                .Select(group => new MigCapacity(group.Key, group.Count())),
        ];
        return new NodeQuarantine(entry.Health.Node.State == HealthState.Quarantined, devices, instances);
    }

    private NodeView View(NodeName name, Entry entry, DateTimeOffset now)
    {
        var isSilent = IsSilent(entry, now);
        var healths = entry.Health.Devices;
        var declared = _cache.FindDeclared(name)?.Devices.Length ?? 0;
        var readings = isSilent ? [] : entry.Readings.Where(gpu => gpu.Index is not null).GroupBy(gpu => gpu.Index!.Value)
            .ToDictionary(group => group.Key, group => group.FirstOrDefault(gpu => !gpu.IsMig) ?? group.First());
        return new NodeView(
            name, entry.Health.Node, entry.HeardAt, isSilent,
            [
                .. Enumerable.Range(0, declared).Concat(healths.Keys).Concat(readings.Keys).Distinct().Order()
                    .Select(index => new DeviceView(index, healths.GetValueOrDefault(index) ?? HealthMachine.New(entry.KnownSince), readings.GetValueOrDefault(index))),
            ]);
    }

    private bool IsSilent(Entry entry, DateTimeOffset now) =>
        entry.HasExporter && now - (entry.HeardAt ?? entry.KnownSince) >= _policy.StaleAfter;

    private void TellSilence(NodeName name, Entry entry, DateTimeOffset now)
    {
        var isSilent = IsSilent(entry, now);
        if (isSilent == entry.WasSilent)
            return;
        entry.WasSilent = isSilent;
        if (isSilent)
        {
            _cache.SetIdle(name, []);
            Log.ExporterSilent(_logger, name.Value, _policy.StaleAfter.TotalSeconds);
        }
        else
        {
            Log.ExporterSpeaks(_logger, name.Value);
        }
    }

    private void Measure(DateTimeOffset now)
    {
        var byState = new Dictionary<HealthState, int>();
        var (silent, oldest) = (0, TimeSpan.Zero);
        foreach (var entry in _nodes.Values)
        {
            foreach (var device in entry.Health.Devices.Values)
                byState[device.State] = byState.GetValueOrDefault(device.State) + 1;
            silent += IsSilent(entry, now) ? 1 : 0;
            var age = entry.HasExporter ? now - (entry.HeardAt ?? entry.KnownSince) : TimeSpan.Zero;
            oldest = age > oldest ? age : oldest;
        }

        _metrics.SetIdle(_cache.IdleMilliGpuByTenant());
        _metrics.SetHealth(byState, _nodes.Values.Count(entry => entry.Health.Node.State == HealthState.Quarantined), silent, oldest);
    }

    private sealed class Entry(GpuHealth health, IdleTracker idle, DateTimeOffset knownSince)
    {
        public IdleTracker Idle { get; } = idle;

        public GpuHealth Health { get; } = health;

        public DateTimeOffset KnownSince { get; } = knownSince;

        public string Uid { get; set; } = "";

        /// <summary>What the node's annotation says.</summary>
        public string? Annotation { get; set; }

        public DateTimeOffset? HeardAt { get; set; }

        public ImmutableArray<GpuReading> Readings { get; set; } = [];

        public bool HasExporter { get; set; }

        public bool WasSilent { get; set; }
    }

    /// <summary>The health first: a node that is quarantined is never planned with as a healthy one.</summary>
    private sealed class NodeSink(ClusterHealth health) : IReflectorSink<NodeRecord>
    {
        public void Replace(IReadOnlyList<NodeRecord> items)
        {
            var present = items.Select(item => item.Node.Name).ToHashSet();
            List<NodeName> gone;
            lock (health._gate)
                gone = [.. health._nodes.Keys.Where(name => !present.Contains(name))];
            foreach (var item in items)
                health.Seen(item);
            health._cache.Nodes.Replace([.. items.Select(item => item.Node)]);
            foreach (var name in gone)
                health.Gone(name);
        }

        public void Upsert(NodeRecord item)
        {
            health.Seen(item);
            health._cache.Nodes.Upsert(item.Node);
        }

        public void Delete(NodeRecord item)
        {
            health._cache.Nodes.Delete(item.Node);
            health.Gone(item.Node.Name);
        }
    }
}
