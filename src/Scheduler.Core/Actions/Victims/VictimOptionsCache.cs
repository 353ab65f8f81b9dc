using Scheduler.Core.Planning;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Actions.Victims;

/// <summary>What searches of one cycle have in common; made when the first of them asks.</summary>
internal sealed class VictimOptionsCache
{
    private readonly Session _session;
    private readonly Dictionary<(PlacementRequest, VictimScope, bool, int), NodeOptions> _options = [];

    public VictimOptionsCache(Session session)
    {
        _session = session;
        Catalogue = new VictimCatalogue(session);
    }

    /// <summary>Who could be preempted at all.</summary>
    public VictimCatalogue Catalogue { get; }

    /// <summary>
    /// Nodes on which the beneficiary may take other units than a third tenant might: those with work of its own that it
    /// may take, or that others may and it may not.
    /// </summary>
    public IEnumerable<int> SpecialNodes(VictimRule rule, TenantNode tenant)
    {
        foreach (var unit in Catalogue.OfTenant(tenant))
        {
            if (rule.MayTake(unit) || VictimRule.MayTakeAcross(_session, rule.Scope, rule.SparesYoung, unit))
            {
                foreach (var (node, _) in unit.Pods)
                {
                    yield return node.Index;
                }
            }
        }
    }

    /// <summary>Options on all nodes, for what other tenants may take.</summary>
    public NodeOptions Options(VictimRule rule, PlacementRequest request, int priority)
    {
        var key = (request, rule.Scope, rule.SparesYoung, priority);
        if (!_options.TryGetValue(key, out var found))
        {
            found = new NodeOptions(_session, Catalogue, rule.Scope, rule.SparesYoung, request, priority);
            _options.Add(key, found);
        }

        return found;
    }
}
