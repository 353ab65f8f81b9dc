using System.Globalization;
using System.IO.Compression;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.EndToEnd.Tests.Openb;

/// <summary>A GPU node of the openb cluster.</summary>
public sealed record OpenbNode(string Name, int CpuMilli, long MemoryMib, int Gpus, string Model);

/// <summary>A pod of the openb cluster. <see cref="GpuMilli"/> is per device, and below 1000 only if one device is asked for.</summary>
public sealed record OpenbPod(string Name, int CpuMilli, long MemoryMib, int Gpus, int GpuMilli, IReadOnlyList<string> Models, string Qos)
{
    /// <summary>Whether the pod wants a part of one device.</summary>
    public bool IsFraction => Gpus == 1 && GpuMilli < 1000;
}

/// <summary>Reads the openb trace, which is found beside the checkout and is not part of it.</summary>
public static class OpenbTrace
{
    /// <summary>The folder of the trace; skips the calling test where it is absent.</summary>
    public static string FolderOrSkip()
    {
        var traces = Repository.TracesOrNull();
        if (traces is null) Assert.Skip("no traces on this machine: set WEIR_TRACES to the folder that holds openb/nodes.csv");
        return Path.Combine(traces, "openb");
    }

    /// <summary>
    /// <paramref name="count"/> nodes, evenly spaced over the list. Every tenth has eight GPUs and the others fewer, where the list has
    /// five in ten: with those, the first five hundred pods would find more GPUs than they want, and none would wait for room.
    /// </summary>
    public static IReadOnlyList<OpenbNode> Nodes(string folder, int count)
    {
        var all = File.ReadLines(Path.Combine(folder, "nodes.csv")).Skip(1).Select(ParseNode).ToLookup(node => node.Gpus == 8);
        return [.. Spaced([.. all[true]], count / 10), .. Spaced([.. all[false]], count - count / 10)];
    }

    /// <summary>The first <paramref name="count"/> pods of the default list.</summary>
    public static IReadOnlyList<OpenbPod> Pods(string folder, int count)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(Path.Combine(folder, "pods", "default.csv.gz")), CompressionMode.Decompress));
        var pods = new List<OpenbPod>(count);
        reader.ReadLine();
        while (pods.Count < count && reader.ReadLine() is { } line) pods.Add(ParsePod(line));
        return pods;
    }

    private static IEnumerable<OpenbNode> Spaced(List<OpenbNode> nodes, int count) => Enumerable.Range(0, count).Select(i => nodes[i * nodes.Count / count]);

    /// <summary>Reads <c>sn,cpu_milli,memory_mib,gpu,model</c>.</summary>
    internal static OpenbNode ParseNode(string line)
    {
        var fields = line.Split(',');
        return new OpenbNode(fields[0], Number(fields[1]), Number(fields[2]), Number(fields[3]), fields[4]);
    }

    /// <summary>Reads <c>name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,…</c>.</summary>
    internal static OpenbPod ParsePod(string line)
    {
        var fields = line.Split(',');
        var models = fields[5].Split('|', StringSplitOptions.RemoveEmptyEntries);
        return new OpenbPod(fields[0], Number(fields[1]), Number(fields[2]), Number(fields[3]), Number(fields[4]), models, fields[6]);
    }

    private static int Number(string field) => int.Parse(field, CultureInfo.InvariantCulture);
}
