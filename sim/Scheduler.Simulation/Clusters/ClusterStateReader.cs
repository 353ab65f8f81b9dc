using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.Input;
using Scheduler.Simulation.Scenarios;

namespace Scheduler.Simulation.Clusters;

/// <summary>Reads what <see cref="ClusterStateWriter"/> wrote and people edited. Every mistake is found in one run, with its line and field.</summary>
internal sealed class ClusterStateReader
{
    /// <summary>The kind of the document.</summary>
    public const string Kind = "ClusterExport";

    /// <summary>5,000 nodes and 50,000 pods take about 15 MiB.</summary>
    private const long MaxBytes = 512L << 20;

    private readonly FileErrors _errors;
    private readonly Dictionary<string, PodShape> _shapes = new(StringComparer.Ordinal);
    private readonly Dictionary<WorkloadId, int> _ids = [];
    private readonly HashSet<(string Namespace, string Pod)> _pods = [];
    private DateTimeOffset _takenAt;
    private TenantTree _tenants = TenantTree.Empty;
    private ImmutableArray<string> _levels;

    private ClusterStateReader(FileErrors errors) => _errors = errors;

    /// <summary>Reads a file; null after mistakes.</summary>
    public static ClusterState? Read(string path, FileErrors errors) => new ClusterStateReader(errors).Load(YamlFile.Read(path, errors, MaxBytes));

    /// <summary>Takes YAML that is not in a file.</summary>
    public static ClusterState? OfText(string name, string text, FileErrors errors) => new ClusterStateReader(errors).Load(YamlFile.OfText(name, text, errors));

    private ClusterState? Load(YamlFile file)
    {
        if (!_errors.Any && file.Documents.Any(document => YamlMap.Of(file, document, "")?.Quantity("kind") == "Scenario"))
        {
            _errors.Add(file.Name, 0, "", "is a scenario, not an exported cluster; write weir simulate SCENARIO --from-cluster to let its workloads come to the live cluster");
            return null;
        }

        var configuration = new ConfigurationReader(_errors, Kind);
        configuration.ReadDocuments(file);
        if (configuration.Others.Count != 1)
        {
            if (!_errors.Any || configuration.Others.Count > 1)
            {
                _errors.Add(file.Name, 0, "", $"has {configuration.Others.Count} documents of kind: {Kind}; it must have one, as weir export writes it");
            }

            return null;
        }

        var document = configuration.Others[0];
        var name = document.Map("metadata")?.RequiredText("name", "the cluster's name") ?? Path.GetFileNameWithoutExtension(file.Name);
        if (document.Map("spec") is not { } spec)
        {
            document.Missing("spec", "where nodes and workloads stand");
            document.RefuseUnknown();
            return null;
        }

        document.RefuseUnknown();
        spec.Rename("export");
        // Guarantees beyond the hardware are no mistake here: in a cluster nodes come and go.
        if (configuration.Finish(capacity: null) is { } read)
        {
            (_tenants, _levels) = (read.Tree, (read.Policy ?? SchedulingPolicy.Default).TopologyLevels);
            var state = ReadSpec(spec, name) with { Policy = read.Policy ?? SchedulingPolicy.Default, Tenants = read.Tree };
            return _errors.Any ? null : state;
        }

        return null;
    }

    private ClusterState ReadSpec(YamlMap spec, string name)
    {
        _takenAt = Time(spec, "takenAt") ?? default;
        if (_takenAt == default)
        {
            spec.Missing("takenAt", "when the cluster was as the file says, such as \"2026-01-31T08:00:00Z\"");
        }

        var since = Time(spec, "historySince");
        foreach (var map in spec.Maps("shapes"))
        {
            var shape = map.RequiredText("name", "what workloads call the shape by");
            if (!_shapes.TryAdd(shape, ShapeFields.Read(map)))
            {
                map.Error("name", $"'{shape}' is taken by another shape; give each its own name");
            }

            map.RefuseUnknown();
        }

        var nodes = ReadNodes(spec);
        var durations = ImmutableDictionary.CreateBuilder<WorkloadId, TimeSpan>();
        ImmutableArray<Workload> workloads = [.. spec.Maps("workloads").Select(map => ReadWorkload(map, durations)).OfType<Workload>().OrderBy(workload => workload.Id)];
        ImmutableArray<EndedWorkload> history = [.. spec.Maps("history").Select(ReadEnded).OfType<EndedWorkload>()];
        spec.RefuseUnknown();
        if (!history.IsEmpty && since is null)
        {
            spec.Missing("historySince", "from when on the history is complete; rates are counted from there");
        }

        return new ClusterState
        {
            Name = name,
            TakenAt = _takenAt,
            HistorySince = since,
            Nodes = nodes,
            Tenants = TenantTree.Empty,
            Policy = SchedulingPolicy.Default,
            Workloads = workloads,
            Durations = durations.ToImmutable(),
            History = [.. history.OrderBy(ended => ended.EndedAt).ThenBy(ended => ended.Id)],
        };
    }

