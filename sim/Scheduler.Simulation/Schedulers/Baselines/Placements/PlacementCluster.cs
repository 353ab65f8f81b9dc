using System.Collections.Immutable;
using Scheduler.Core.Feasibility;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Simulation.Schedulers.Baselines.Placements;

/// <summary>
/// What is free on each node, for baselines that place pod by pod. What fits where is decided by Weir's own filters, so that
/// policies differ in what they choose only. Nodes and shapes are numbered, nodes in the order of their names.
/// </summary>
internal sealed class PlacementCluster
{
    private readonly List<PlacementRequest> _requests = [];
    private readonly List<bool[]> _passesStatic = [];
    private readonly Dictionary<PodShape, int> _numbers = [];
    private readonly Dictionary<NodeName, int> _nodeNumbers = [];
    private readonly int[][] _podsByKind;

    public PlacementCluster(ImmutableArray<Node> nodes)
    {
        Nodes = [.. nodes.Select(node => new NodePlane(node))];
        _podsByKind = [.. nodes.Select(node => new int[node.Devices.Length + 1])];
        for (var node = 0; node < nodes.Length; node++)
        {
            _nodeNumbers.Add(nodes[node].Name, node);
        }
    }

    /// <summary>The nodes.</summary>
    public NodePlane[] Nodes { get; }

    /// <summary>The request behind the number of a shape.</summary>
    public PlacementRequest Request(int shape) => _requests[shape];

    /// <summary>The shape behind a number.</summary>
    public PodShape Shape(int shape) => _requests[shape].Shape;

    /// <summary>The number of a node.</summary>
    public int NumberOf(NodeName node) => _nodeNumbers[node];

    /// <summary>The number of a shape, the next one for a shape that is new.</summary>
    public int NumberOf(PodShape shape)
    {
        if (!_numbers.TryGetValue(shape, out var number))
        {
            // Fractions share a device whoever owns them: these policies know no tenants.
            var owner = shape.Gpu.Kind == GpuRequestKind.Fraction ? NodePlane.SharedOwner : NodePlane.NoOwner;
            var request = new PlacementRequest(shape, Node.NoLabels, owner);
            number = _requests.Count;
            _numbers.Add(shape, number);
            _requests.Add(request);
            _passesStatic.Add([.. Nodes.Select(node => NodeFilters.FirstStaticRejection(node, request) is null)]);
        }

        return number;
    }

    /// <summary>Whether a node could take a shape if it were empty.</summary>
    public bool PassesStatic(int node, int shape) => _passesStatic[shape][node];

    /// <summary>Whether a node can take a shape now.</summary>
    public bool Passes(int node, int shape) => _passesStatic[shape][node] && NodeFilters.PassesDynamic(Nodes[node], _requests[shape]);

    /// <summary>
    /// How many pods of a kind are on a node: 0 for fractions, else the number of whole GPUs that each has.
    /// </summary>
    public ReadOnlySpan<int> PodsByKind(int node) => _podsByKind[node];

    /// <summary>The kind of a shape that asks for GPUs, as in <see cref="PodsByKind"/>.</summary>
    public static int KindOf(GpuRequest gpu) => gpu.Kind == GpuRequestKind.Fraction ? 0 : gpu.Count;

    /// <summary>Takes room.</summary>
    public void Take(int node, int shape, ImmutableArray<int> devices) => Change(node, shape, devices, 1);

    /// <summary>Gives room back.</summary>
    public void Return(int node, int shape, ImmutableArray<int> devices) => Change(node, shape, devices, -1);

    private void Change(int node, int shape, ImmutableArray<int> devices, int sign)
    {
        var request = _requests[shape];
        Nodes[node].Occupy(request.Shape, devices, request.DeviceOwner, sign);
        if (request.Shape.Gpu.Kind is GpuRequestKind.Fraction or GpuRequestKind.Whole)
        {
            _podsByKind[node][KindOf(request.Shape.Gpu)] += sign;
        }
    }
}
