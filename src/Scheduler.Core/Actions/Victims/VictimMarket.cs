using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Actions.Victims;

/// <summary>What searches of one cycle have in common; made when the first of them asks.</summary>
internal sealed class VictimMarket(Session session)
{
    private readonly Dictionary<(VictimScope Scope, bool SparesYoung, int Ceiling, int Devices), NodePrices> _prices = [];
    private readonly Dictionary<(VictimScope Scope, bool SparesYoung, int Ceiling, int Kind), NodeOptions> _options = [];

    private readonly bool _hasBudgets = !session.Snapshot.DisruptionsAllowed.IsEmpty;
    private (int Chosen, int Beyond) _seen;

    /// <summary>Who could be preempted at all.</summary>
    public VictimCatalogue Catalogue { get; } = new(session);

    /// <summary>
    /// Nodes on which the beneficiary may take other units than a third tenant might: those with work of its own that it
    /// may take, or that others may and it may not. By index.
    /// </summary>
    public SortedSet<int> SpecialNodes(VictimRule rule, TenantNode tenant)
    {
        var nodes = new SortedSet<int>();
        foreach (var unit in Catalogue.OfTenant(tenant.Index))
        {
            if (rule.MayTake(unit) || VictimRule.MayTakeAcross(session, rule.Scope, rule.SparesYoung, unit))
            {
                foreach (var node in unit.Nodes)
                {
                    nodes.Add(node.Index);
                }
            }
        }

        return nodes;
    }

    /// <summary>Nodes by what room for a request costs there at least, as far as other tenants may take it.</summary>
    public NodePrices Prices(VictimRule rule, int ceiling, GpuRequest gpu)
    {
        var key = (rule.Scope, rule.SparesYoung, ceiling, gpu.Kind == GpuRequestKind.Whole ? gpu.Count : 0);
        if (!_prices.TryGetValue(key, out var found))
        {
            found = new NodePrices(session, Catalogue, rule.Scope, rule.SparesYoung, ceiling, key.Item4);
            _prices.Add(key, found);
        }

        return found;
    }

    /// <summary>
    /// Forgets prices that have changed though their nodes have not: budgets are used up by victims elsewhere, and for fair
    /// share it counts how far a tenant is above its entitlement.
    /// </summary>
    public void ForgetStale()
    {
        var now = (session.Roster.Chosen.Count, session.BoundBeyondEntitlement);
        if (now == _seen)
        {
            return;
        }

        _seen = now;
        foreach (var key in _prices.Keys.Where(key => _hasBudgets || key.Scope == VictimScope.FairShare).ToArray())
        {
            _prices.Remove(key);
        }

        foreach (var key in _options.Keys.Where(key => _hasBudgets || key.Scope == VictimScope.FairShare).ToArray())
        {
            _options.Remove(key);
        }
    }

    /// <summary>What room for one more pod of a kind costs on each node, as far as other tenants may take it.</summary>
    public NodeOptions Options(VictimRule rule, int ceiling, RequestClass kind, int maxSteps)
    {
        var key = (rule.Scope, rule.SparesYoung, ceiling, kind.Index);
        if (!_options.TryGetValue(key, out var found))
        {
            found = new NodeOptions(session, Catalogue, rule.Scope, rule.SparesYoung, ceiling, kind.Request, maxSteps);
            _options.Add(key, found);
        }

        return found;
    }
}
