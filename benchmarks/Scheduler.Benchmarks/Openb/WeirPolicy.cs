using System.Collections.Immutable;
using System.Diagnostics;
using Scheduler.Core.Feasibility;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Scoring;

namespace Scheduler.Benchmarks.Openb;

/// <summary>
/// Weir itself: its filters, node planes, device allocator and node scores with the default policy. The mix is that of the
/// pod list, as FGD's typical pods are, or learned from the pods that have arrived.
/// </summary>
internal sealed class WeirPolicy : OpenbPolicy
{
    private const string ModelLabel = "gpu-model";

    /// <summary>Arrivals between two mixes; a planner makes one each cycle.</summary>
    private const int LearnsEvery = 50;

    private readonly NodePlane[] _nodes;
    private readonly PlacementRequest[] _requests;
    private readonly bool[]?[] _passesStatic;
    private readonly long[]? _arrivedOfShape;
    private readonly ResourceVector _besideGpu;
    private NodeScorers _scorers;
    private int _arrived;

    public WeirPolicy(OpenbTrace trace, bool learnsAsPodsArrive)
    {
        _nodes = [.. trace.Nodes.Select(node => new NodePlane(NodeOf(node)))];
        _requests = [.. trace.Shapes.Select(shape => new PlacementRequest(ShapeOf(shape), Node.NoLabels, OwnerOf(shape)))];
        _passesStatic = new bool[]?[_requests.Length];
        _arrivedOfShape = learnsAsPodsArrive ? new long[_requests.Length] : null;
        _besideGpu = ShapeMix.AverageBesideGpu(_nodes.Select(plane => plane.Node));
        _scorers = Scorers(learnsAsPodsArrive ? [] : trace.Rows.Select(row => (_requests[row].Shape, 1L)));
    }

    /// <summary>Nanoseconds for one fragmentation score, the best of some rounds over all nodes in mid-run.</summary>
    public static (double Fraction, double Whole) MeasureScore(OpenbTrace trace)
    {
        var policy = new WeirPolicy(trace, learnsAsPodsArrive: false);
        OpenbExperiment.Run(trace, trace.Arrivals(trace.Seeds()[0])[..5000], policy);
        var scorer = new FragmentationScorer(ShapeMix.Of(trace.Rows.Select(row => (policy._requests[row].Shape, 1L)), policy._besideGpu));
        return (BestOf(GpuRequestKind.Fraction), BestOf(GpuRequestKind.Whole));

        double BestOf(GpuRequestKind kind)
        {
            var request = policy._requests.First(request => request.Shape.Gpu.Kind == kind);
            var best = double.MaxValue;
            for (var round = 0; round < 500; round++)
            {
                var clock = Stopwatch.StartNew();
                foreach (var node in policy._nodes)
                {
                    scorer.Score(node, request);
                }

                best = Math.Min(best, clock.Elapsed.TotalNanoseconds / policy._nodes.Length);
            }

            return best;
        }
    }

    public override bool Arrive(int shape)
    {
        if (_arrivedOfShape is null)
        {
            return false;
        }

        _arrivedOfShape[shape]++;
        if (++_arrived % LearnsEvery != 0)
        {
            return false;
        }

        _scorers = Scorers(_requests.Select((request, number) => (request.Shape, _arrivedOfShape[number])));
        return true;
    }

    public override long Score(int node, int shape)
    {
        var request = _requests[shape];
        var passes = _passesStatic[shape] ??= [.. _nodes.Select(plane => NodeFilters.FirstStaticRejection(plane, request) is null)];
        return passes[node] && NodeFilters.PassesDynamic(_nodes[node], request) ? _scorers.Score(_nodes[node], request) : Infeasible;
    }

    public override void Place(int node, int shape)
    {
        var request = _requests[shape];
        _nodes[node].Occupy(request.Shape, DeviceAllocator.Choose(_nodes[node], request), request.DeviceOwner, 1);
    }

    private NodeScorers Scorers(IEnumerable<(PodShape Shape, long Count)> known) =>
        new(SchedulingPolicy.Default.Scores, ShapeMix.Of(known, _besideGpu));

    private static int OwnerOf(OpenbShape shape) =>
        shape is { Devices: 1, MilliEach: < 1000 } ? NodePlane.SharedOwner : NodePlane.NoOwner;

    private static Node NodeOf(OpenbNode node) => new()
    {
        Name = new NodeName(node.Name),
        Allocatable = new ResourceVector(node.MilliCpu, Bytes(node.MemoryMib)),
        MaxPods = int.MaxValue,
        Devices = [.. Enumerable.Range(0, node.Devices).Select(index => new GpuDevice(index))],
        Labels = Node.NoLabels.Add(ModelLabel, node.Model),
    };

    private static PodShape ShapeOf(OpenbShape shape)
    {
        ImmutableArray<NodeSelectorTerm> models = shape.Models.Length == 0 || shape.Devices == 0
            ? []
            : [new NodeSelectorTerm([new SelectorRequirement(ModelLabel, SelectorOperator.In, [.. shape.Models.Split('|')])], [])];
        var gpu = shape.Devices == 0 ? GpuRequest.None
            : shape.MilliEach == GpuRequest.MilliPerDevice ? GpuRequest.Whole(shape.Devices)
            : GpuRequest.Fraction(shape.MilliEach);
        return PodShape.Create(new ResourceVector(shape.MilliCpu, Bytes(shape.MemoryMib)), gpu, requiredTerms: models);
    }

    private static long Bytes(int mib) => mib * 1024L * 1024;
}
