using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions.Victims;

/// <summary>
/// For one request, and victims up to one priority: the cheapest way to make room for one more pod on each node, as far as
/// any tenant may take it. Worked out when it is first asked for, and again when the node has changed since.
/// </summary>
internal sealed class NodeOptions(
    Session session, VictimCatalogue catalogue, VictimScope scope, bool sparesYoung, int ceiling, PlacementRequest request, int maxSteps)
{
    private readonly NodeVictims _onNode = new(session);
    private readonly NodeOption?[] _options = new NodeOption?[session.Nodes.Length];
    private readonly bool[] _isKnown = new bool[session.Nodes.Length];
    private readonly List<VictimUnit> _open = [];
    private int _changesSeen = session.Changes.Count;

    /// <summary>The option on a node, or null. Not to be used while the session is changed.</summary>
    public NodeOption? On(NodeState node)
    {
        for (; _changesSeen < session.Changes.Count; _changesSeen++)
        {
            _isKnown[session.Changes[_changesSeen]] = false;
        }

        if (!_isKnown[node.Index])
        {
            _isKnown[node.Index] = true;
            _options[node.Index] = Find(node);
        }

        return _options[node.Index];
    }

    private NodeOption? Find(NodeState node)
    {
        _open.Clear();
        foreach (var unit in catalogue.On(node.Index))
        {
            if (unit.Priority <= ceiling && VictimRule.MayTakeAcross(session, scope, sparesYoung, unit))
            {
                _open.Add(unit);
            }
        }

        return _onNode.Find(node, node.Later, request, _open, maxSteps);
    }
}
