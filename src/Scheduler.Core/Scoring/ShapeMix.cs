using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Scoring;

/// <summary>
/// What the pods that a cluster gets are like, as far as it decides which GPU left over is of use: how big the pieces are
/// that they take of a device, and how much CPU and memory goes with a GPU. Made from shapes and how often each occurs;
/// the order in which they are given does not matter.
/// </summary>
/// <remarks>
/// <para>
/// <see cref="Waste"/> is the answer for one device. A device with some room left gets pods drawn at random from the mix,
/// those that fit; with a chance of 1 in <see cref="StopsOneIn"/> nothing more comes at each step. What is expected to stay
/// unused in the end is the waste of that room. So 190 milli are nearly all waste if 160 is seldom asked for, and 530 are
/// hardly any if pods of 470 are followed by pods of 320 and 210.
/// </para>
/// <para>
/// <see cref="Stranded"/> is the answer for one node: idle GPU for which CPU or memory will be short if the pods that
/// come are average.
/// </para>
/// <para>
/// A few assumed pods are always part of the mix, so that a new cluster behaves sensibly and its first pods do not decide
/// everything. Unlike a list of typical shapes, the sums need no bound: there are a thousand sizes of pieces.
/// </para>
/// </remarks>
public sealed class ShapeMix : IEquatable<ShapeMix>
{
    /// <summary>Thousandths of a milli-GPU, in which waste is counted: differences below one milli-GPU still count.</summary>
    public const int MicroPerMilli = 1000;

    /// <summary>One draw in so many is the last that a device gets.</summary>
    public const int StopsOneIn = 100;

    /// <summary>The most times that one shape counts.</summary>
    public const long MaxCount = 1_000_000;

    private static readonly (int MilliEach, long Count)[] Assumed = [(GpuRequest.MilliPerDevice, 8), (500, 4), (250, 2), (125, 2)];

    private readonly long[] _waste;
    private readonly long _microCpuPerMilliGpu;
    private readonly long _bytesPerMilliGpu;

    private ShapeMix(long microCpuPerMilliGpu, long bytesPerMilliGpu, long[] waste)
    {
        _waste = waste;
        _microCpuPerMilliGpu = microCpuPerMilliGpu;
        _bytesPerMilliGpu = bytesPerMilliGpu;
    }

    private ShapeMix(ReadOnlySpan<long> countByMilli, Int128 milliGpu, Int128 milliCpu, Int128 bytes)
    {
        _waste = WasteByFree(countByMilli);
        _microCpuPerMilliGpu = Ratio(milliCpu * MicroPerMilli, milliGpu);
        _bytesPerMilliGpu = Ratio(bytes, milliGpu);
    }

    /// <summary>The mix of a cluster of which no pods are known yet.</summary>
    public static ShapeMix Assume(IEnumerable<Node> nodes) => Of([], AverageBesideGpu(nodes));

    /// <summary>The mix of shapes, each with how often it occurs, such as a history of the last weeks.</summary>
    /// <param name="shapes">
    /// In any order; a shape may occur more than once. Counts are held to 0…<see cref="MaxCount"/>. MIG instances and pods
    /// without GPUs take no part.
    /// </param>
    /// <param name="assumedPerGpu">CPU and memory that the assumed pods ask for with each GPU; see <see cref="AverageBesideGpu"/>.</param>
    public static ShapeMix Of(IEnumerable<(PodShape Shape, long Count)> shapes, ResourceVector assumedPerGpu)
    {
        Int128 milliGpu = 0;
        Span<long> countByMilli = stackalloc long[GpuRequest.MilliPerDevice + 1];
        foreach (var (milliEach, count) in Assumed)
        {
            countByMilli[milliEach] += count;
            milliGpu += milliEach * count;
        }

        var milliCpu = milliGpu * assumedPerGpu.MilliCpu / GpuRequest.MilliPerDevice;
        var bytes = milliGpu * assumedPerGpu.MemoryBytes / GpuRequest.MilliPerDevice;
        foreach (var (shape, given) in shapes)
        {
            if (shape.Gpu.Kind is GpuRequestKind.Whole or GpuRequestKind.Fraction)
            {
                var count = Math.Clamp(given, 0, MaxCount);
                countByMilli[shape.Gpu.MilliEach] += count;
                milliGpu += (Int128)count * shape.Gpu.MilliGpu;
                milliCpu += (Int128)count * Math.Max(0, shape.Requests.MilliCpu);
                bytes += (Int128)count * Math.Max(0, shape.Requests.MemoryBytes);
            }
        }

        return new ShapeMix(countByMilli, milliGpu, milliCpu, bytes);
    }

