using Scheduler.Core.Feasibility;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions.Victims;

/// <summary>
/// For one request, and victims up to one priority: the cheapest way to make room for one more pod on each node, in order
/// of price. Kept for the whole cycle and brought up to date with the nodes that changed since it was last asked; what the
/// asking tenant may or may not take of its own is left to <see cref="VictimSearch"/>.
/// </summary>
internal sealed class NodeOptions
{
    private static readonly IComparer<(VictimCost Cost, int Node)> ByPrice = Comparer<(VictimCost Cost, int Node)>.Create(
        (a, b) => a.Cost.CompareTo(b.Cost) is not 0 and var order ? order : a.Node.CompareTo(b.Node));

    private readonly Session _session;
    private readonly VictimCatalogue _catalogue;
    private readonly VictimScope _scope;
    private readonly bool _sparesYoung;
    private readonly PlacementRequest _request;
    private readonly int _priority;
    private readonly SortedSet<(VictimCost Cost, int Node)> _inOrder = new(ByPrice);
    private readonly NodeVictims.Option?[] _options;
    private readonly HashSet<int> _evaluated = [];
    private int _changesSeen;

    public NodeOptions(
        Session session, VictimCatalogue catalogue, VictimScope scope, bool sparesYoung, PlacementRequest request, int priority)
    {
        (_session, _catalogue, _scope, _sparesYoung, _request, _priority) = (session, catalogue, scope, sparesYoung, request, priority);
        _options = new NodeVictims.Option?[session.Nodes.Length];

        // Elsewhere there is neither anybody to take nor anything coming, so no room either.
        foreach (var unit in catalogue.Units)
        {
            if (unit.Priority <= priority && VictimRule.MayTakeAcross(session, scope, sparesYoung, unit))
            {
                foreach (var (node, _) in unit.Pods)
                {
                    EvaluateOnce(node);
                }
            }
        }

        foreach (var node in session.PartedNodes)
        {
            EvaluateOnce(node);
        }

        _changesSeen = session.Changes.Count;
    }

    /// <summary>All options by price. Not to be used while the session is changed.</summary>
    public IEnumerable<(NodeState Node, NodeVictims.Option Option)> InOrder()
    {
        for (; _changesSeen < _session.Changes.Count; _changesSeen++)
        {
            Evaluate(_session.Nodes[_session.Changes[_changesSeen]]);
        }

        foreach (var (_, node) in _inOrder)
        {
            yield return (_session.Nodes[node], _options[node]!);
        }
    }

    private void EvaluateOnce(NodeState node)
    {
        if (_evaluated.Add(node.Index))
        {
            Evaluate(node);
        }
    }

    private void Evaluate(NodeState node)
    {
        if (_options[node.Index] is { } old)
        {
            _inOrder.Remove((old.Cost, node.Index));
            _options[node.Index] = null;
        }

        if (!NodeFilters.PassesStatic(node.Later, _request))
        {
            return;
        }

        var option = NodeVictims.FindOrFree(node.Later, _request, Open(node.Index));
        if (option is not null)
        {
            _options[node.Index] = option;
            _inOrder.Add((option.Cost, node.Index));
        }
    }

    private List<VictimUnit> Open(int node)
    {
        var open = new List<VictimUnit>();
        foreach (var unit in _catalogue.On(node))
        {
            if (unit.Priority <= _priority && VictimRule.MayTakeAcross(_session, _scope, _sparesYoung, unit))
            {
                open.Add(unit);
            }
        }

        return open;
    }
}
