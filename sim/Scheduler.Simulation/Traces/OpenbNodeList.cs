using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Input;

namespace Scheduler.Simulation.Traces;

/// <summary>Reads node lists of the openb trace: <c>sn,cpu_milli,memory_mib,gpu,model</c>.</summary>
public static class OpenbNodeList
{
    /// <summary>The label of a node that names its GPU model.</summary>
    public const string ModelLabel = "nvidia.com/gpu.product";

    private const int MaxDevices = 1024;

    /// <summary>Reads a list, plain or <c>.gz</c>, sorted by name. The trace has no limit of pods on a node.</summary>
    /// <exception cref="TraceException">The list is wrong.</exception>
    public static ImmutableArray<Node> Read(string path)
    {
        var mistakes = new FileErrors();
        ImmutableArray<Node> nodes = [];
        if (CsvTable.Read(path, mistakes, "sn", "cpu_milli", "memory_mib", "gpu", "model") is { } table)
        {
            var names = new HashSet<string>(StringComparer.Ordinal);
            nodes = [.. table.Rows().Select(row => ReadRow(row, names)).OrderBy(node => node.Name)];
            if (nodes.IsEmpty)
            {
                mistakes.Add(path, 0, "", "has no rows");
            }
        }

        mistakes.ThrowIfAny();
        return nodes;
    }

    private static Node ReadRow(CsvRow row, HashSet<string> names)
    {
        var name = row.RequiredText("sn", "the node's name");
        if (name.Length > 0 && !names.Add(name))
        {
            row.Error("sn", $"another row is named '{name}' too; rename one of them");
        }

        var model = row.Text("model");
        return new Node
        {
            Name = new NodeName(name),
            Allocatable = new ResourceVector(row.Number("cpu_milli", 10_000_000), row.Number("memory_mib", 1L << 30) << 20),
            MaxPods = int.MaxValue,
            Devices = [.. Enumerable.Range(0, (int)row.Number("gpu", MaxDevices)).Select(index => new GpuDevice(index))],
            Flavor = model.Length > 0 ? new FlavorId(model) : FlavorId.Unlabelled,
            Labels = model.Length > 0 ? Node.NoLabels.Add(ModelLabel, model) : Node.NoLabels,
        };
    }
}
