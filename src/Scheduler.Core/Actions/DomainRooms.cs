using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions;

/// <summary>
/// How many pods of one kind fit each domain of a level: counted once, then only on nodes that changed since. It lives no longer
/// than an attempt at a cycle.
/// </summary>
internal sealed class DomainRooms
{
    private readonly Session _session;
    private readonly RequestClass _kind;
    private readonly TopologyLevel _level;
    private readonly int[] _onNode;
    private readonly long[] _inDomain;
    private int _changesSeen;

    /// <param name="session">The cluster.</param>
    /// <param name="kind">Of what.</param>
    /// <param name="level">In which domains.</param>
    public DomainRooms(Session session, RequestClass kind, TopologyLevel level)
    {
        (_session, _kind, _level) = (session, kind, level);
        _onNode = new int[session.Nodes.Length];
        _inDomain = new long[level.Domains.Count];
        _changesSeen = session.Changes.Count;
        foreach (var node in level.Domains.SelectMany(nodes => nodes))
        {
            Count(node);
        }
    }

    /// <summary>By domain, as things are now.</summary>
    public ReadOnlySpan<long> Now()
    {
        for (; _changesSeen < _session.Changes.Count; _changesSeen++)
        {
            Count(_session.Nodes[_session.Changes[_changesSeen]]);
        }

        return _inDomain;
    }

    private void Count(NodeState node)
    {
        if (_level.DomainOf(node.Index) is >= 0 and var domain && _kind.Heap.StaticRejection(node) is null)
        {
            var room = PodRoom.Count(node.Bindable, _kind.Request);
            _inDomain[domain] += room - _onNode[node.Index];
            _onNode[node.Index] = room;
        }
    }
}