    private static ImmutableArray<Node> ReadNodes(YamlMap spec)
    {
        var nodes = new SortedDictionary<NodeName, Node>();
        foreach (var map in spec.Maps("nodes"))
        {
            var name = map.RequiredText("name", "the node's name");
            var node = NodeFields.Read(map, leastCpu: 0).ToNode(name);
            ImmutableArray<int> quarantined = [.. ReadDevices(map, "quarantined")];
            if (quarantined.Any(device => device >= node.Devices.Length))
            {
                map.Error("quarantined", $"names GPU {quarantined.Max()}, but the node has {node.Devices.Length}; they are counted from 0");
            }

            node = node with
            {
                IsReady = map.Boolean("ready") ?? true,
                IsCordoned = map.Boolean("cordoned") ?? false,
                Devices = [.. node.Devices.Select(device => quarantined.Contains(device.Index) ? device with { Health = DeviceHealth.Quarantined } : device)],
            };
            if (map.Map("usedByOthers") is { } others)
            {
                node = node with
                {
                    PodsOfOthers = (int)(others.Integer("pods", 0, 1_000_000) ?? 0),
                    UsedByOthers = new ResourceVector(
                        others.Milli("cpu", "a number of cores such as 2 or 500m") ?? 0,
                        ShapeFields.Bytes(others, "memory", isZeroAllowed: true) ?? 0,
                        ShapeFields.Bytes(others, "storage", isZeroAllowed: true) ?? 0),
                    ScalarsUsedByOthers = ShapeFields.ReadResources(others, "resources"),
                };
                others.RefuseUnknown();
            }

            map.RefuseUnknown();
            if (name.Length > 0 && !nodes.TryAdd(node.Name, node))
            {
                map.Error("name", $"'{name}' is there twice; keep one");
            }
        }

        return [.. nodes.Values];
    }

    private Workload? ReadWorkload(YamlMap map, ImmutableDictionary<WorkloadId, TimeSpan>.Builder durations)
    {
        var (id, name, @namespace, isGang) = ReadIdentity(map);
        var submitted = RequiredTime(map, "submitted", "when it was submitted");
        var pods = new List<Pod>();
        foreach (var pod in map.Maps("pods"))
        {
            if (ReadPod(pod, @namespace) is { } read)
            {
                pods.Add(read);
            }
        }

        if (pods.Count == 0 && !_errors.Any)
        {
            map.Error("pods", "is empty; a workload has at least one pod");
        }

        var workload = new Workload
        {
            Id = id,
            Tenant = _tenants.OwnerOf(@namespace),
            Namespace = @namespace,
            Name = name,
            IsGang = isGang,
            Pods = [.. pods.OrderBy(pod => pod.Id)],
            MinMember = ReadMinMember(map),
            Priority = ReadPriority(map),
            SubmittedAt = submitted,
            StartedAt = Time(map, "started"),
            CheckpointedAt = Time(map, "checkpointed"),
            IsPreemptible = map.Boolean("preemptible") ?? true,
            IsManaged = map.Boolean("managed") ?? true,
            ExpectedDuration = map.Duration("declared", isZeroAllowed: false),
            MinRuntime = map.Duration("minRuntime") ?? TimeSpan.Zero,
            PreemptionGrace = map.Duration("grace") ?? TimeSpan.Zero,
            Topology = TopologyField.Read(map, _levels),
        };
        if (map.Duration("duration", isZeroAllowed: false) is { } duration)
        {
            durations[id] = duration;
        }

        map.RefuseUnknown();
        if (name.Length > 0 && !_ids.TryAdd(id, YamlFile.LineOf(map.Node)))
        {
            map.Error("name", $"'{name}' of namespace '{@namespace}' is on line {_ids[id]} already; keep one");
        }

        return pods.Count == 0 ? null : workload;
    }

