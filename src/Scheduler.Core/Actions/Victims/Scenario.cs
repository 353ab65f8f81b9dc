using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions.Victims;

/// <summary>
/// Nodes as they will be once some victims are gone and some waiting pods are in place. The session is not changed;
/// <see cref="Clear"/> ends the what-if.
/// </summary>
internal sealed class Scenario
{
    private readonly SortedDictionary<int, (NodeState Node, NodePlane Plane)> _planes = [];
    private readonly List<VictimUnit> _units = [];

    /// <summary>Units that are gone.</summary>
    public IReadOnlyList<VictimUnit> Units => _units;

    /// <summary>Nodes that differ from the session's, or did, by index.</summary>
    public IEnumerable<NodeState> ChangedNodes
    {
        get
        {
            foreach (var (node, _) in _planes.Values)
            {
                yield return node;
            }
        }
    }

    /// <summary>Whether a node is one of <see cref="ChangedNodes"/>.</summary>
    public bool IsChanged(NodeState node) => _planes.ContainsKey(node.Index);

    /// <summary>What will be free on a node.</summary>
    public NodePlane PlaneOf(NodeState node) => _planes.TryGetValue(node.Index, out var changed) ? changed.Plane : node.Later;

    /// <summary>Lets a unit be gone.</summary>
    public void Take(VictimUnit unit)
    {
        _units.Add(unit);
        foreach (var occupant in unit.Pods)
        {
            Take(PlaneToChange(occupant.Node), occupant);
        }
    }

    /// <summary>Lets a unit stay after all.</summary>
    public void Return(VictimUnit unit)
    {
        _units.Remove(unit);
        foreach (var occupant in unit.Pods)
        {
            Return(PlaneToChange(occupant.Node), occupant);
        }
    }

    /// <summary>Puts a waiting pod on a node that has room for it.</summary>
    public void Place(NodeState node, PlacementRequest request)
    {
        var plane = PlaneToChange(node);
        plane.Occupy(request.Shape, DeviceAllocator.Choose(plane, request), request.DeviceOwner, sign: 1);
    }

    /// <summary>Takes the pods away that were put in place; units stay gone.</summary>
    public void ForgetPlacements()
    {
        VictimUnit[] units = [.. _units];
        Clear();
        foreach (var unit in units)
        {
            Take(unit);
        }
    }

    /// <summary>Whether a unit is gone, by itself or with the whole of its workload.</summary>
    public static bool IsGone(VictimUnit unit) => Array.TrueForAll(unit.Pods, pod => pod.Taken > 0);

    /// <summary>Lets everybody stay, and forgets what was placed.</summary>
    public void Clear()
    {
        foreach (var occupant in _units.SelectMany(unit => unit.Pods))
        {
            occupant.Taken--;
        }

        _units.Clear();
        _planes.Clear();
    }

    /// <summary>A pod may be part of two units, of its own and of the whole: it gives its room back once.</summary>
    public static void Take(NodePlane plane, Occupant occupant)
    {
        if (occupant.Taken++ == 0)
        {
            plane.Occupy(occupant.Pod.Shape, occupant.Devices, occupant.DeviceOwner, sign: -1);
        }
    }

    /// <summary>The opposite of <see cref="Take(NodePlane, Occupant)"/>.</summary>
    public static void Return(NodePlane plane, Occupant occupant)
    {
        if (--occupant.Taken == 0)
        {
            plane.Occupy(occupant.Pod.Shape, occupant.Devices, occupant.DeviceOwner, sign: 1);
        }
    }

    private NodePlane PlaneToChange(NodeState node)
    {
        if (!_planes.TryGetValue(node.Index, out var changed))
        {
            _planes.Add(node.Index, changed = (node, node.Later.Clone()));
        }

        return changed.Plane;
    }
}
