using Scheduler.Telemetry.Devices;

namespace Scheduler.Telemetry.Health;

/// <summary>
/// The health of one node and its devices, from scrapes and from what becomes of pods. It has no clock: each call says the
/// time. Each call answers with the changes that it made, in the order of the devices, the node last. Not for several
/// threads at once.
/// </summary>
public sealed class GpuHealth
{
    private readonly HealthPolicy _policy;
    private readonly SortedDictionary<int, DeviceTrack> _devices = [];
    private readonly Queue<DateTimeOffset> _rejections = new();
    private DateTimeOffset? _heard;

    /// <summary>A node of which nothing is known.</summary>
    public GpuHealth(HealthPolicy policy, DateTimeOffset now)
    {
        if (policy.Mistakes().FirstOrDefault() is { } mistake)
        {
            throw new ArgumentException(mistake, nameof(policy));
        }

        _policy = policy;
        Node = HealthMachine.New(now);
    }

    /// <summary>The node as a whole.</summary>
    public SubjectHealth Node { get; private set; }

    /// <summary>Each device that was ever seen or named, by its number.</summary>
    public IReadOnlyDictionary<int, SubjectHealth> Devices => _devices.ToDictionary(device => device.Key, device => device.Value.Health);

    /// <summary>Devices of the last scrape without a number, or with one beyond <see cref="HealthPolicy.MaxDevices"/>. They have no state.</summary>
    public int DevicesWithoutState { get; private set; }

    /// <summary>Whether the exporter was not heard for too long, or never. It changes no state.</summary>
    public bool IsSilent(DateTimeOffset now) => _heard is not { } heard || now - heard >= _policy.StaleAfter;

    /// <summary>Whether a device may get new work. One of which nothing is known may.</summary>
    public bool IsUsable(int device) => Node.State != HealthState.Quarantined
        && (!_devices.TryGetValue(device, out var track) || track.Health.State != HealthState.Quarantined);

    /// <summary>Takes a scrape. One that shows no device, or was not read whole, says nothing about devices that it does not show.</summary>
    public IReadOnlyList<HealthTransition> Observe(DateTimeOffset now, NodeReading reading)
    {
        var changes = new List<HealthTransition>();
        var byIndex = Group(reading);
        if (byIndex.Count > 0)
        {
            _heard = now;
        }

        string? drain = null;
        var drainCause = "";
        foreach (var (index, readings) in byIndex)
        {
            if (!_devices.TryGetValue(index, out var device))
            {
                device = new DeviceTrack(index, HealthMachine.New(now));
                _devices.Add(index, device);
            }

            NoticeReplacement(changes, device, readings, now);
            device.Missed = 0;
            var findings = device.Compare(readings, _policy);
            foreach (var note in findings.Where(finding => finding.Action == FaultAction.Note))
            {
                changes.Add(new HealthTransition(index, device.Health.State, device.Health.State, note.Cause, note.Reason, now));
            }

            if (findings.Find(finding => finding.Action == FaultAction.DrainNode) is { } whole)
            {
                (drain, drainCause) = ($"device {index}: {whole.Reason}", whole.Cause);
            }

            Change(changes, device, now, Next(device.Health, now, findings));
        }

        if (byIndex.Count > 0 && IsWhole(reading))
        {
            NoticeMissing(changes, byIndex, now);
        }

        if (drain is not null)
        {
            ChangeNode(changes, now, HealthMachine.Fault(Node, now, drainCause, drain, isLasting: false, _policy));
        }

        return changes;
    }

    /// <summary>Time goes by. To be called now and then, whether or not the exporter is heard.</summary>
    public IReadOnlyList<HealthTransition> Tick(DateTimeOffset now)
    {
        var changes = new List<HealthTransition>();
        foreach (var device in _devices.Values)
        {
            Change(changes, device, now, HealthMachine.Silent(device.Health, now, _policy));
        }

        // No exporter speaks of the node as a whole: what is not told of it has not happened.
        ChangeNode(changes, now, HealthMachine.Clean(Node, now, _policy, gapsCount: true));
        return changes;
    }

