using System.Collections.Immutable;
using Scheduler.Core.Planning;
using Scheduler.Core.Planning.Neighbours;

namespace Scheduler.Core.Feasibility;

/// <summary>Required anti-affinity between pods, both ways: nobody is near whom the pod avoids, nor anybody who avoids it.</summary>
internal sealed class PodAntiAffinityFilter : INeighbourFilter
{
    public FilterName Name => FilterName.PodAntiAffinity;

    public bool Passes(NodeState node, NeighbourRules rules) => AreAbsent(node, rules.AntiAffinity) && AreAbsent(node, rules.Excluders);

    private static bool AreAbsent(NodeState node, ImmutableArray<NeighbourCount> counts)
    {
        foreach (var count in counts)
        {
            if (count.DomainOf(node.Index) is >= 0 and var domain && count.Most(domain) > 0)
            {
                return false;
            }
        }

        return true;
    }
}
