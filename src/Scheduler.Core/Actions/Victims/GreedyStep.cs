using Scheduler.Core.Feasibility;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions.Victims;

/// <summary>
/// Gives one pod after the other the node where room is cheapest. Nodes that the search has changed, and those on which
/// the asking tenant may take (or must spare) work of its own, are looked at for it alone; all others come in the order of
/// the shared <see cref="NodeOptions"/>.
/// </summary>
internal sealed class GreedyStep
{
    private readonly Session _session;
    private readonly VictimOptionsCache _cache;
    private readonly VictimRule _rule;
    private readonly VictimProblem _problem;
    private readonly PlacementRequest _request;
    private readonly VictimSet _chosen;
    private readonly int _priority;
    private readonly Dictionary<int, NodeVictims.Option?> _own = [];
    private readonly PriorityQueue<int, (VictimCost Cost, int Node)> _ownQueue = new(Comparer<(VictimCost Cost, int Node)>.Create(
        (a, b) => a.Cost.CompareTo(b.Cost) is not 0 and var order ? order : a.Node.CompareTo(b.Node)));
    private readonly IEnumerator<(NodeState Node, NodeVictims.Option Option)>? _shared;
    private bool _hasShared;

    public GreedyStep(
        Session session, VictimOptionsCache cache, VictimRule rule, VictimProblem problem, PlacementRequest request,
        VictimSet chosen, int priority)
    {
        (_session, _cache, _rule, _problem, _request, _chosen, _priority) = (session, cache, rule, problem, request, chosen, priority);
        foreach (var node in cache.SpecialNodes(rule, problem.Tenant).Concat(chosen.TouchedNodes).Distinct().Order().ToArray())
        {
            Evaluate(session.Nodes[node]);
        }

        if (rule.Scope != VictimScope.Priority && problem.HasGpu)
        {
            _shared = cache.Options(rule, request, priority).InOrder().GetEnumerator();
            Advance();
        }
        else
        {
            // Only the tenant's own work may go; room that is simply coming is anywhere.
            foreach (var node in session.PartedNodes)
            {
                if (!_own.ContainsKey(node.Index) && problem.IsAllowed(node, request) && NodeFilters.PassesDynamic(node.Later, request))
                {
                    Evaluate(node);
                }
            }
        }
    }

    /// <summary>Makes room for one more pod where that is cheapest, and takes it. False if no node can have it.</summary>
    public bool TakeCheapest()
    {
        while (true)
        {
            var own = PeekOwn();
            var takesShared = _hasShared && (own is null || Compare(_shared!.Current, own.Value) < 0);
            if (!takesShared && own is null)
            {
                return false;
            }

            var (node, option) = takesShared ? _shared!.Current : (_session.Nodes[own!.Value.Node], _own[own.Value.Node]!);
            if (takesShared)
            {
                Advance();
            }
            else
            {
                _ownQueue.Dequeue();
                _own[node.Index] = null;
            }

            if (!option.Units.All(unit => _chosen.Contains(unit) || _problem.IsAffordable(_chosen, unit)))
            {
                continue;
            }

            Take(node, option);
            return true;
        }
    }

    private void Take(NodeState node, NodeVictims.Option option)
    {
        foreach (var unit in option.Units)
        {
            _chosen.Add(unit);
        }

        _chosen.Place(node.Index, _request);
        foreach (var touched in option.Units.SelectMany(VictimCatalogue.NodesOf).Append(node.Index).Distinct().ToArray())
        {
            Evaluate(_session.Nodes[touched]);
        }
    }

    private static int Compare((NodeState Node, NodeVictims.Option Option) shared, (VictimCost Cost, int Node) own)
    {
        var order = shared.Option.Cost.CompareTo(own.Cost);
        return order != 0 ? order : shared.Node.Index.CompareTo(own.Node);
    }

    private (VictimCost Cost, int Node)? PeekOwn()
    {
        while (_ownQueue.TryPeek(out var node, out var price))
        {
            if (_own[node] is { } option && option.Cost.CompareTo(price.Cost) == 0)
            {
                return price;
            }

            // Overtaken by a later look at the node.
            _ownQueue.Dequeue();
        }

        return null;
    }

    /// <summary>Moves to the next shared option that is of use: its node is allowed and not looked at for this search alone.</summary>
    private void Advance()
    {
        do
        {
            _hasShared = _shared!.MoveNext();
        }
        while (_hasShared && (_own.ContainsKey(_shared.Current.Node.Index) || !_problem.IsAllowed(_shared.Current.Node, _request)));
    }

    private void Evaluate(NodeState node)
    {
        var option = _problem.IsAllowed(node, _request)
            ? NodeVictims.FindOrFree(_chosen.PlaneOf(node), _request, Open(node.Index))
            : null;
        _own[node.Index] = option;
        if (option is not null)
        {
            _ownQueue.Enqueue(node.Index, (option.Cost, node.Index));
        }

        if (_hasShared && _shared!.Current.Node == node)
        {
            Advance();
        }
    }

    private List<VictimUnit> Open(int node)
    {
        var open = new List<VictimUnit>();
        foreach (var unit in _cache.Catalogue.On(node))
        {
            if (unit.Priority <= _priority && !_chosen.Contains(unit) && _rule.MayTake(unit))
            {
                open.Add(unit);
            }
        }

        return open;
    }
}
