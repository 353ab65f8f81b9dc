using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Input;

namespace Scheduler.Simulation.Scenarios;

/// <summary>What a node offers, as it is written: in a group of a scenario's cluster, and in an exported cluster.</summary>
internal sealed record NodeFields
{
    /// <summary>The label that tells which GPUs a node has.</summary>
    public const string ProductLabel = "nvidia.com/gpu.product";

    private const int MostGpus = 1024;

    private ImmutableArray<GpuDevice> Devices { get; init; } = [];

    private ImmutableArray<MigCapacity> Mig { get; init; } = [];

    private string? Product { get; init; }

    private ResourceVector Allocatable { get; init; }

    private int MaxPods { get; init; }

    private ImmutableArray<ScalarResource> Resources { get; init; } = [];

    private ImmutableArray<Taint> Taints { get; init; } = [];

    /// <summary>Labels, without what the GPU product adds.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; private init; } = Node.NoLabels;

    /// <summary>Reads the fields; what is wrong is in the errors, and left out.</summary>
    /// <param name="map">Where they stand.</param>
    /// <param name="leastCpu">The least CPU, in thousandths of a core.</param>
    public static NodeFields Read(YamlMap map, long leastCpu)
    {
        var gpus = (int)(map.Integer("gpus", 0, MostGpus) ?? 0);
        var cpu = map.Milli("cpu", "a number of cores such as 64") ?? 64_000;
        if (cpu < leastCpu)
        {
            map.Error("cpu", leastCpu > 0 ? "must be above 0" : "is negative; it must be 0 or more");
        }

        return new NodeFields
        {
            Devices = [.. Enumerable.Range(0, gpus).Select(index => new GpuDevice(index))],
            Mig = ReadMig(map),
            Product = map.Text("gpuModel"),
            Allocatable = new ResourceVector(
                cpu, ShapeFields.Bytes(map, "memory", isZeroAllowed: leastCpu == 0) ?? 512L << 30, ShapeFields.Bytes(map, "storage", isZeroAllowed: true) ?? 0),
            MaxPods = (int)(map.Integer("maxPods", 0, 10_000) ?? 110),
            Labels = map.Pairs("labels").ToImmutableSortedDictionary(StringComparer.Ordinal),
            Taints = [.. ReadTaints(map)],
            Resources = ShapeFields.ReadResources(map, "resources"),
        };
    }

    /// <summary>The node, with these labels besides and, if there is none yet, the one of its GPU product.</summary>
    public Node ToNode(string name, IEnumerable<KeyValuePair<string, string>> labels)
    {
        var all = Labels.AddRange(labels);
        return ToNode(name) with { Labels = Product is null || all.ContainsKey(ProductLabel) ? all : all.Add(ProductLabel, Product) };
    }

    /// <summary>The node with no other labels than its own.</summary>
    public Node ToNode(string name) => new()
    {
        Name = new NodeName(name),
        Allocatable = Allocatable,
        MaxPods = MaxPods,
        Devices = Devices,
        MigCapacities = Mig,
        Flavor = Product is null ? FlavorId.Unlabelled : new FlavorId(Product),
        Scalars = Resources,
        Labels = Labels,
        Taints = Taints,
    };

    private static ImmutableArray<MigCapacity> ReadMig(YamlMap map)
    {
        if (map.Map("mig") is not { } profiles)
        {
            return [];
        }

        var capacities = new List<MigCapacity>();
        foreach (var profile in profiles.Names)
        {
            var count = profiles.Integer(profile, 1, 10_000);
            if (!GpuRequest.TryMigMilliGpu(profile, out _))
            {
                profiles.Error(profile, $"'{profile}' is not a MIG profile; it starts with 1g to 7g, like 3g.40gb");
            }
            else if (count is { } instances)
            {
                capacities.Add(new MigCapacity(profile, (int)instances));
            }
            else if (!profiles.Has(profile))
            {
                profiles.Error(profile, "must be how many instances of it a node has, such as 7");
            }
        }

        return [.. capacities.OrderBy(capacity => capacity.Profile, StringComparer.Ordinal)];
    }

    private static IEnumerable<Taint> ReadTaints(YamlMap map)
    {
        foreach (var text in map.Texts("taints"))
        {
            if (ConstraintText.TryTaint(text, out var taint))
            {
                yield return taint;
            }
            else
            {
                map.Error("taints", $"'{text}' is not a taint such as dedicated=search:NoSchedule; the effects are {ConstraintText.Effects}");
            }
        }
    }
}
