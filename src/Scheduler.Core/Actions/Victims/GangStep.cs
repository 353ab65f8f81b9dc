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
    private readonly RequestClass _kind;
    private readonly int _pods;
    private readonly Func<NodeState, NodeOption?> _optionOn;
    private readonly PriorityQueue<GangOption, GangOption> _options;
    private readonly Dictionary<int, GangOption> _current = [];
    private int _room;

    /// <param name="session">The cluster.</param>
    /// <param name="market">Who could be preempted.</param>
    /// <param name="problem">What is to be achieved.</param>
    /// <param name="scenario">Receives the victims.</param>
    /// <param name="kind">What the pods ask for.</param>
    /// <param name="pods">How many.</param>
    /// <param name="order">Which option is better.</param>
    /// <param name="optionOn">The best option on a node as it is in the scenario.</param>
    public GangStep(
        Session session, VictimMarket market, VictimProblem problem, Scenario scenario, RequestClass kind, int pods,
        Comparison<GangOption> order, Func<NodeState, NodeOption?> optionOn)
    {
        (_session, _market, _problem, _scenario) = (session, market, problem, scenario);
        (_kind, _pods, _optionOn) = (kind, pods, optionOn);
        _options = new PriorityQueue<GangOption, GangOption>(Comparer<GangOption>.Create(order));
    }

    /// <summary>Takes victims until the pods fit, and puts the pods in place if others are to follow. False if they never fit.</summary>
    public bool MakeRoom()
    {
        _room = _problem.CountRoom(_scenario, _kind, _pods);
        if (_room < _pods)
        {
            _options.EnqueueRange(FirstOptions());
        }

        while (_room < _pods)
        {
            if (!_options.TryDequeue(out var option, out _))
            {
                return false;
            }

            if (_current.GetValueOrDefault(option.Node) == option && IsAffordable(option.Option))
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

    private IEnumerable<(GangOption, GangOption)> FirstOptions()
    {
        foreach (var node in _session.Nodes)
        {
            if (_market.Catalogue.On(node.Index).Count > 0 && OptionOn(node) is { } option)
            {
                yield return (option, option);
            }
        }
    }

    /// <summary>What one more pod costs on a node as it is now.</summary>
    private void Look(NodeState node)
    {
        _current.Remove(node.Index);
        if (OptionOn(node) is { } option)
        {
            _options.Enqueue(option, option);
        }
    }

    private GangOption? OptionOn(NodeState node)
    {
        if (!_problem.IsAllowed(node, _kind) || _optionOn(node) is not { } option)
        {
            return null;
        }

        return _current[node.Index] = new GangOption(node.Index, option, GainOf(option));
    }

    /// <summary>A victim that is a gang itself makes room on several nodes.</summary>
    private int GainOf(NodeOption option)
    {
        if (_pods - _room <= 1)
        {
            return 1;
        }

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
        _problem.Rule.Scope != VictimScope.FairShare
        || Array.TrueForAll(option.Units, unit => _problem.Rule.IsAffordable([.. _scenario.Units, .. option.Units], unit));

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
