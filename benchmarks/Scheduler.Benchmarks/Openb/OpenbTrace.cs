using System.Collections.Immutable;
using Scheduler.Benchmarks.Commands;
using Scheduler.Core.Model;
using Scheduler.Simulation.Traces;

namespace Scheduler.Benchmarks.Openb;

/// <summary>One trace of the openb experiment: nodes, what each row of the pod list asks for, and where its arrival orders are.</summary>
internal sealed class OpenbTrace
{
    private readonly ImmutableArray<(int Seed, string Path)> _orders;

    private OpenbTrace(string name, ImmutableArray<Node> nodes, ImmutableArray<PodShape> rows, ImmutableArray<(int Seed, string Path)> orders)
    {
        Name = name;
        Nodes = nodes;
        Rows = rows;
        CapacityMilliGpu = nodes.Sum(node => node.InstalledMilliGpu);
        _orders = orders;
    }

    /// <summary>Name of the pod list, such as <c>default</c>.</summary>
    public string Name { get; }

    /// <summary>The nodes, sorted by name.</summary>
    public ImmutableArray<Node> Nodes { get; }

    /// <summary>For each row of the pod list, what it asks for; equal shapes are one object.</summary>
    public ImmutableArray<PodShape> Rows { get; }

    /// <summary>All GPUs, in milli-GPU.</summary>
    public long CapacityMilliGpu { get; }

    /// <summary>Seeds that have an arrival order, ascending.</summary>
    public IEnumerable<int> Seeds => _orders.Select(order => order.Seed);

    /// <summary>Names of the traces in a folder that have a pod list and arrival orders, sorted.</summary>
    public static string[] NamesIn(string folder) =>
        [.. Directory.GetDirectories(Path.Combine(folder, "arrivals")).Select(path => Path.GetFileName(path)!)
            .Where(name => File.Exists(PodList(folder, name))).Order(StringComparer.Ordinal)];

    /// <summary>Reads a trace of a folder that has them all.</summary>
    public static OpenbTrace Read(string folder, string name) =>
        Read(Path.Combine(folder, "nodes.csv"), PodList(folder, name), Path.Combine(folder, "arrivals", name));

    /// <summary>Reads a trace from its files. It is named as its pod list is.</summary>
    public static OpenbTrace Read(string nodeFile, string podFile, string arrivalFolder)
    {
        if (!Directory.Exists(arrivalFolder))
        {
            throw new MeasurementException($"--arrivals: '{arrivalFolder}' is not a folder; name the one that has seed42.csv.gz and so on");
        }

        var known = new Dictionary<PodShape, PodShape>();
        var rows = OpenbPodList.Read(podFile).Select(pod => pod.ToShape())
            .Select(shape => known.TryGetValue(shape, out var same) ? same : known[shape] = shape).ToImmutableArray();
        var orders = OpenbArrivals.FilesIn(arrivalFolder);
        return orders.IsEmpty
            ? throw new MeasurementException($"--arrivals: '{arrivalFolder}' has no seed*.csv or seed*.csv.gz")
            : new OpenbTrace(Path.GetFileName(podFile).Split('.')[0], OpenbNodeList.Read(nodeFile), rows, orders);
    }

    /// <summary>The shapes in the order in which pods arrive.</summary>
    public PodShape[] Arrivals(int seed) =>
        [.. OpenbArrivals.Read(_orders.First(order => order.Seed == seed).Path, Rows.Length).Select(row => Rows[row])];

    private static string PodList(string folder, string name) => Path.Combine(folder, "pods", name + ".csv.gz");
}
