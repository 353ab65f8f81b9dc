namespace Scheduler.Benchmarks.Openb;

/// <summary>What is free, in plain arrays, for the baselines. Models are bits of a mask.</summary>
internal sealed class OpenbCluster
{
    public const int MaxDevices = 8;

    public OpenbCluster(OpenbTrace trace)
    {
        Trace = trace;
        var models = trace.Nodes.Select(node => node.Model).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray();
        ModelBit = [.. trace.Nodes.Select(node => 1 << Array.IndexOf(models, node.Model))];
        AcceptedBits = [.. trace.Shapes.Select(shape => models.Select((model, bit) => shape.Accepts(model) ? 1 << bit : 0).Sum())];
        Devices = [.. trace.Nodes.Select(node => node.Devices)];
        CpuFree = [.. trace.Nodes.Select(node => node.MilliCpu)];
        MemoryFree = [.. trace.Nodes.Select(node => node.MemoryMib)];
        DeviceFree = new int[trace.Nodes.Length * MaxDevices];
        GpuFree = new int[trace.Nodes.Length];
        for (var node = 0; node < Devices.Length; node++)
        {
            DeviceFree.AsSpan(node * MaxDevices, Devices[node]).Fill(1000);
            GpuFree[node] = 1000 * Devices[node];
        }
    }

    public OpenbTrace Trace { get; }

    public int[] ModelBit { get; }

    public int[] AcceptedBits { get; }

    public int[] Devices { get; }

    public int[] CpuFree { get; }

    public int[] MemoryFree { get; }

    public int[] DeviceFree { get; }

    public int[] GpuFree { get; }

    public Span<int> FreeOf(int node) => DeviceFree.AsSpan(node * MaxDevices, Devices[node]);

    /// <summary>CPU, memory, model, and enough devices with enough left on each.</summary>
    public bool Passes(int node, int shapeNumber)
    {
        var shape = Trace.Shapes[shapeNumber];
        if (shape.MilliCpu > CpuFree[node] || shape.MemoryMib > MemoryFree[node])
        {
            return false;
        }

        if (shape.Devices == 0)
        {
            return true;
        }

        if ((AcceptedBits[shapeNumber] & ModelBit[node]) == 0)
        {
            return false;
        }

        var fitting = 0;
        foreach (var free in FreeOf(node))
        {
            fitting += free >= shape.MilliEach ? 1 : 0;
        }

        return fitting >= shape.Devices;
    }

    /// <summary>The fullest device on which a share fits, the lowest-numbered among equals.</summary>
    public int Tightest(int node, int milli)
    {
        var best = -1;
        var devices = FreeOf(node);
        for (var device = 0; device < devices.Length; device++)
        {
            if (devices[device] >= milli && (best < 0 || devices[device] < devices[best]))
            {
                best = device;
            }
        }

        return best;
    }

    /// <summary>Takes room; a share goes to the device given, whole devices to the lowest-numbered idle ones.</summary>
    public void Take(int node, int shapeNumber, int shareDevice)
    {
        var shape = Trace.Shapes[shapeNumber];
        CpuFree[node] -= shape.MilliCpu;
        MemoryFree[node] -= shape.MemoryMib;
        GpuFree[node] -= shape.MilliGpu;
        var devices = FreeOf(node);
        if (shape.Devices == 1 && shape.MilliEach < 1000)
        {
            devices[shareDevice] -= shape.MilliEach;
            return;
        }

        var left = shape.Devices;
        for (var device = 0; left > 0; device++)
        {
            if (devices[device] >= shape.MilliEach)
            {
                devices[device] -= shape.MilliEach;
                left--;
            }
        }
    }
}
