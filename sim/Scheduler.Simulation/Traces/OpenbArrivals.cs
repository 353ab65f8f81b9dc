using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Input;

namespace Scheduler.Simulation.Traces;

/// <summary>Reads arrival orders of the openb trace: <c>row</c>, each the number of a row of the pod list, from 0.</summary>
public static class OpenbArrivals
{
    private const string Prefix = "seed";

    /// <summary>The orders in a folder, <c>seedN.csv</c> or <c>seedN.csv.gz</c>, by seed.</summary>
    public static ImmutableArray<(int Seed, string Path)> FilesIn(string folder) =>
    [
        .. Directory.GetFiles(folder, Prefix + "*.csv*")
            .Select(path => (HasSeed: TrySeed(path, out var seed), Seed: seed, Path: path))
            .Where(file => file.HasSeed).Select(file => (file.Seed, file.Path)).Order(),
    ];

    /// <summary>Reads an order.</summary>
    /// <param name="path">The file, plain or <c>.gz</c>.</param>
    /// <param name="rows">How many rows the pod list has.</param>
    /// <exception cref="TraceException">The file is wrong.</exception>
    public static ImmutableArray<int> Read(string path, int rows)
    {
        var mistakes = new FileErrors();
        ImmutableArray<int> arrivals = [];
        if (CsvTable.Read(path, mistakes, "row") is { } table)
        {
            arrivals = [.. table.Rows().Select(row => (int)row.Number("row", rows - 1))];
            if (arrivals.IsEmpty)
            {
                mistakes.Add(path, 0, "", "has no rows");
            }
        }

        mistakes.ThrowIfAny();
        return arrivals;
    }

    private static bool TrySeed(string path, out int seed)
    {
        var name = Path.GetFileName(path);
        seed = 0;
        return (name.EndsWith(".csv", StringComparison.Ordinal) || name.EndsWith(".csv.gz", StringComparison.Ordinal))
            && int.TryParse(name[Prefix.Length..name.IndexOf('.', StringComparison.Ordinal)], NumberStyles.None, CultureInfo.InvariantCulture, out seed);
    }
}
