using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.Input;
using Scheduler.Simulation.Clusters;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Schedulers;

namespace Scheduler.Simulation.Scenarios;

/// <summary>
/// Reads a scenario: one file with a Scenario document, and beside it the Tenant and SchedulingPolicy documents that
/// <c>weir validate</c> reads. Every mistake is found in one run.
/// </summary>
internal sealed class ScenarioReader
{
    private const string Kind = "Scenario";
    private const int MostNodes = 100_000;

    private readonly FileErrors _errors;
    private readonly ConfigurationReader _configuration;

    private readonly ClusterState? _cluster;
    private readonly TimeSpan? _horizon;

    private ScenarioReader(FileErrors errors, ClusterState? cluster = null, TimeSpan? horizon = null)
    {
        (_errors, _cluster, _horizon) = (errors, cluster, horizon);
        _configuration = new ConfigurationReader(errors, Kind);
    }

    /// <summary>Reads a file; null after mistakes.</summary>
    public static Scenario? Read(string path, FileErrors errors) => new ScenarioReader(errors).Load(YamlFile.Read(path, errors));

    /// <summary>Reads a scenario that says what comes to an exported cluster: nodes, tenants and policy are the cluster's.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cluster">The cluster.</param>
    /// <param name="horizon">How long it is simulated; null leaves it to the scenario.</param>
    /// <param name="errors">Gets the mistakes.</param>
    public static Scenario? ReadForCluster(string path, ClusterState cluster, TimeSpan? horizon, FileErrors errors) =>
        new ScenarioReader(errors, cluster, horizon ?? ClusterScenario.UsualTime).Load(YamlFile.Read(path, errors));

    /// <summary>Takes YAML that is not in a file.</summary>
    public static Scenario? OfText(string name, string text, FileErrors errors) => new ScenarioReader(errors).Load(YamlFile.OfText(name, text, errors));

    private Scenario? Load(YamlFile file)
    {
        _configuration.ReadDocuments(file);
        if (_configuration.Others.Count != 1)
        {
            if (!_errors.Any || _configuration.Others.Count > 1)
            {
                _errors.Add(file.Name, 0, "", $"has {_configuration.Others.Count} documents of kind: Scenario; it must have one");
            }

            return null;
        }

        var document = _configuration.Others[0];
        var name = document.Map("metadata") is { } metadata ? metadata.RequiredText("name", "the scenario's name") : Path.GetFileNameWithoutExtension(file.Name);
        if (document.Map("spec") is not { } spec)
        {
            document.Missing("spec", "where cluster and workloads stand");
            document.RefuseUnknown();
            return null;
        }

        document.RefuseUnknown();
        spec.Rename("scenario");
        var mistakes = _errors.Count;
        var nodes = _cluster is null ? ReadNodes(spec) : NodesOf(_cluster, spec);
        // Of nodes with mistakes nobody knows what they have room for: the guarantees are compared with them once they are mended.
        var configuration = _configuration.Finish(_cluster is null && _errors.Count == mistakes ? Capacity(nodes) : null);
        if (_cluster is not null && configuration is not null)
        {
            if (configuration is not { Tenants.IsEmpty: true, Policy: null })
            {
                _errors.Add(file.Name, 0, "", "has Tenant or SchedulingPolicy documents, but the cluster brings its own; to change those, edit the file of weir export");
            }

            configuration = new Configuration([], _cluster.Tenants, _cluster.Policy);
        }

        var scenario = ReadSpec(spec, name, nodes, configuration);
        spec.RefuseUnknown();
        return _errors.Any || configuration is null ? null : scenario with { Policy = configuration.Policy ?? SchedulingPolicy.Default, Tenants = configuration.Tree };
    }

    private static ImmutableArray<Node> NodesOf(ClusterState cluster, YamlMap spec)
    {
        if (spec.Has("cluster"))
        {
            spec.Error("cluster", "stands beside --from-cluster, which brings its own nodes; leave it out here");
        }

        return cluster.Nodes;
    }

    private static Dictionary<FlavorId, long> Capacity(ImmutableArray<Node> nodes) =>
        nodes.Where(node => node.HasGpus).GroupBy(node => node.Flavor).ToDictionary(group => group.Key, group => group.Sum(node => node.InstalledMilliGpu));

    private Scenario ReadSpec(YamlMap spec, string name, ImmutableArray<Node> nodes, Configuration? configuration)
    {
        var tenants = configuration?.Tree;
        var horizon = spec.Duration("horizon", isZeroAllowed: false) ?? _horizon;
        var workloads = new WorkloadReader(spec, horizon, tenants, configuration is null ? default : (configuration.Policy ?? SchedulingPolicy.Default).TopologyLevels);
        var interval = spec.Duration("cycleInterval", isZeroAllowed: false) ?? TimeSpan.FromSeconds(1);
        var scenario = new Scenario
        {
            Name = name,
            Nodes = nodes,
            Tenants = tenants ?? TenantTree.Empty,
            Policy = SchedulingPolicy.Default,
            Generators = workloads.Read(),
            Faults = spec.Map("faults") is { } faults ? ReadFaults(faults, nodes) : FaultModel.None,
            Horizon = horizon,
            CycleInterval = interval,
            Durations = spec.Choice("durations", "declared", "declaredOrLearned", "learned", "unknown") switch
            {
                "declaredOrLearned" => DurationKnowledge.DeclaredOrLearned,
                "learned" => DurationKnowledge.Learned,
                "unknown" => DurationKnowledge.Unknown,
                _ => DurationKnowledge.Declared,
            },
            Seed = (ulong)(spec.Integer("seed", 0, long.MaxValue) ?? 1),
            Schedulers = ReadSchedulers(spec),
        };
        if (scenario.Faults is { NodeSecondsToFailure: not null } or { DeviceSecondsToFailure: not null } && horizon is null && !spec.Has("horizon"))
        {
            spec.Missing("horizon", "when it ends, such as 7d; with faults at random it is needed, since they never cease");
        }

        return scenario;
    }