    private Pod? ReadPod(YamlMap map, string @namespace)
    {
        var name = map.RequiredText("name", "the pod's name");
        var shape = ReadShape(map);
        var node = map.Text("node");
        ImmutableArray<int> devices = [.. ReadDevices(map, "gpus")];
        var isLeaving = map.Boolean("leaving") ?? false;
        map.RefuseUnknown();
        if (node is null && (!devices.IsEmpty || isLeaving))
        {
            map.Error(devices.IsEmpty ? "leaving" : "gpus", "needs a node beside it; a pod without a node waits");
        }

        if (name.Length > 0 && !_pods.Add((@namespace, name)))
        {
            map.Error("name", $"'{name}' of namespace '{@namespace}' is there twice; keep one");
        }

        return shape is null ? null : new Pod
        {
            Id = new PodId($"{@namespace}/pod/{name}"),
            Name = name,
            Shape = shape,
            State = node is null ? PodState.Pending : isLeaving ? PodState.Leaving : PodState.Placed,
            Placement = node is null ? null : new PodPlacement(new NodeName(node), devices),
        };
    }

    private EndedWorkload? ReadEnded(YamlMap map)
    {
        var (id, name, @namespace, isGang) = ReadIdentity(map);
        var pods = ImmutableArray.CreateBuilder<PodCount>();
        foreach (var pod in map.Maps("pods"))
        {
            var shape = ReadShape(pod);
            var count = (int)(pod.Integer("count", 1, 100_000) ?? 1);
            pod.RefuseUnknown();
            if (shape is not null)
            {
                pods.Add(new PodCount(shape, count));
            }
        }

        if (pods.Count == 0 && !_errors.Any)
        {
            map.Error("pods", "is empty; a workload has at least one pod");
        }

        var ended = new EndedWorkload
        {
            Id = id,
            Namespace = @namespace,
            Name = name,
            IsGang = isGang,
            Pods = pods.ToImmutable(),
            MinMember = ReadMinMember(map),
            Priority = ReadPriority(map),
            IsPreemptible = map.Boolean("preemptible") ?? true,
            ExpectedDuration = map.Duration("declared", isZeroAllowed: false),
            MinRuntime = map.Duration("minRuntime") ?? TimeSpan.Zero,
            PreemptionGrace = map.Duration("grace") ?? TimeSpan.Zero,
            Topology = TopologyField.Read(map, _levels),
            SubmittedAt = RequiredTime(map, "submitted", "when it was submitted"),
            StartedAt = Time(map, "started"),
            EndedAt = RequiredTime(map, "ended", "when it ended"),
            WasPreempted = map.Boolean("preempted") ?? false,
        };
        map.RefuseUnknown();
        return pods.Count == 0 ? null : ended;
    }

    private static (WorkloadId Id, string Name, string Namespace, bool IsGang) ReadIdentity(YamlMap map)
    {
        var name = map.RequiredText("name", "the workload's name");
        var @namespace = map.RequiredText("namespace", "its namespace, which says whose it is");
        var isGang = map.Boolean("gang") ?? false;
        return (new WorkloadId($"{@namespace}/{(isGang ? "podgroup" : "pod")}/{name}"), name, @namespace, isGang);
    }

    private PodShape? ReadShape(YamlMap map)
    {
        var name = map.RequiredText("shape", "one of the shapes of this file");
        if (name.Length == 0 || _shapes.TryGetValue(name, out var shape))
        {
            return name.Length == 0 ? null : _shapes[name];
        }

        map.Error("shape", $"there is no shape '{name}'" + (Suggestion.Nearest(name, _shapes.Keys) is { } nearest ? $"; did you mean '{nearest}'?" : "; add it to shapes"));
        return null;
    }

    private static int ReadMinMember(YamlMap map) => (int)(map.Integer("minMember", 1, 100_000) ?? 1);

    private static int ReadPriority(YamlMap map) => (int)(map.Integer("priority", int.MinValue, int.MaxValue) ?? 0);

    private static IEnumerable<int> ReadDevices(YamlMap map, string name)
    {
        var last = -1;
        foreach (var (node, path) in map.List(name))
        {
            if (node is YamlDotNet.RepresentationModel.YamlScalarNode { Value: { } text }
                && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var device) && device > last && device < 1024)
            {
                yield return last = device;
            }
            else
            {
                map.File.Error(node, path, "must be the number of a GPU, from 0, each once and ascending");
            }
        }
    }

    private DateTimeOffset RequiredTime(YamlMap map, string name, string whatItIs)
    {
        if (!map.Has(name))
        {
            map.Missing(name, whatItIs);
        }

        return Time(map, name) ?? _takenAt;
    }

    private static DateTimeOffset? Time(YamlMap map, string name)
    {
        if (map.Text(name) is not { } text)
        {
            return null;
        }

        // A zone must be there: without one the value would mean whatever the machine's zone is.
        if ((text.EndsWith('Z') || (text.Length > 6 && text[^6] is '+' or '-')) && text.Contains('T', StringComparison.Ordinal)
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal, out var time))
        {
            return time;
        }

        map.Error(name, $"'{text}' is not a time such as \"2026-01-31T08:00:00Z\", with its zone");
        return null;
    }
}
