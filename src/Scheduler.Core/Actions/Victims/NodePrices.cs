using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions.Victims;

/// <summary>
/// For so many whole devices (or for anything at all), and victims up to one priority: the least that room can cost on each
/// node, in order. Looks at nothing but devices, so that all tenants and shapes share it; a search looks at the cheapest
/// nodes in earnest, and stops when no other can be cheaper. Kept for the whole cycle, and brought up to date with the
/// nodes that changed since it was last asked.
/// </summary>
internal sealed class NodePrices
{
    private static readonly IComparer<(VictimCost Cost, int Node)> ByCost = Comparer<(VictimCost Cost, int Node)>.Create(
        (a, b) => a.Cost.CompareTo(b.Cost) is not 0 and var order ? order : a.Node.CompareTo(b.Node));

    private readonly Session _session;
    private readonly VictimCatalogue _catalogue;
    private readonly VictimScope _scope;
    private readonly bool _sparesYoung;
    private readonly int _ceiling;
    private readonly int _devices;
    private readonly SortedSet<(VictimCost Cost, int Node)> _inOrder = new(ByCost);
    private readonly VictimCost?[] _prices;
    private int _changesSeen;

    /// <param name="session">The cluster.</param>
    /// <param name="catalogue">Who could be preempted.</param>
    /// <param name="scope">For what.</param>
    /// <param name="sparesYoung">Whether the minimum runtime protects.</param>
    /// <param name="ceiling">The highest priority that may be touched.</param>
    /// <param name="devices">Whole devices that are needed; 0 for a fraction, MIG instances or no GPU.</param>
    public NodePrices(Session session, VictimCatalogue catalogue, VictimScope scope, bool sparesYoung, int ceiling, int devices)
    {
        (_session, _catalogue, _scope, _sparesYoung, _ceiling, _devices) = (session, catalogue, scope, sparesYoung, ceiling, devices);
        _prices = new VictimCost?[session.Nodes.Length];
        foreach (var node in session.Nodes)
        {
            Evaluate(node);
        }

        _changesSeen = session.Changes.Count;
    }

    /// <summary>Nodes by what room costs at least. Not to be used while the session is changed.</summary>
    public IEnumerable<(VictimCost AtLeast, NodeState Node)> InOrder()
    {
        for (; _changesSeen < _session.Changes.Count; _changesSeen++)
        {
            Evaluate(_session.Nodes[_session.Changes[_changesSeen]]);
        }

        foreach (var (cost, node) in _inOrder)
        {
            yield return (cost, _session.Nodes[node]);
        }
    }

    private void Evaluate(NodeState node)
    {
        if (_prices[node.Index] is { } old)
        {
            _inOrder.Remove((old, node.Index));
        }

        var price = LeastOn(node);
        _prices[node.Index] = price;
        if (price is { } cost)
        {
            _inOrder.Add((cost, node.Index));
        }
    }

    private VictimCost? LeastOn(NodeState node)
    {
        var units = _catalogue.On(node.Index);
        if (units.Count == 0)
        {
            return null;
        }

        var missing = _devices - node.Later.IdleDevices;
        return missing <= 1 ? Cheapest(node, units, needsDevice: missing == 1) : Fill(node, units, missing);
    }

    /// <summary>
    /// At least one unit has to go: one with a device if one is missing, any one if it is not devices that are.
    /// </summary>
    private VictimCost? Cheapest(NodeState node, IReadOnlyList<VictimUnit> units, bool needsDevice)
    {
        var best = default(VictimUnit);
        foreach (var unit in units)
        {
            if (IsOpen(unit) && (!needsDevice || NodeVictims.DevicesOn(node, unit) > 0) && (best is null || NodeVictims.ByCost(unit, best) < 0))
            {
                best = unit;
            }
        }

        return best is null ? null : new VictimCost(0, best.LostMilliGpuSeconds, best.Disturbed, best.Rank);
    }

    /// <summary>
    /// The fractional knapsack: whoever costs least for each device goes first, and the last one in part. No set of units
    /// that idles the devices costs less (Dantzig: Discrete-variable extremum problems, 1957).
    /// </summary>
    private VictimCost? Fill(NodeState node, IReadOnlyList<VictimUnit> units, int missing)
    {
        var open = new List<(VictimUnit Unit, int Devices)>(units.Count);
        var (disturbed, rank) = (1, Int128.MaxValue);
        foreach (var unit in units)
        {
            if (IsOpen(unit) && NodeVictims.DevicesOn(node, unit) is > 0 and var devices)
            {
                open.Add((unit, devices));
                disturbed = Math.Min(disturbed, unit.Disturbed);
                rank = Int128.Min(rank, unit.Rank);
            }
        }

        open.Sort((a, b) => ((Int128)a.Unit.LostMilliGpuSeconds * b.Devices).CompareTo((Int128)b.Unit.LostMilliGpuSeconds * a.Devices));
        var lost = 0L;
        foreach (var (unit, devices) in open)
        {
            if (devices >= missing)
            {
                lost += unit.LostMilliGpuSeconds * missing / devices;
                return new VictimCost(0, lost, disturbed, rank);
            }

            lost += unit.LostMilliGpuSeconds;
            missing -= devices;
        }

        return null;
    }

    private bool IsOpen(VictimUnit unit) =>
        unit.Priority <= _ceiling && VictimRule.MayTakeAcross(_session, _scope, _sparesYoung, unit);
}
