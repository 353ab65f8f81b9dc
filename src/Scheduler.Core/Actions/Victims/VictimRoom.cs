using Scheduler.Core.Feasibility;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions.Victims;

/// <summary>
/// Tells whether a beneficiary still fits when one of its victims is spared. For a gang of equal pods by counting how many
/// fit on each node that the search has touched: elsewhere there was no room, or it would have been taken first.
/// </summary>
internal sealed class VictimRoom(Session session, VictimProblem problem, VictimSet chosen)
{
    private readonly Dictionary<int, int> _fits = [];
    private int _total = -1;

    /// <summary>Removes a unit from the set if the beneficiary fits without it.</summary>
    public void TrySpare(VictimUnit unit)
    {
        if (problem.Groups.Count > 1)
        {
            chosen.Remove(unit);
            if (!problem.IsSolvedBy(chosen))
            {
                chosen.Add(unit);
            }

            return;
        }

        var (request, pods) = problem.Groups[0];
        if (_total < 0)
        {
            _total = 0;
            var touched = chosen.TouchedNodes.ToArray();
            chosen.ClearPlaced();
            foreach (var node in touched)
            {
                _total += _fits[node] = Fits(session.Nodes[node], request);
            }
        }

        chosen.Remove(unit);
        var nodes = VictimCatalogue.NodesOf(unit).ToArray();
        var without = new int[nodes.Length];
        var total = _total;
        for (var index = 0; index < nodes.Length; index++)
        {
            without[index] = Fits(session.Nodes[nodes[index]], request);
            total += without[index] - _fits[nodes[index]];
        }

        if (total < pods.Count || !problem.IsWithinQuota(chosen))
        {
            chosen.Add(unit);
            return;
        }

        _total = total;
        for (var index = 0; index < nodes.Length; index++)
        {
            _fits[nodes[index]] = without[index];
        }
    }

    private int Fits(NodeState node, PlacementRequest request)
    {
        if (!problem.IsAllowed(node, request))
        {
            return 0;
        }

        var plane = chosen.PlaneOf(node);
        var count = 0;
        while (NodeFilters.PassesDynamic(plane, request))
        {
            plane = count == 0 ? plane.Clone() : plane;
            plane.Occupy(request.Shape, DeviceAllocator.Choose(plane, request), request.DeviceOwner, sign: 1);
            count++;
        }

        return count;
    }
}
