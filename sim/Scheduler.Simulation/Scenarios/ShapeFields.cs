using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Input;

namespace Scheduler.Simulation.Scenarios;

/// <summary>Reads what a pod asks for, in a workload of a scenario and in an exported cluster.</summary>
internal static class ShapeFields
{
    private const int MostGpus = 1024;

    private static readonly ImmutableArray<string> GpuForms = ["gpus", "fraction", "mig"];

    /// <summary>Reads the fields; what is wrong is in the errors, and left out.</summary>
    public static PodShape Read(YamlMap map)
    {
        var gpu = ReadGpu(map);
        var cpu = map.Milli("cpu", "a number of cores such as 4 or 500m") ?? 0;
        if (cpu < 0)
        {
            map.Error("cpu", "is negative; it must be 0 or more");
        }

        var requests = new ResourceVector(cpu, Bytes(map, "memory", isZeroAllowed: false) ?? 0, Bytes(map, "storage", isZeroAllowed: true) ?? 0);
        var selector = map.Pairs("nodeSelector").ToDictionary(StringComparer.Ordinal);
        if (map.Text("gpuModel") is { } product && !selector.TryAdd(NodeFields.ProductLabel, product) && selector[NodeFields.ProductLabel] != product)
        {
            map.Error("gpuModel", $"is '{product}', but nodeSelector asks for '{selector[NodeFields.ProductLabel]}'; keep one of them");
        }

        return PodShape.Create(
            requests, gpu, ReadResources(map, "resources"), selector,
            [.. map.Maps("affinity").Select(ReadTerm)],
            [.. map.Maps("preferred").Select(ReadPreferred)],
            [.. ReadTolerations(map)]);
    }

    /// <summary>An amount of memory or storage; null if there is none.</summary>
    public static long? Bytes(YamlMap map, string name, bool isZeroAllowed)
    {
        if (!isZeroAllowed)
        {
            return Amounts.Bytes(map, name);
        }

        if (!map.Has(name))
        {
            return null;
        }

        if (map.Quantity(name) is { } text && AmountText.TryBytes(text, out var bytes) && bytes >= 0)
        {
            return bytes;
        }

        map.Error(name, "must be an amount such as 512Mi or 16Gi, 0 or more");
        return null;
    }

    /// <summary>Extended resources by name.</summary>
    public static ImmutableArray<ScalarResource> ReadResources(YamlMap map, string name)
    {
        if (map.Map(name) is not { } resources)
        {
            return [];
        }

        var read = new List<ScalarResource>();
        foreach (var resource in resources.Names)
        {
            if (resources.Integer(resource, 0, long.MaxValue) is { } amount)
            {
                read.Add(new ScalarResource(resource, amount));
            }
        }

        return ScalarResource.Normalise(read);
    }

    private static GpuRequest ReadGpu(YamlMap map)
    {
        string[] forms = [.. GpuForms.Where(map.Has)];
        if (forms.Length > 1)
        {
            map.Error(forms[1], $"stands beside {forms[0]}; keep one of them");
        }

        var gpus = (int)(map.Integer("gpus", 0, MostGpus) ?? 0);
        var fraction = map.Milli("fraction", "a part of one GPU between 0 and 1 such as 0.25");
        if (fraction is not (null or (> 0 and < GpuRequest.MilliPerDevice)))
        {
            map.Error("fraction", "must be between 0 and 1, such as 0.25; for whole GPUs use gpus");
            fraction = null;
        }

        return ReadMig(map) ?? (fraction is { } milli ? GpuRequest.Fraction((int)milli) : gpus > 0 ? GpuRequest.Whole(gpus) : GpuRequest.None);
    }

    private static GpuRequest? ReadMig(YamlMap map)
    {
        if (map.Map("mig") is not { } mig)
        {
            return null;
        }

        string[] profiles = [.. mig.Names];
        if (profiles.Length != 1)
        {
            map.Error("mig", $"names {profiles.Length} profiles; a pod asks for instances of one, such as {{1g.5gb: 2}}");
            return null;
        }

        var count = mig.Integer(profiles[0], 1, MostGpus);
        if (!GpuRequest.TryMigMilliGpu(profiles[0], out _))
        {
            mig.Error(profiles[0], $"'{profiles[0]}' is not a MIG profile; it starts with 1g to 7g, like 3g.40gb");
            return null;
        }

        if (count is null && !mig.Has(profiles[0]))
        {
            mig.Error(profiles[0], "must be how many instances of it the pod asks for, such as 1");
        }

        return count is { } instances ? GpuRequest.Mig(profiles[0], (int)instances) : null;
    }

    private static PreferredTerm ReadPreferred(YamlMap map)
    {
        var weight = (int)(map.Integer("weight", 1, 100) ?? 1);
        return new PreferredTerm(weight, ReadTerm(map));
    }

    private static NodeSelectorTerm ReadTerm(YamlMap map)
    {
        var term = new NodeSelectorTerm([.. ReadRequirements(map, "labels")], [.. ReadRequirements(map, "fields")]);
        map.RefuseUnknown();
        return term;
    }

    private static IEnumerable<SelectorRequirement> ReadRequirements(YamlMap map, string name)
    {
        foreach (var text in map.Texts(name))
        {
            if (ConstraintText.TryRequirement(text, out var requirement))
            {
                yield return requirement;
            }
            else
            {
                map.Error(name, $"'{text}' is not a requirement such as 'zone in (a, b)', 'zone notin (a)', 'spot', '!spot', 'cores > 8'");
            }
        }
    }

    private static IEnumerable<Toleration> ReadTolerations(YamlMap map)
    {
        foreach (var text in map.Texts("tolerations"))
        {
            if (ConstraintText.TryToleration(text, out var toleration))
            {
                yield return toleration;
            }
            else
            {
                map.Error("tolerations", $"'{text}' is not a toleration such as dedicated=search:NoSchedule, dedicated or '*'; the effects are {ConstraintText.Effects}");
            }
        }
    }
}
