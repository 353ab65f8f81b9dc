using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Simulation.Engine;

/// <summary>
/// On how few nodes pods can lie, were the cluster empty and healthy. Exact for equal pods; for unequal ones what filling the
/// largest nodes with the largest pods first needs.
/// </summary>
internal sealed class FewestNodes(ImmutableArray<Node> nodes)
{
    private readonly Dictionary<(PodShape Shape, int Pods), int> _known = [];

    /// <summary>The fewest nodes for these pods.</summary>
    public int For(IReadOnlyList<PodShape> shapes)
    {
        for (var index = 1; index < shapes.Count; index++)
        {
            if (!shapes[index].Equals(shapes[0]))
            {
                return ForUnequal(shapes);
            }
        }

        if (!_known.TryGetValue((shapes[0], shapes.Count), out var fewest))
        {
            _known.Add((shapes[0], shapes.Count), fewest = ForEqual(shapes[0], shapes.Count));
        }

        return fewest;
    }

    private int ForEqual(PodShape shape, int pods)
    {
        var rooms = nodes.Select(node => RoomOn(node, shape)).OrderDescending().ToArray();
        var count = 0;
        for (; pods > 0 && count < rooms.Length && rooms[count] > 0; count++)
        {
            pods -= rooms[count];
        }

        return Math.Max(1, count);
    }

    private int ForUnequal(IReadOnlyList<PodShape> shapes)
    {
        var left = shapes.OrderByDescending(shape => shape.Gpu.MilliGpu).ThenByDescending(shape => shape.Requests.MilliCpu)
            .ThenBy(shape => shape.Key, StringComparer.Ordinal).ToList();
        var count = 0;
        foreach (var node in nodes.OrderByDescending(node => node.InstalledMilliGpu).ThenByDescending(node => node.Allocatable.MilliCpu))
        {
            var books = new NodeBooks(index: 0, node);
            var before = left.Count;
            left.RemoveAll(shape => RoomOn(node, shape) > 0 && TryPlace(books, shape));
            count += left.Count < before ? 1 : 0;
        }

        return Math.Max(1, count);
    }

    private static bool TryPlace(NodeBooks books, PodShape shape)
    {
        var devices = new List<int>();
        for (var device = 0; device < books.Node.Devices.Length && devices.Count < shape.Gpu.Count && shape.Gpu.Kind != GpuRequestKind.Mig; device++)
        {
            if (books.FreeOf(device) >= shape.Gpu.MilliEach)
            {
                devices.Add(device);
            }
        }

        if (books.Refusal(shape, [.. devices]) is not null)
        {
            return false;
        }

        books.Occupy(shape, [.. devices], sign: 1);
        return true;
    }

    private static int RoomOn(Node node, PodShape shape)
    {
        if (!MayHold(node, shape))
        {
            return 0;
        }

        var room = (long)node.MaxPods;
        room = shape.Requests.MilliCpu > 0 ? Math.Min(room, node.Allocatable.MilliCpu / shape.Requests.MilliCpu) : room;
        room = shape.Requests.MemoryBytes > 0 ? Math.Min(room, node.Allocatable.MemoryBytes / shape.Requests.MemoryBytes) : room;
        return (int)Math.Min(room, shape.Gpu.Kind switch
        {
            GpuRequestKind.Whole => node.Devices.Length / shape.Gpu.Count,
            GpuRequestKind.Fraction => (long)node.Devices.Length * (GpuRequest.MilliPerDevice / shape.Gpu.MilliEach),
            GpuRequestKind.Mig => node.MigCapacities.Where(capacity => capacity.Profile == shape.Gpu.MigProfile).Sum(capacity => capacity.Count / shape.Gpu.Count),
            _ => room,
        });
    }

    private static bool MayHold(Node node, PodShape shape) =>
        shape.NodeSelector.All(pair => node.Labels.TryGetValue(pair.Key, out var value) && value == pair.Value)
        && (shape.RequiredTerms.IsEmpty || shape.RequiredTerms.Any(term => term.Matches(node)))
        && node.Taints.All(taint => taint.Effect == TaintEffect.PreferNoSchedule || shape.Tolerations.Any(toleration => toleration.Tolerates(taint)));
}
