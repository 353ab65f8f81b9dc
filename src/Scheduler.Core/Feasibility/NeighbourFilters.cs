using Scheduler.Core.Planning;
using Scheduler.Core.Planning.Neighbours;

namespace Scheduler.Core.Feasibility;

/// <summary>All filters that look at other pods, in their order.</summary>
internal static class NeighbourFilters
{
    private static readonly INeighbourFilter[] All =
    [
        new HostPortsFilter(),
        new AttachLimitFilter(),
        new PodAffinityFilter(),
        new PodAntiAffinityFilter(),
        new TopologySpreadFilter(),
    ];

    /// <summary>The first filter that turns the node away, or null.</summary>
    public static FilterName? FirstRejection(NodeState node, NeighbourRules rules)
    {
        foreach (var filter in All)
        {
            if (!filter.Passes(node, rules))
            {
                return filter.Name;
            }
        }

        return null;
    }
}
