using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Input;

namespace Scheduler.Simulation.Traces;

/// <summary>A pod of the openb trace, as its row says.</summary>
public sealed record OpenbPod
{
    /// <summary>Name, unique in the list.</summary>
    public required string Name { get; init; }

    /// <summary>CPU and memory.</summary>
    public required ResourceVector Requests { get; init; }

    /// <summary>GPU.</summary>
    public required GpuRequest Gpu { get; init; }

    /// <summary>The GPU models that it accepts; empty accepts all.</summary>
    public required ImmutableArray<string> GpuModels { get; init; }

    /// <summary>The trace's class of service, such as <c>LS</c>; empty where the list has none.</summary>
    public required string Qos { get; init; }

    /// <summary>When it was created, in seconds of the trace; null where the list does not say.</summary>
    public long? CreatedSeconds { get; init; }

    /// <summary>How long it ran, in seconds; null where the list does not say, or it never ran.</summary>
    public long? RunSeconds { get; init; }

    /// <summary>What the planner is told that it asks for.</summary>
    public PodShape ToShape() => PodShape.Create(
        Requests,
        Gpu,
        requiredTerms: GpuModels.IsEmpty || !Gpu.IsAny
            ? []
            : [new NodeSelectorTerm([new SelectorRequirement(OpenbNodeList.ModelLabel, SelectorOperator.In, GpuModels)], [])]);
}

/// <summary>
/// Reads pod lists of the openb trace (Weng et al., "Beware of Fragmentation", USENIX ATC 2023):
/// <c>name,cpu_milli,memory_mib,num_gpu,gpu_milli</c> and, in most lists, <c>gpu_spec,qos,…,creation_time,deletion_time,scheduled_time</c>.
/// </summary>
public static class OpenbPodList
{
    private const long MaxSeconds = 10_000_000_000;

    /// <summary>Reads a list, plain or <c>.gz</c>.</summary>
    /// <exception cref="TraceException">The list is wrong.</exception>
    public static ImmutableArray<OpenbPod> Read(string path)
    {
        var mistakes = new FileErrors();
        var pods = Read(path, limit: null, mistakes);
        mistakes.ThrowIfAny();
        return pods;
    }

    /// <summary>Reads a list and reports every mistake; what is returned counts only if there is none.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limit">Rows to take from the beginning; null takes all.</param>
    /// <param name="errors">Gets the mistakes.</param>
    internal static ImmutableArray<OpenbPod> Read(string path, int? limit, FileErrors errors)
    {
        if (CsvTable.Read(path, errors, "name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli") is not { } table)
        {
            return [];
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        ImmutableArray<OpenbPod> pods = [.. table.Rows().Take(limit ?? int.MaxValue).Select(row => ReadRow(row, names))];
        if (pods.IsEmpty)
        {
            errors.Add(path, 0, "", "has no rows");
        }

        return pods;
    }

    private static OpenbPod ReadRow(CsvRow row, HashSet<string> names)
    {
        var name = row.RequiredText("name", "the pod's name");
        if (name.Length > 0 && !names.Add(name))
        {
            row.Error("name", $"another row is named '{name}' too; rename one of them");
        }

        var scheduled = row.NumberOrNull("scheduled_time", MaxSeconds);
        var deleted = row.NumberOrNull("deletion_time", MaxSeconds);
        return new OpenbPod
        {
            Name = name,
            Requests = new ResourceVector(row.Number("cpu_milli", 10_000_000), row.Number("memory_mib", 1L << 30) << 20),
            Gpu = ReadGpu(row),
            GpuModels = [.. row.Text("gpu_spec").Split('|', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)],
            Qos = row.Text("qos"),
            CreatedSeconds = row.NumberOrNull("creation_time", MaxSeconds),
            RunSeconds = deleted - scheduled is { } run && run > 0 ? run : null,
        };
    }

    private static GpuRequest ReadGpu(CsvRow row)
    {
        var count = row.Number("num_gpu", 1024);
        var milli = row.NumberOrNull("gpu_milli", GpuRequest.MilliPerDevice) ?? GpuRequest.MilliPerDevice;
        switch (count)
        {
            case 0:
                return GpuRequest.None;
            case 1 when milli is > 0 and < GpuRequest.MilliPerDevice:
                return GpuRequest.Fraction((int)milli);
            default:
                if (milli != GpuRequest.MilliPerDevice)
                {
                    row.Error("gpu_milli", $"is {milli}; a pod with {count} GPUs takes each as a whole, which is {GpuRequest.MilliPerDevice}");
                }

                return GpuRequest.Whole((int)count);
        }
    }
}
