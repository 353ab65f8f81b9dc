using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Simulation.Schedulers.Baselines.Placements;

/// <summary>
/// Fragmentation gradient descent (Weng et al., USENIX ATC 2023): least growth of the GPU that a typical pod, drawn from
/// the pods that the cluster gets, cannot use.
/// </summary>
internal sealed class GradientDescentPlacement : NodePlacement
{
    /// <summary>The typical pods are the most frequent ones that together make up so much of the list.</summary>
    private const double Covered = 0.95;

    /// <summary>The most devices that a node can have here.</summary>
    private const int MaxDevices = 64;

    private readonly TypicalPod[] _typical;
    private readonly bool[][] _accepts;

    /// <summary>Learns the typical pods.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="pods">The pods that it gets, each shape with how often.</param>
    public GradientDescentPlacement(PlacementCluster cluster, IEnumerable<(PodShape Shape, long Count)> pods)
        : base(cluster)
    {
        // Memory does not tell pods apart here, as in the original.
        var groups = pods.GroupBy(pod => PodShape.Create(
                new ResourceVector(pod.Shape.Requests.MilliCpu, 0), pod.Shape.Gpu, requiredTerms: pod.Shape.RequiredTerms))
            .Select(group => (Shape: group.Key, Count: group.Sum(pod => pod.Count)))
            .OrderByDescending(group => group.Count).ThenBy(group => group.Shape.Key, StringComparer.Ordinal).ToArray();
        var wanted = groups.Sum(group => group.Count) * Covered;
        var covered = 0L;
        var taken = groups.TakeWhile(group =>
        {
            var isNeeded = covered < wanted;
            covered += group.Count;
            return isNeeded;
        }).ToArray();
        double all = taken.Sum(group => group.Count);
        _typical =
        [
            .. taken.Select(group => new TypicalPod(
                cluster.NumberOf(group.Shape),
                group.Shape.Requests.MilliCpu,
                group.Shape.Gpu.Count,
                group.Shape.Gpu.Count == 0 ? 0 : group.Shape.Gpu.MilliEach,
                group.Count / all)),
        ];
        _accepts = [.. _typical.Select(pod => Enumerable.Range(0, cluster.Nodes.Length).Select(node => cluster.PassesStatic(node, pod.Number)).ToArray())];
    }

    private readonly record struct TypicalPod(int Number, long MilliCpu, int Devices, int MilliEach, double Share);

    public override ImmutableArray<int> Devices(int node, int shape) =>
        Cluster.Shape(shape).Gpu.Kind == GpuRequestKind.Fraction ? [Evaluate(node, shape).Device] : base.Devices(node, shape);

    protected override long ScoreOf(int node, int shape) => Evaluate(node, shape).Score;

    private (long Score, int Device) Evaluate(int node, int shapeNumber)
    {
        var shape = Cluster.Shape(shapeNumber);
        var plane = Cluster.Nodes[node];
        Span<int> devices = stackalloc int[MaxDevices];
        devices = devices[..plane.DeviceFree.Length];
        plane.DeviceFree.CopyTo(devices);
        var before = Unusable(node, plane.Free.MilliCpu, devices);
        var cpu = plane.Free.MilliCpu - shape.Requests.MilliCpu;
        if (shape.Gpu.Kind == GpuRequestKind.Fraction)
        {
            var best = (Score: long.MinValue, Device: -1);
            for (var device = 0; device < devices.Length; device++)
            {
                if (devices[device] >= shape.Gpu.MilliEach)
                {
                    devices[device] -= shape.Gpu.MilliEach;
                    var score = Sigmoid(before - Unusable(node, cpu, devices));
                    devices[device] += shape.Gpu.MilliEach;
                    best = score > best.Score ? (score, device) : best;
                }
            }

            return best;
        }

        var left = shape.Gpu.Count;
        for (var device = 0; left > 0; device++)
        {
            if (devices[device] == GpuRequest.MilliPerDevice)
            {
                devices[device] = 0;
                left--;
            }
        }

        return (Sigmoid(before - Unusable(node, cpu, devices)), -1);
    }

    private static long Sigmoid(double gain) => (long)Math.Floor(100 / (1 + Math.Exp(-gain / 1000)));

    private double Unusable(int node, long milliCpu, ReadOnlySpan<int> devices)
    {
        var idle = 0;
        foreach (var free in devices)
        {
            idle += free;
        }

        var sum = 0.0;
        for (var number = 0; number < _typical.Length; number++)
        {
            ref readonly var pod = ref _typical[number];
            var fitting = 0;
            var small = 0;
            foreach (var free in devices)
            {
                fitting += free >= pod.MilliEach ? 1 : 0;
                small += free >= pod.MilliEach ? 0 : free;
            }

            var canUse = pod.Devices > 0 && pod.MilliCpu <= milliCpu && fitting >= pod.Devices && _accepts[number][node];
            sum += pod.Share * (canUse ? small : idle);
        }

        return sum;
    }
}