    /// <summary>The node's kubelet has turned a pod away that was bound to it.</summary>
    public IReadOnlyList<HealthTransition> PodRejected(DateTimeOffset now, string reason)
    {
        while (_rejections.TryPeek(out var oldest) && now - oldest > _policy.RejectionWindow)
        {
            _rejections.Dequeue();
        }

        _rejections.Enqueue(now);
        var changes = new List<HealthTransition>();
        if (_rejections.Count >= _policy.RejectionLimit)
        {
            var count = _rejections.Count;
            _rejections.Clear();
            ChangeNode(changes, now, HealthMachine.Fault(
                Node, now, "RejectsPods", $"it rejected {count} pods and started none, the last one with: {reason}", isLasting: false, _policy));
        }

        return changes;
    }

    /// <summary>A pod has started on the node.</summary>
    public void PodStarted() => _rejections.Clear();

    /// <summary>An operator takes a device, or the whole node, out of use.</summary>
    public IReadOnlyList<HealthTransition> Quarantine(DateTimeOffset now, int? device, string reason) =>
        ByOperator(now, device, health => HealthMachine.Quarantine(health, now, reason));

    /// <summary>An operator lets a device, or the whole node, be used again.</summary>
    public IReadOnlyList<HealthTransition> Release(DateTimeOffset now, int? device, string reason) =>
        ByOperator(now, device, health => HealthMachine.Release(health, now, reason));

    /// <summary>
    /// Goes on from what was written down by an earlier process: nothing is told as a change. The clean time begins anew, and what
    /// counters and XIDs said before is not known.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="node">The node as a whole; null if nothing was written about it.</param>
    /// <param name="devices">The devices that something was written about, with their UUIDs. Numbers beyond <see cref="HealthPolicy.MaxDevices"/> are left out.</param>
    public void Restore(DateTimeOffset now, SubjectHealth? node, IEnumerable<(int Index, string Uuid, SubjectHealth Health)> devices)
    {
        Node = node is null ? HealthMachine.New(now) : Resumed(node, now);
        foreach (var device in _devices.Values)
        {
            device.Health = HealthMachine.New(now);
        }

        foreach (var (index, uuid, health) in devices)
        {
            if (index < 0 || index >= _policy.MaxDevices)
            {
                continue;
            }

            if (!_devices.TryGetValue(index, out var track))
            {
                _devices.Add(index, track = new DeviceTrack(index, health) { Uuid = uuid });
            }

            track.Health = Resumed(health, now);
        }
    }

    /// <summary>The UUID of a device as last told; empty if it never was.</summary>
    public string UuidOf(int device) => _devices.TryGetValue(device, out var track) ? track.Uuid : "";

    private static SubjectHealth Resumed(SubjectHealth health, DateTimeOffset now) => health with { Heard = now, CleanFor = TimeSpan.Zero, TroubledSince = null };

    private List<HealthTransition> ByOperator(DateTimeOffset now, int? device, Func<SubjectHealth, SubjectHealth> next)
    {
        var changes = new List<HealthTransition>();
        if (device is not { } index)
        {
            ChangeNode(changes, now, next(Node));
            return changes;
        }

        ArgumentOutOfRangeException.ThrowIfNegative(index, nameof(device));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, _policy.MaxDevices, nameof(device));
        if (!_devices.TryGetValue(index, out var track))
        {
            track = new DeviceTrack(index, HealthMachine.New(now));
            _devices.Add(index, track);
        }

