using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions.Victims;

/// <summary>Victims on a node, and how many more pods of the gang fit the cluster without them.</summary>
internal sealed record GangOption(int Node, NodeOption Option, int Gain);

/// <summary>
/// Makes room for a number of equal pods: takes the best option in the order given, looks anew at the nodes that it
/// changed, and goes on until all fit.
/// </summary>
internal sealed class GangStep
{
    private readonly Session _session;
    private readonly VictimMarket _market;
    private readonly VictimProblem _problem;
    private readonly Scenario _scenario;
    private readonly NodeVictims _onNode;
    private readonly RequestClass _kind;
    private readonly int _pods;
    private readonly Func<NodeState, List<VictimUnit>> _openOn;
    private readonly int _steps;
    private readonly PriorityQueue<GangOption, GangOption> _options;
    private readonly GangOption?[] _current;
    private int _room;

    public GangStep(
        Session session, VictimMarket market, VictimProblem problem, Scenario scenario, NodeVictims onNode, RequestClass kind, int pods,
        Comparison<GangOption> order, Func<NodeState, List<VictimUnit>> openOn, int steps)
    {
        (_session, _market, _problem, _scenario, _onNode) = (session, market, problem, scenario, onNode);
        (_kind, _pods, _openOn, _steps) = (kind, pods, openOn, steps);
        _options = new PriorityQueue<GangOption, GangOption>(Comparer<GangOption>.Create(order));
        _current = new GangOption?[session.Nodes.Length];
    }

    /// <summary>Takes victims until the pods fit, and puts the pods in place if others are to follow. False if they never fit.</summary>
    public bool MakeRoom()
    {
        _room = _problem.CountRoom(_scenario, _kind, _pods);
        if (_room < _pods)
        {
            foreach (var node in _session.Nodes)
            {
                if (_market.Catalogue.On(node.Index).Count > 0)
                {
                    Look(node);
                }
            }
        }

        while (_room < _pods)
        {
            if (!_options.TryDequeue(out var option, out _))
            {
                return false;
            }

            if (_current[option.Node] == option && IsAffordable(option.Option))
            {
                Take(option);
            }
        }

        if (_problem.Groups.Count > 1)
        {
            PutInPlace();
        }

        return true;
    }

    private void Take(GangOption option)
    {
        var touched = new SortedSet<int>();
        foreach (var unit in option.Option.Units)
        {
            foreach (var node in unit.Nodes)
            {
                _room -= touched.Add(node.Index) ? RoomOn(node) : 0;
            }
        }

        foreach (var unit in option.Option.Units)
        {
            _scenario.Take(unit);
        }

        foreach (var index in touched)
        {
            _room += RoomOn(_session.Nodes[index]);
            Look(_session.Nodes[index]);
        }
    }

    /// <summary>What one more pod costs on a node as it is now.</summary>
    private void Look(NodeState node)
    {
        _current[node.Index] = null;
        if (!_problem.IsAllowed(node, _kind)
            || _onNode.Find(node, _scenario.PlaneOf(node), _kind.Request, _openOn(node), _steps) is not { } option)
        {
            return;
        }

        var found = new GangOption(node.Index, option, GainOf(option));
        _current[node.Index] = found;
        _options.Enqueue(found, found);
    }

    /// <summary>A victim that is a gang itself makes room on several nodes.</summary>
    private int GainOf(NodeOption option)
    {
        var before = 0;
        var nodes = new SortedSet<int>();
        foreach (var node in option.Units.SelectMany(unit => unit.Nodes))
        {
            before += nodes.Add(node.Index) ? RoomOn(node) : 0;
        }

        var after = 0;
        foreach (var index in nodes)
        {
            var node = _session.Nodes[index];
            if (!_problem.IsAllowed(node, _kind))
            {
                continue;
            }

            var plane = _scenario.PlaneOf(node).Clone();
            ForEachOn(node, option, occupant => Scenario.Take(plane, occupant));
            after += Math.Min(_pods, PodRoom.Count(plane, _kind.Request));
            ForEachOn(node, option, occupant => Scenario.Return(plane, occupant));
        }

        return Math.Clamp(after - before, 1, Math.Max(1, _pods - _room));
    }

    private static void ForEachOn(NodeState node, NodeOption option, Action<Occupant> act)
    {
        foreach (var unit in option.Units)
        {
            foreach (var occupant in unit.Pods)
            {
                if (occupant.Node == node)
                {
                    act(occupant);
                }
            }
        }
    }

    private int RoomOn(NodeState node) =>
        _problem.IsAllowed(node, _kind) ? Math.Min(_pods, PodRoom.Count(_scenario.PlaneOf(node), _kind.Request)) : 0;

    private bool IsAffordable(NodeOption option) =>
        Array.TrueForAll(option.Units, unit => _problem.Rule.IsAffordable([.. _scenario.Units, .. option.Units], unit));

    private void PutInPlace()
    {
        var left = _pods;
        foreach (var node in _session.Nodes)
        {
            if (!_problem.IsAllowed(node, _kind))
            {
                continue;
            }

            for (; left > 0 && PodRoom.Count(_scenario.PlaneOf(node), _kind.Request) > 0; left--)
            {
                _scenario.Place(node, _kind.Request);
            }
        }
    }
}