    /// <summary>All that the scores read, for a host that keeps snapshots: <see cref="FromFigures"/> makes an equal mix of it.</summary>
    /// <returns>Micro-CPU and bytes beside one milli-GPU, then the waste by free milli-GPU from 0 to 1000.</returns>
    public ImmutableArray<long> ToFigures() => [_microCpuPerMilliGpu, _bytesPerMilliGpu, .. _waste];

    /// <summary>The mix that gave these figures.</summary>
    /// <exception cref="ArgumentException">Their number is not that of <see cref="ToFigures"/>.</exception>
    public static ShapeMix FromFigures(ReadOnlySpan<long> figures) => figures.Length == GpuRequest.MilliPerDevice + 3
        ? new ShapeMix(figures[0], figures[1], figures[2..].ToArray())
        : throw new ArgumentException($"a mix has {GpuRequest.MilliPerDevice + 3} figures, not {figures.Length}", nameof(figures));

    /// <summary>
    /// CPU and memory that nodes have for each of their GPUs, on average: as long as no pods are known, they are taken to
    /// ask for what the cluster was built for.
    /// </summary>
    public static ResourceVector AverageBesideGpu(IEnumerable<Node> nodes)
    {
        Int128 devices = 0;
        Int128 milliCpu = 0;
        Int128 bytes = 0;
        foreach (var node in nodes)
        {
            if (!node.Devices.IsEmpty)
            {
                devices += node.Devices.Length;
                milliCpu += Math.Max(0, node.Allocatable.MilliCpu);
                bytes += Math.Max(0, node.Allocatable.MemoryBytes);
            }
        }

        return devices == 0 ? ResourceVector.Zero : new ResourceVector((long)(milliCpu / devices), (long)(bytes / devices));
    }

    /// <summary>What is expected to stay unused of the room left on a device, in micro-GPU.</summary>
    /// <param name="freeMilli">From 0 to <see cref="GpuRequest.MilliPerDevice"/>; what is outside counts as the nearest.</param>
    public long Waste(int freeMilli) => _waste[Math.Clamp(freeMilli, 0, GpuRequest.MilliPerDevice)];

    /// <summary>Idle GPU of a node that CPU or memory left there does not suffice for, in micro-GPU.</summary>
    /// <param name="freeMilliGpu">All that is idle on the node, in milli-GPU.</param>
    /// <param name="free">CPU and memory left; negative counts as none.</param>
    public long Stranded(long freeMilliGpu, in ResourceVector free)
    {
        var idle = freeMilliGpu * MicroPerMilli;
        var served = idle;
        if (_microCpuPerMilliGpu > 0)
        {
            served = Math.Min(served, Math.Max(0, free.MilliCpu) * MicroPerMilli * MicroPerMilli / _microCpuPerMilliGpu);
        }

        if (_bytesPerMilliGpu > 0)
        {
            served = Math.Min(served, Math.Max(0, free.MemoryBytes) / _bytesPerMilliGpu * MicroPerMilli);
        }

        return idle - served;
    }

    /// <summary>Whether two mixes give every node the same score.</summary>
    public bool Equals(ShapeMix? other) =>
        other is not null && _microCpuPerMilliGpu == other._microCpuPerMilliGpu && _bytesPerMilliGpu == other._bytesPerMilliGpu
        && _waste.AsSpan().SequenceEqual(other._waste);

    /// <inheritdoc />
    public override bool Equals(object? obj) => Equals(obj as ShapeMix);

    /// <inheritdoc />
    public override int GetHashCode() => (_microCpuPerMilliGpu ^ _waste[^1]).GetHashCode();

    private static long Ratio(Int128 amount, Int128 milliGpu) => (long)Int128.Min(amount / milliGpu, long.MaxValue);

    /// <summary>From small room to large: what a pod leaves of it has been worked out before.</summary>
    private static long[] WasteByFree(ReadOnlySpan<long> countByMilli)
    {
        var pieces = new List<(int Milli, long Count)>();
        var all = 0L;
        for (var milli = 1; milli < countByMilli.Length; milli++)
        {
            if (countByMilli[milli] > 0)
            {
                pieces.Add((milli, countByMilli[milli]));
                all += countByMilli[milli];
            }
        }

        var stops = Math.Max(1, all / StopsOneIn);
        var waste = new long[countByMilli.Length];
        for (var free = 1; free < waste.Length; free++)
        {
            var weight = (Int128)stops;
            var sum = (Int128)stops * free * MicroPerMilli;
            foreach (var (milli, count) in pieces)
            {
                if (milli > free)
                {
                    break;
                }

                weight += count;
                sum += (Int128)count * waste[free - milli];
            }

            waste[free] = (long)(sum / weight);
        }

        return waste;
    }
}