        Change(changes, track, now, next(track.Health));
        return changes;
    }

    private SortedDictionary<int, List<GpuReading>> Group(NodeReading reading)
    {
        var byIndex = new SortedDictionary<int, List<GpuReading>>();
        DevicesWithoutState = 0;
        foreach (var gpu in reading.Gpus)
        {
            if (gpu.Index is not { } index || index >= _policy.MaxDevices)
            {
                DevicesWithoutState++;
                continue;
            }

            if (!byIndex.TryGetValue(index, out var readings))
            {
                byIndex.Add(index, readings = []);
            }

            // An instance's own number and its device's are the same. Two devices with one number are not: the first stays.
            if (readings.Count == 0 || readings[0].Uuid == gpu.Uuid)
            {
                readings.Add(gpu);
            }
            else
            {
                DevicesWithoutState++;
            }
        }

        return byIndex;
    }

    private static bool IsWhole(NodeReading reading) =>
        !reading.Body.IsCutOff && reading.Body.MalformedLines == 0 && reading.Body.LongLines == 0 && reading.SamplesBeyondLimits == 0;

    private static void NoticeReplacement(List<HealthTransition> changes, DeviceTrack device, List<GpuReading> readings, DateTimeOffset now)
    {
        var uuid = readings[0].Uuid;
        if (uuid.Length == 0 || uuid == device.Uuid)
        {
            return;
        }

        if (device.Uuid.Length > 0)
        {
            device.Forget();
            if (!device.Health.IsByOperator)
            {
                Change(changes, device, now, HealthMachine.New(now), "Replaced", $"{uuid} is in the place of {device.Uuid}");
            }
        }

        device.Uuid = uuid;
    }

    private void NoticeMissing(List<HealthTransition> changes, SortedDictionary<int, List<GpuReading>> shown, DateTimeOffset now)
    {
        foreach (var device in _devices.Values)
        {
            // A device that an operator has named and no scrape has ever shown is not missing.
            if (device.Uuid.Length == 0 || shown.ContainsKey(device.Index))
            {
                continue;
            }

            device.Missed = Math.Min(device.Missed + 1, _policy.MissingScrapes);
            if (device.Missed >= _policy.MissingScrapes)
            {
                Change(changes, device, now, HealthMachine.Fault(
                    device.Health, now, "Missing", "the exporter shows the node's other devices and not this one", isLasting: true, _policy));
            }
        }
    }

    private SubjectHealth Next(SubjectHealth health, DateTimeOffset now, List<Finding> findings)
    {
        var fault = findings.Find(finding => finding.Action is FaultAction.QuarantineDevice or FaultAction.DrainNode && !finding.IsLasting)
            ?? findings.Find(finding => finding.Action is FaultAction.QuarantineDevice or FaultAction.DrainNode);
        if (fault is not null)
        {
            return HealthMachine.Fault(health, now, fault.Cause, fault.Reason, fault.IsLasting, _policy);
        }

        return findings.Find(finding => finding.Action is null) is { } symptom
            ? HealthMachine.Symptom(health, now, symptom.Cause, symptom.Reason, _policy)
            : HealthMachine.Clean(health, now, _policy);
    }

    private static void Change(List<HealthTransition> changes, DeviceTrack device, DateTimeOffset now, SubjectHealth next, string? cause = null, string? reason = null)
    {
        Add(changes, device.Index, now, device.Health, next, cause, reason);
        device.Health = next;
    }

    private void ChangeNode(List<HealthTransition> changes, DateTimeOffset now, SubjectHealth next)
    {
        Add(changes, null, now, Node, next, null, null);
        Node = next;
    }

    private static void Add(
        List<HealthTransition> changes, int? device, DateTimeOffset now, SubjectHealth last, SubjectHealth next, string? cause, string? reason)
    {
        if (last.State != next.State || (last.IsByOperator != next.IsByOperator && next.State == HealthState.Quarantined))
        {
            var isHealthy = next.State == HealthState.Healthy;
            changes.Add(new HealthTransition(
                device, last.State, next.State, cause ?? (isHealthy ? "Clean" : next.Cause), reason ?? (isHealthy ? $"no trouble any more; it was: {last.Reason}" : next.Reason), now));
        }
    }
}
