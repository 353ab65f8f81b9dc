using Scheduler.Core.Planning;
using Scheduler.Core.Planning.Neighbours;

namespace Scheduler.Core.Feasibility;

/// <summary>
/// Required affinity between pods: a pod that all terms select is near, by the topology of each term. The first of a group of
/// pods that select each other goes anywhere that has the labels.
/// </summary>
internal sealed class PodAffinityFilter : INeighbourFilter
{
    public FilterName Name => FilterName.PodAffinity;

    public bool Passes(NodeState node, NeighbourRules rules)
    {
        var (isNear, isAnywhere) = (true, false);
        foreach (var count in rules.Affinity)
        {
            var domain = count.DomainOf(node.Index);
            if (domain < 0)
            {
                return false;
            }

            isNear &= count.Present(domain) > 0;
            isAnywhere |= count.Total > 0;
        }

        return isNear || (!isAnywhere && rules.IsOwnCompany);
    }
}
