namespace Scheduler.Benchmarks.Openb;

/// <summary>A baseline on plain arrays, by its score; shares go to the device on which they fit most tightly.</summary>
internal abstract class Baseline(OpenbTrace trace) : OpenbPolicy
{
    protected OpenbCluster Cluster { get; } = new(trace);

    public sealed override long Score(int node, int shape) => Cluster.Passes(node, shape) ? ScoreOf(node, shape) : Infeasible;

    public sealed override void Place(int node, int shape) => Cluster.Take(node, shape, DeviceFor(node, shape));

    protected abstract long ScoreOf(int node, int shape);

    protected virtual int DeviceFor(int node, int shape) => Cluster.Tightest(node, Cluster.Trace.Shapes[shape].MilliEach);
}

/// <summary>Any node that passes, uniformly, and any device that fits.</summary>
internal sealed class RandomBaseline(OpenbTrace trace, int seed) : Baseline(trace)
{
    private readonly Random _random = new(seed);

    public override int Choose(ReadOnlySpan<long> scores)
    {
        var chosen = -1;
        var passing = 0;
        for (var node = 0; node < scores.Length; node++)
        {
            if (scores[node] != Infeasible && _random.Next(++passing) == 0)
            {
                chosen = node;
            }
        }

        return chosen;
    }

    protected override long ScoreOf(int node, int shape) => 0;

    protected override int DeviceFor(int node, int shape)
    {
        var fitting = Enumerable.Range(0, Cluster.Devices[node])
            .Where(device => Cluster.DeviceFree[(node * OpenbCluster.MaxDevices) + device] >= Cluster.Trace.Shapes[shape].MilliEach).ToArray();
        return fitting.Length == 0 ? -1 : fitting[_random.Next(fitting.Length)];
    }
}

/// <summary>
/// Least CPU and GPU left. The original stretches the scores of each pod to 0…100 afterwards, which does not change their
/// order.
/// </summary>
internal sealed class BestFitBaseline(OpenbTrace trace) : Baseline(trace)
{
    protected override long ScoreOf(int node, int shapeNumber)
    {
        var shape = Cluster.Trace.Shapes[shapeNumber];
        return (long)Math.Floor(100 * (1
            - (0.5 * (Cluster.CpuFree[node] - shape.MilliCpu) / 128_000)
            - (0.5 * (Cluster.GpuFree[node] - shape.MilliGpu) / 8000)));
    }
}

/// <summary>Least alignment of what is asked with what is free.</summary>
internal sealed class DotProductBaseline(OpenbTrace trace) : Baseline(trace)
{
    protected override long ScoreOf(int node, int shapeNumber)
    {
        var shape = Cluster.Trace.Shapes[shapeNumber];
        return (long)Math.Floor(100 * (1 - (((Cluster.CpuFree[node] / 128_000.0 * (shape.MilliCpu / 128_000.0))
            + (Cluster.GpuFree[node] / 8000.0 * (shape.MilliGpu / 8000.0))) / 2)));
    }
}

/// <summary>
/// Fragmentation gradient descent (Weng et al., USENIX ATC 2023): least growth of the GPU that a typical pod, drawn from
/// the pod list, cannot use.
/// </summary>
internal sealed class GradientDescentBaseline : Baseline
{
    private readonly (int MilliCpu, int Devices, int MilliEach, int AcceptedBits, double Share)[] _typical;

    public GradientDescentBaseline(OpenbTrace trace)
        : base(trace)
    {
        var groups = trace.Rows.GroupBy(row => trace.Shapes[row] with { MemoryMib = 0 })
            .Select(group => (Shape: group.Key, AcceptedBits: Cluster.AcceptedBits[group.First()], Count: group.Count()))
            .OrderByDescending(group => group.Count).ThenBy(group => group.Shape.ToString(), StringComparer.Ordinal).ToArray();
        var wanted = trace.Rows.Length * 0.95;
        var covered = 0;
        var taken = groups.TakeWhile(group =>
        {
            var isNeeded = covered < wanted;
            covered += group.Count;
            return isNeeded;
        }).ToArray();
        double all = taken.Sum(group => group.Count);
        _typical = [.. taken.Select(group =>
            (group.Shape.MilliCpu, group.Shape.Devices, group.Shape.MilliEach, group.AcceptedBits, group.Count / all))];
    }

    protected override long ScoreOf(int node, int shapeNumber) => Evaluate(node, shapeNumber).Score;

    protected override int DeviceFor(int node, int shape) => Evaluate(node, shape).Device;

    private (long Score, int Device) Evaluate(int node, int shapeNumber)
    {
        var shape = Cluster.Trace.Shapes[shapeNumber];
        Span<int> devices = stackalloc int[OpenbCluster.MaxDevices];
        var free = Cluster.FreeOf(node);
        devices = devices[..free.Length];
        free.CopyTo(devices);
        var before = Unusable(node, Cluster.CpuFree[node], devices);
        var cpu = Cluster.CpuFree[node] - shape.MilliCpu;
        if (shape.Devices == 1 && shape.MilliEach < 1000)
        {
            var best = (Score: long.MinValue, Device: -1);
            for (var device = 0; device < devices.Length; device++)
            {
                if (devices[device] >= shape.MilliEach)
                {
                    devices[device] -= shape.MilliEach;
                    var score = Sigmoid(before - Unusable(node, cpu, devices));
                    devices[device] += shape.MilliEach;
                    best = score > best.Score ? (score, device) : best;
                }
            }

            return best;
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

        return (Sigmoid(before - Unusable(node, cpu, devices)), -1);
    }

    private static long Sigmoid(double gain) => (long)Math.Floor(100 / (1 + Math.Exp(-gain / 1000)));

    private double Unusable(int node, int cpu, ReadOnlySpan<int> devices)
    {
        var idle = 0;
        foreach (var free in devices)
        {
            idle += free;
        }

        var sum = 0.0;
        foreach (var typical in _typical)
        {
            var fitting = 0;
            var small = 0;
            foreach (var free in devices)
            {
                fitting += free >= typical.MilliEach ? 1 : 0;
                small += free >= typical.MilliEach ? 0 : free;
            }

            var canUse = typical.Devices > 0 && typical.MilliCpu <= cpu && fitting >= typical.Devices
                && (typical.AcceptedBits & Cluster.ModelBit[node]) != 0;
            sum += typical.Share * (canUse ? small : idle);
        }

        return sum;
    }
}
