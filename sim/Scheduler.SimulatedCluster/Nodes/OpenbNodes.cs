using System.Globalization;
using Scheduler.SimulatedCluster.Strategies;

namespace Scheduler.SimulatedCluster.Nodes;

/// <summary>The node list of the openb trace.</summary>
internal static class OpenbNodes
{
    private const string Header = "sn,cpu_milli,memory_mib,gpu,model";

    public static IReadOnlyList<SimulatedNode> Parse(string csv, string source)
    {
        var lines = csv.ReplaceLineEndings("\n").Split('\n');
        var errors = new List<string>();
        var nodes = new List<SimulatedNode>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        if (lines[0].Trim() != Header)
            errors.Add($"{source}:1: the header must be {Header}");
        for (var i = 1; i < lines.Length; i++)
        {
            if (lines[i].Trim().Length == 0)
                continue;
            var at = string.Create(CultureInfo.InvariantCulture, $"{source}:{i + 1}");
            if (ParseLine(lines[i], at, errors) is not { } node)
                continue;
            if (!names.Add(node.Name))
                errors.Add($"{at}: sn: a node named {node.Name} is already there");
            nodes.Add(node);
        }

        if (nodes.Count > NodeCatalogue.MaxNodes)
            errors.Add($"{source}: more than {NodeCatalogue.MaxNodes} nodes");
        if (errors.Count > 0)
            throw new CatalogueException(errors);
        return nodes;
    }

    private static SimulatedNode? ParseLine(string line, string at, List<string> errors)
    {
        var cells = line.Split(',').Select(c => c.Trim()).ToArray();
        if (cells.Length != 5)
        {
            errors.Add($"{at}: has {cells.Length} columns instead of 5");
            return null;
        }

        var before = errors.Count;
        if (NameRules.Subdomain(cells[0]) is { } wrong)
            errors.Add($"{at}: sn: {wrong}");
        var cpu = Number(cells[1], "cpu_milli", 1, long.MaxValue / 1000, at, errors);
        var memory = Number(cells[2], "memory_mib", 1, long.MaxValue >> 21, at, errors);
        var gpus = Number(cells[3], "gpu", 0, 1024, at, errors);
        if (errors.Count > before)
            return null;
        return new SimulatedNode
        {
            Name = cells[0],
            CpuMillis = cpu,
            MemoryBytes = memory << 20,
            Gpus = (int)gpus,
            GpuModel = cells[4].Length > 0 ? cells[4] : null,
        };
    }

    private static long Number(string cell, string column, long least, long most, string at, List<string> errors)
    {
        if (long.TryParse(cell, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most)
            return value;
        errors.Add($"{at}: {column}: \"{cell}\" is no integer from {least} to {most}");
        return least;
    }
}
