using Scheduler.Core.Feasibility;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions.Victims;

/// <summary>
/// The cheapest victims on one node for one pod. For whole GPUs by dynamic programming over the devices that each choice
/// frees; for everything else, and where CPU or memory is short, cheapest first with the superfluous spared.
/// </summary>
internal static class NodeVictims
{
    /// <summary>Victims that make room, and their price.</summary>
    public sealed record Option(IReadOnlyList<VictimUnit> Units, VictimCost Cost)
    {
        /// <summary>Room is there already.</summary>
        public static readonly Option Free = new([], VictimCost.Zero);

        public static Option Of(IReadOnlyList<VictimUnit> units)
        {
            var cost = VictimCost.Zero;
            foreach (var unit in units)
            {
                cost += unit.Cost;
            }

            return new Option(units, cost);
        }
    }

    /// <summary>Nothing to be done where the request fits already; else as <see cref="Find"/>.</summary>
    public static Option? FindOrFree(NodePlane plane, PlacementRequest request, List<VictimUnit> units) =>
        NodeFilters.PassesDynamic(plane, request) ? Option.Free : Find(plane, request, units);

    /// <summary>The best option found on a node that does not fit the request yet, or null if its units are not enough.</summary>
    public static Option? Find(NodePlane plane, PlacementRequest request, List<VictimUnit> units)
    {
        if (units.Count == 0 || !Fits(plane, request, units))
        {
            return null;
        }

        if (request.Shape.Gpu.Kind == GpuRequestKind.Whole
            && WholeDevices(plane, request.Shape.Gpu.Count, units) is { } best && Fits(plane, request, best))
        {
            return Option.Of(best);
        }

        return Option.Of(CheapestFirst(plane, request, units));
    }

    private static bool Fits(NodePlane plane, PlacementRequest request, IReadOnlyList<VictimUnit> units) =>
        NodeFilters.PassesDynamic(Without(plane, units), request);

    private static NodePlane Without(NodePlane plane, IReadOnlyList<VictimUnit> units)
    {
        var without = plane.Clone();
        var seen = new HashSet<PodId>();
        foreach (var unit in units)
        {
            foreach (var (node, occupant) in unit.Pods)
            {
                if (node.Node == plane.Node && seen.Add(occupant.Pod.Id))
                {
                    without.Occupy(occupant.Pod.Shape, occupant.Devices, Session.OwnerFor(unit.Running.Tenant), sign: -1);
                }
            }
        }

        return without;
    }

    private static List<VictimUnit> CheapestFirst(NodePlane plane, PlacementRequest request, List<VictimUnit> units)
    {
        var chosen = new List<VictimUnit>();
        foreach (var unit in units.OrderBy(unit => unit.Cost).ThenBy(unit => unit.Rank))
        {
            chosen.Add(unit);
            if (Fits(plane, request, chosen))
            {
                break;
            }
        }

        for (var index = chosen.Count - 1; index >= 0; index--)
        {
            var unit = chosen[index];
            chosen.RemoveAt(index);
            if (!Fits(plane, request, chosen))
            {
                chosen.Insert(index, unit);
            }
        }

        return chosen;
    }

    /// <summary>
    /// Groups units that must be weighed together (those of one workload, and those that share a device), and finds by
    /// dynamic programming over the groups the cheapest way to idle the devices that are missing.
    /// </summary>
    private static List<VictimUnit>? WholeDevices(NodePlane plane, int count, List<VictimUnit> units)
    {
        var missing = count - plane.IdleDevices;
        if (missing <= 0)
        {
            return null;
        }

        var best = new (VictimCost Cost, List<VictimUnit>? Units)[missing + 1];
        best[0] = (VictimCost.Zero, []);
        foreach (var group in Groups(plane, units))
        {
            var next = ((VictimCost Cost, List<VictimUnit>? Units)[])best.Clone();
            foreach (var choice in Choices(plane, group))
            {
                var freed = Without(plane, choice).IdleDevices - plane.IdleDevices;
                var cost = Option.Of(choice).Cost;
                for (var before = 0; before <= missing && freed > 0; before++)
                {
                    var after = Math.Min(missing, before + freed);
                    if (best[before].Units is { } soFar
                        && (next[after].Units is null || (best[before].Cost + cost).CompareTo(next[after].Cost) < 0))
                    {
                        next[after] = (best[before].Cost + cost, [.. soFar, .. choice]);
                    }
                }
            }

            best = next;
        }

        return best[missing].Units;
    }

    /// <summary>What can be taken of a group: the whole of it, or, of an elastic gang alone, its surplus one after the other.</summary>
    private static IEnumerable<List<VictimUnit>> Choices(NodePlane plane, List<VictimUnit> group)
    {
        var whole = group.Where(unit => unit.IsWhole).ToList();
        var surplus = group.Where(unit => !unit.IsWhole && unit.Pods[0].Node.Node == plane.Node).ToList();
        var workloads = group.Select(unit => unit.Running.Workload.Id).Distinct().Count();
        if (workloads == 1)
        {
            for (var taken = 1; taken <= surplus.Count; taken++)
            {
                yield return surplus[..taken];
            }

            if (whole.Count > 0)
            {
                yield return whole;
            }

            yield break;
        }

        // Several workloads share devices: each alone may free some, and all together free most.
        foreach (var unit in group)
        {
            yield return [unit];
        }

        yield return [.. group.Where(unit => unit.IsWhole || !whole.Exists(other => other.Running == unit.Running))];
    }

    private static List<List<VictimUnit>> Groups(NodePlane plane, List<VictimUnit> units)
    {
        var groups = new List<List<VictimUnit>>();
        foreach (var unit in units)
        {
            var own = new List<VictimUnit> { unit };
            var merge = groups.Where(group => group.Exists(other => other.Running == unit.Running || SharesDevice(plane, unit, other))).ToArray();
            foreach (var group in merge)
            {
                own.InsertRange(0, group);
                groups.Remove(group);
            }

            groups.Add(own);
        }

        return groups;
    }

    private static bool SharesDevice(NodePlane plane, VictimUnit a, VictimUnit b) =>
        DevicesOn(plane, a).Intersect(DevicesOn(plane, b)).Any();

    private static IEnumerable<int> DevicesOn(NodePlane plane, VictimUnit unit) =>
        unit.Pods.Where(pod => pod.Node.Node == plane.Node).SelectMany(pod => pod.Occupant.Devices);
}
