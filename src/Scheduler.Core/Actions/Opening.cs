using Scheduler.Core.Planning;

namespace Scheduler.Core.Actions;

/// <summary>When and where a workload that finds no room now could start, if what runs ends as expected or is sent away.</summary>
/// <param name="session">The cluster.</param>
/// <param name="applicant">Who waits.</param>
/// <param name="allowedFlavors">What quota lets it use.</param>
internal sealed class Opening(Session session, Applicant applicant, bool[] allowedFlavors)
{
    private readonly Dictionary<int, NodePlane> _planes = [];
    private readonly TopologyLevel? _level = applicant.Workload.Topology is { IsRequired: true } topology
        ? session.Topology.Level(topology.Level)
        : null;

    /// <summary>The earliest opening.</summary>
    /// <param name="From">When.</param>
    /// <param name="Placements">Where its pods go then.</param>
    /// <param name="Planes">What is free then on those nodes, with the pods in place.</param>
    public sealed record Found(DateTimeOffset From, Placement[] Placements, IReadOnlyList<(NodeState Node, NodePlane Plane)> Planes);

    /// <summary>Whether quota lets it start anywhere at all.</summary>
    public bool IsPossible => !applicant.HasGpu || Array.Exists(allowedFlavors, allowed => allowed);

    /// <summary>Lets one pod after the other go until there is room. Null if there never is.</summary>
    /// <param name="departures">Who goes when, in the order of time; whoever comes again is gone already.</param>
    public Found? Find(IEnumerable<(DateTimeOffset At, Occupant Occupant)> departures)
    {
        var room = new int[_level?.Domains.Count ?? 1];
        var domain = -1;
        foreach (var node in session.Nodes)
        {
            if (IsOpen(node) && DomainOf(node) is >= 0 and var at)
            {
                room[at] += RoomOn(node.Later);
                domain = domain < 0 && room[at] >= applicant.Missing ? at : domain;
            }
        }

        if (domain >= 0 && Place(domain) is { } atOnce)
        {
            return atOnce with { From = session.Snapshot.Now };
        }

        var now = session.Snapshot.Now;
        var gone = new HashSet<Occupant>(ReferenceEqualityComparer.Instance);
        foreach (var (end, occupant) in departures)
        {
            // Who was sent away since the list was made gives its room back in the later view already.
            var node = occupant.Node;
            if (occupant.IsGoing || !IsOpen(node) || DomainOf(node) is not (>= 0 and var at) || !gone.Add(occupant))
            {
                continue;
            }

            var plane = PlaneOf(node);
            var before = RoomOn(plane);
            plane.Occupy(occupant.Pod.Shape, occupant.Devices, occupant.DeviceOwner, sign: -1);
            var gained = RoomOn(plane) - before;
            room[at] += gained;

            // Whom it could send away at once it would have: something keeps it from that.
            if (gained > 0 && end > now && room[at] >= applicant.Missing && Place(at) is { } found)
            {
                return found with { From = end };
            }
        }

        return null;
    }

    private bool IsOpen(NodeState node) =>
        node.Reservation is null
        && (!applicant.HasGpu || (node.Flavor >= 0 && allowedFlavors[node.Flavor]))
        && applicant.Pending[0].Kind.Heap.StaticRejection(node) is null;

    private int DomainOf(NodeState node) => _level?.DomainOf(node.Index) ?? 0;

    /// <summary>Pods that fit: exact for equal ones; else how many of the smallest would, and <see cref="Place"/> decides.</summary>
    private int RoomOn(NodePlane plane) =>
        Math.Min(applicant.Missing, PodRoom.Count(plane, applicant.Pending[applicant.IsUniform ? 0 : applicant.Missing - 1].Kind.Request));

    private NodePlane PlaneOf(NodeState node)
    {
        if (!_planes.TryGetValue(node.Index, out var plane))
        {
            _planes.Add(node.Index, plane = node.Later.Clone());
        }

        return plane;
    }

    /// <summary>Fills the nodes of a domain with the pods, those with the most room first, so that few are reserved.</summary>
    private Found? Place(int domain)
    {
        var nodes = session.Nodes.Where(node => IsOpen(node) && DomainOf(node) == domain)
            .Select(node => (Node: node, Room: RoomOn(_planes.GetValueOrDefault(node.Index, node.Later))))
            .Where(pair => pair.Room > 0)
            .OrderByDescending(pair => pair.Room).ThenBy(pair => pair.Node.Index)
            .Select(pair => (pair.Node, Plane: default(NodePlane)))
            .ToArray();
        var placements = new List<Placement>(applicant.Missing);
        for (var pod = 0; pod < applicant.Missing; pod++)
        {
            if (!TryPlace(applicant.Pending[pod], nodes, placements))
            {
                return null;
            }
        }

        return new Found(default, [.. placements], [.. nodes.Where(pair => pair.Plane is not null).Select(pair => (pair.Node, pair.Plane!))]);
    }

    private bool TryPlace(in WaitingPod pod, (NodeState Node, NodePlane? Plane)[] nodes, List<Placement> placements)
    {
        for (var index = 0; index < nodes.Length; index++)
        {
            var (node, plane) = nodes[index];
            if (pod.Kind.Heap.StaticRejection(node) is not null
                || PodRoom.Count(plane ?? _planes.GetValueOrDefault(node.Index, node.Later), pod.Kind.Request) == 0)
            {
                continue;
            }

            plane ??= _planes.GetValueOrDefault(node.Index, node.Later).Clone();
            nodes[index] = (node, plane);
            var devices = DeviceAllocator.Choose(plane, pod.Kind.Request);
            plane.Occupy(pod.Pod.Shape, devices, pod.Kind.Request.DeviceOwner, sign: 1);
            placements.Add(new Placement(pod.Pod, node, devices));
            return true;
        }

        return false;
    }
}
