using System.Globalization;
using System.IO.Compression;

namespace Scheduler.Benchmarks.Openb;

/// <summary>A node of the trace, as its file describes it.</summary>
internal sealed record OpenbNode(string Name, int MilliCpu, int MemoryMib, int Devices, string Model);

/// <summary>What a pod of the trace asks for. <paramref name="Models"/> are the accepted GPU models, joined by '|'; empty accepts all.</summary>
internal sealed record OpenbShape(int MilliCpu, int MemoryMib, int Devices, int MilliEach, string Models)
{
    /// <summary>What the pod asks for in all, in milli-GPU.</summary>
    public int MilliGpu => Devices * MilliEach;

    /// <summary>Whether a node's model is accepted.</summary>
    public bool Accepts(string model) => Models.Length == 0 || Models.Split('|').Contains(model, StringComparer.Ordinal);
}

/// <summary>
/// One trace of the openb experiment: nodes sorted by name, the distinct shapes, and for each row of the pod list the
/// number of its shape.
/// </summary>
internal sealed class OpenbTrace
{
    private readonly string _folder;

    private OpenbTrace(string folder, string name, OpenbNode[] nodes, OpenbShape[] shapes, int[] rows)
    {
        _folder = folder;
        Name = name;
        Nodes = nodes;
        Shapes = shapes;
        Rows = rows;
    }

    /// <summary>Name of the pod list, such as <c>default</c>.</summary>
    public string Name { get; }

    /// <summary>The nodes, sorted by name.</summary>
    public OpenbNode[] Nodes { get; }

    /// <summary>The distinct shapes, in the order in which the pod list first has them.</summary>
    public OpenbShape[] Shapes { get; }

    /// <summary>For each row of the pod list, its shape.</summary>
    public int[] Rows { get; }

    /// <summary>All GPUs, in milli-GPU.</summary>
    public long CapacityMilliGpu => Nodes.Sum(node => node.Devices * 1000L);

    /// <summary>Names of the traces in a folder that have a pod list and arrival orders, sorted.</summary>
    public static string[] NamesIn(string folder) =>
        [.. Directory.GetDirectories(Path.Combine(folder, "arrivals")).Select(path => Path.GetFileName(path)!)
            .Where(name => File.Exists(PodList(folder, name))).Order(StringComparer.Ordinal)];

    /// <summary>Reads a trace.</summary>
    public static OpenbTrace Read(string folder, string name)
    {
        var nodes = File.ReadLines(Path.Combine(folder, "nodes.csv")).Skip(1).Select(line => line.Split(','))
            .Select(cells => new OpenbNode(cells[0], Int(cells[1]), Int(cells[2]), Int(cells[3]), cells[4]))
            .OrderBy(node => node.Name, StringComparer.Ordinal).ToArray();

        var shapes = new List<OpenbShape>();
        var known = new Dictionary<OpenbShape, int>();
        var rows = new List<int>();
        foreach (var line in ReadCompressed(PodList(folder, name)).Skip(1))
        {
            // name, cpu_milli, memory_mib, num_gpu, gpu_milli, and in most lists gpu_spec and more.
            var cells = line.Split(',');
            var shape = new OpenbShape(Int(cells[1]), Int(cells[2]), Int(cells[3]), Int(cells[4]), cells.Length > 5 ? cells[5] : "");
            if (!known.TryGetValue(shape, out var number))
            {
                known.Add(shape, number = shapes.Count);
                shapes.Add(shape);
            }

            rows.Add(number);
        }

        return new OpenbTrace(folder, name, nodes, [.. shapes], [.. rows]);
    }

    /// <summary>Seeds that have an arrival order, ascending.</summary>
    public int[] Seeds() =>
        [.. Directory.GetFiles(Path.Combine(_folder, "arrivals", Name), "seed*.csv.gz")
            .Select(path => Int(Path.GetFileName(path)["seed".Length..^".csv.gz".Length])).Order()];

    /// <summary>The shapes in the order in which pods arrive.</summary>
    public int[] Arrivals(int seed) =>
        [.. ReadCompressed(Path.Combine(_folder, "arrivals", Name, $"seed{seed}.csv.gz")).Skip(1).Select(line => Rows[Int(line)])];

    private static string PodList(string folder, string name) => Path.Combine(folder, "pods", name + ".csv.gz");

    private static int Int(string text) => int.Parse(text, NumberStyles.Integer, CultureInfo.InvariantCulture);

    private static IEnumerable<string> ReadCompressed(string path)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }
}
