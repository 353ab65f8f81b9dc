using Scheduler.Core.Planning;
using Scheduler.Core.Planning.Neighbours;

namespace Scheduler.Core.Feasibility;

/// <summary>Topology spread with DoNotSchedule: with the pod in it, the domain has no more than maxSkew above the fewest.</summary>
internal sealed class TopologySpreadFilter : INeighbourFilter
{
    public FilterName Name => FilterName.TopologySpread;

    public bool Passes(NodeState node, NeighbourRules rules)
    {
        foreach (var (count, constraint, self) in rules.Spread)
        {
            var domain = count.DomainOf(node.Index);
            if (domain < 0)
            {
                return false;
            }

            var fewest = count.Domains < constraint.MinDomains ? 0 : count.Fewest;
            if (count.Most(domain) + self - fewest > constraint.MaxSkew)
            {
                return false;
            }
        }

        return true;
    }
}
