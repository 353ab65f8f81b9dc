using Scheduler.Core.Planning;

namespace Scheduler.Core.Feasibility;

/// <summary>All filters in their order: cheap and final ones first.</summary>
internal static class NodeFilters
{
    private static readonly INodeFilter[] All =
    [
        new NodeReadyFilter(),
        new NodePoolFilter(),
        new NodeAffinityFilter(),
        new TaintsFilter(),
        new VolumesFilter(),
        new GpuKindFilter(),
        new ResourcesFilter(),
        new GpuFreeFilter(),
    ];

    private static readonly INodeFilter[] Static = [.. All.Where(filter => filter.IsStatic)];
    private static readonly INodeFilter[] Dynamic = [.. All.Where(filter => !filter.IsStatic)];

    /// <summary>The first filter that turns the node away whatever is free on it, or null.</summary>
    public static FilterName? FirstStaticRejection(NodePlane node, PlacementRequest request) => FirstRejection(Static, node, request);

    /// <summary>The first filter that turns the node away for what is free on it, or null; asked only of nodes that pass the rest.</summary>
    public static FilterName? FirstDynamicRejection(NodePlane node, PlacementRequest request) => FirstRejection(Dynamic, node, request);

    /// <summary>Whether the node passes everything that can; asked only of nodes that pass the rest.</summary>
    public static bool PassesDynamic(NodePlane node, PlacementRequest request) => Passes(Dynamic, node, request);

    private static FilterName? FirstRejection(INodeFilter[] filters, NodePlane node, PlacementRequest request)
    {
        foreach (var filter in filters)
        {
            if (!filter.Passes(node, request))
            {
                return filter.Name;
            }
        }

        return null;
    }

    private static bool Passes(INodeFilter[] filters, NodePlane node, PlacementRequest request)
    {
        foreach (var filter in filters)
        {
            if (!filter.Passes(node, request))
            {
                return false;
            }
        }

        return true;
    }
}