    private static ImmutableArray<string> ReadSchedulers(YamlMap spec)
    {
        ImmutableArray<string> names = [.. spec.Texts("policies")];
        foreach (var unknown in names.Where(name => !SchedulerCatalogue.Names.Contains(name)))
        {
            spec.Error("policies", $"there is no '{unknown}'; the policies are {string.Join(", ", SchedulerCatalogue.Names)}");
        }

        return names.IsEmpty ? ["weir"] : names;
    }

    private static ImmutableArray<Node> ReadNodes(YamlMap spec)
    {
        if (!spec.Has("cluster"))
        {
            spec.Missing("cluster", "a list of groups of equal nodes");
        }

        var nodes = ImmutableArray.CreateBuilder<Node>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var group in spec.Maps("cluster"))
        {
            var name = group.RequiredText("name", "what the nodes are called by, before their number");
            var count = (int)(group.Integer("count", 1, MostNodes) ?? 1);
            var fields = NodeFields.Read(group, leastCpu: 1);
            var domains = ReadDomains(group, fields.Labels);
            group.RefuseUnknown();
            if (name.Length > 0 && !names.Add(name))
            {
                group.Error("name", $"'{name}' is taken by another group; give each its own");
                continue;
            }

            for (var number = 1; number <= count; number++)
            {
                var index = number - 1;
                nodes.Add(fields.ToNode(
                    string.Create(CultureInfo.InvariantCulture, $"{name}-{number:00000}"),
                    domains.Select(domain => KeyValuePair.Create(domain.Label, string.Create(CultureInfo.InvariantCulture, $"{name}-{(index / domain.Nodes) + 1}")))));
            }
        }

        return nodes.ToImmutable();
    }

    /// <summary>Labels that name topology domains: so many nodes after each other, as they are numbered, have the same value.</summary>
    private static ImmutableArray<(string Label, int Nodes)> ReadDomains(YamlMap group, ImmutableSortedDictionary<string, string> labels)
    {
        if (group.Map("domains") is not { } map)
        {
            return [];
        }

        var domains = ImmutableArray.CreateBuilder<(string, int)>();
        foreach (var label in map.Names)
        {
            if (labels.ContainsKey(label))
            {
                map.Error(label, "stands in labels too, with one value for all nodes; keep one of the two");
            }
            else if (map.Integer(label, 1, MostNodes) is { } nodes)
            {
                domains.Add((label, (int)nodes));
            }
            else if (!map.Has(label))
            {
                map.Error(label, "must be how many nodes are in one domain, such as 4");
            }
        }

        return domains.ToImmutable();
    }

    private static FaultModel ReadFaults(YamlMap map, ImmutableArray<Node> nodes)
    {
        var faults = FaultModel.None;
        if (map.Map("nodes") is { } ofNodes)
        {
            faults = faults with
            {
                NodeSecondsToFailure = DistributionReader.Read(ofNodes, "timeToFailure", isRequired: true),
                NodeSecondsToRepair = DistributionReader.Read(ofNodes, "timeToRepair") ?? faults.NodeSecondsToRepair,
            };
            ofNodes.RefuseUnknown();
        }

        if (map.Map("gpus") is { } ofGpus)
        {
            faults = faults with
            {
                DeviceSecondsToFailure = DistributionReader.Read(ofGpus, "timeToFailure", isRequired: true),
                DeviceSecondsToRepair = DistributionReader.Read(ofGpus, "timeToRepair") ?? faults.DeviceSecondsToRepair,
            };
            ofGpus.RefuseUnknown();
        }

        faults = faults with { Planned = [.. map.Maps("planned").Select(planned => ReadPlanned(planned, nodes)).OfType<PlannedFault>()] };
        map.RefuseUnknown();
        return faults;
    }

    private static PlannedFault? ReadPlanned(YamlMap map, ImmutableArray<Node> nodes)
    {
        var at = map.Duration("at") ?? TimeSpan.Zero;
        var name = map.RequiredText("node", "the node that fails");
        var gpu = (int?)map.Integer("gpu", 0, 1023);
        var time = map.Duration("for", isZeroAllowed: false);
        if (time is null && !map.Has("for"))
        {
            map.Missing("for", "how long it takes to repair, such as 2h");
        }

        map.RefuseUnknown();
        var node = nodes.FirstOrDefault(node => node.Name.Value == name);
        if (name.Length > 0 && node is null)
        {
            map.Error("node", $"there is no node '{name}'" + (Suggestion.Nearest(name, nodes.Select(known => known.Name.Value)) is { } nearest ? $"; did you mean '{nearest}'?" : ""));
        }
        else if (gpu >= node?.Devices.Length)
        {
            map.Error("gpu", $"node '{name}' has {node.Devices.Length} GPUs; they are counted from 0");
        }

        return node is null || time is null ? null : new PlannedFault(at, node.Name, gpu, time.Value);
    }
}
