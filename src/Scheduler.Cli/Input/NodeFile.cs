using System.Globalization;
using Scheduler.Cli.Workloads;
using Scheduler.Input;
using Scheduler.SimulatedCluster;

namespace Scheduler.Cli.Input;

/// <summary>Reads the nodes of a cluster to simulate: the YAML of <see cref="NodeCatalogue"/>, or a node list of the openb trace.</summary>
internal static class NodeFile
{
    private const long MaxBytes = 64L << 20;

    /// <summary>The nodes, or null after errors.</summary>
    public static NodeList? Read(string path, FileErrors errors) =>
        TextFile.Read(path, MaxBytes, errors) is { } text ? OfText(path, text, errors, IsCsv(path)) : null;

    /// <summary>Takes text that is not in a file.</summary>
    public static NodeList? OfText(string name, string text, FileErrors errors, bool isCsv = false)
    {
        try
        {
            var nodes = isCsv ? NodeCatalogue.ParseOpenb(text, name) : NodeCatalogue.ParseYaml(text, name);
            if (nodes.Count > 0)
            {
                return new NodeList([.. nodes]);
            }

            errors.Add(name, 0, "nodes", "there are none; list at least one");
        }
        catch (CatalogueException exception)
        {
            foreach (var error in exception.Errors)
            {
                Add(name, error, errors);
            }
        }

        return null;
    }

    public static bool IsCsv(string path) =>
        path.EndsWith(".csv", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".csv.gz", StringComparison.OrdinalIgnoreCase);

    /// <summary>The catalogue writes <c>file: place: what</c> or <c>file:line: place: what</c>.</summary>
    private static void Add(string name, string error, FileErrors errors)
    {
        var rest = error.StartsWith(name, StringComparison.Ordinal) ? error[name.Length..] : ": " + error;
        var parts = rest.TrimStart(':', ' ').Split(": ", 2);
        var hasLine = rest.StartsWith(':') && int.TryParse(parts[0], NumberStyles.None, NumberFormatInfo.InvariantInfo, out _);
        if (hasLine && parts.Length == 2)
        {
            errors.Add(name, int.Parse(parts[0], NumberFormatInfo.InvariantInfo), "", parts[1]);
        }
        else
        {
            errors.Add(name, 0, "", rest.TrimStart(':', ' '));
        }
    }
}
