using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>
/// A node during a cycle, in views that are one and the same object as long as nothing is leaving and nothing is kept
/// for anybody:
/// <code>
///   Now       what is free at this moment
///   Later     what will be free once everything that leaves is gone, less what is kept for waiting workloads
///   Brief     free in both, and at each moment between from which on room is kept: for whoever is gone before the
///             reservation begins, or can be sent away then
///   Bindable  free in both, and still beside the reservation on the node, if there is one: for everybody
/// </code>
/// Changed by <see cref="Session"/> only, which notes every change: a changed node is built anew for the next cycle.
/// </summary>
internal sealed class NodeState
{
    private readonly List<Occupant> _occupants = [];
    private readonly List<KeptRoom> _kept = [];
    private NodePlane? _atReservation;

    public NodeState(Node node, int index, int flavor, int kind)
    {
        Node = node;
        Kind = kind;
        Index = index;
        Flavor = flavor;
        Now = Later = Brief = Bindable = new NodePlane(node);
    }

    /// <summary>The node as in the snapshot.</summary>
    public Node Node { get; private set; }

    /// <summary>Position in the snapshot's nodes; the order of names.</summary>
    public int Index { get; }

    /// <summary>Index of the flavor in the session's list, or -1 for a node without GPUs.</summary>
    public int Flavor { get; }

    /// <summary>Nodes of equal kind differ in name and labels only; see <see cref="NodeKinds"/>.</summary>
    public int Kind { get; private set; }

    /// <summary>Whether nothing of the snapshot's workloads is on it, and nothing was in this cycle, not even in a what-if.</summary>
    public bool IsPristine { get; private set; } = true;

    /// <summary>Counts changes of what is free.</summary>
    public int Version { get; private set; }

    /// <summary>Counts changes of the node itself: its labels, taints, devices.</summary>
    public int NodeVersion { get; private set; }

    /// <summary>What is free at this moment.</summary>
    public NodePlane Now { get; private set; }

    /// <summary>What will be free, less what is kept.</summary>
    public NodePlane Later { get; private set; }

    /// <summary>What is free in both, and whenever somebody else's room is to be ready.</summary>
    public NodePlane Brief { get; private set; }

    /// <summary>That, and beside the reservation.</summary>
    public NodePlane Bindable { get; private set; }

    /// <summary>Whether something leaves or is kept, so that what will be free differs from what is.</summary>
    public bool IsParted => !ReferenceEquals(Now, Later);

    /// <summary>The reservation on the node, or null.</summary>
    public TimedReservation? Reservation { get; private set; }

    /// <summary>Pods that hold room here, by workload and pod.</summary>
    public IReadOnlyList<Occupant> Occupants => _occupants;

    /// <summary>Whether the node must be built anew before the next cycle.</summary>
    public bool IsDirty { get; set; }

    /// <summary>Takes a new description of the same node.</summary>
    public void Replace(Node node, int kind)
    {
        Node = node;
        Kind = kind;
        NodeVersion++;
    }

    /// <summary>Gives its kind another number.</summary>
    public void Renumber(int kind) => Kind = kind;

    /// <summary>Counts a pod in; it takes room with the next <see cref="Rebuild"/>.</summary>
    public void Add(Occupant occupant)
    {
        var position = _occupants.Count;
        while (position > 0 && Occupant.Compare(_occupants[position - 1], occupant) > 0)
        {
            position--;
        }

        _occupants.Insert(position, occupant);
    }

    /// <summary>Counts a pod out; it gives its room back with the next <see cref="Rebuild"/>.</summary>
    public void Remove(Occupant occupant) => _occupants.Remove(occupant);

    /// <summary>
    /// Builds all views from the pods that are here. Those whose devices the host knows come first; the others get the
    /// lowest-numbered devices that are left.
    /// </summary>
    public void Rebuild()
    {
        var plane = Now;
        if (ReferenceEquals(plane.Node, Node))
        {
            plane.Reset();
        }
        else
        {
            plane = new NodePlane(Node);
        }

        Now = Later = Brief = Bindable = plane;
        Reservation = null;
        _atReservation = null;
        _kept.Clear();
        foreach (var occupant in _occupants)
        {
            if (occupant.HasKnownDevices)
            {
                plane.Occupy(occupant.Pod.Shape, occupant.Devices, occupant.DeviceOwner, sign: 1);
            }
        }

        foreach (var occupant in _occupants)
        {
            if (!occupant.HasKnownDevices)
            {
                occupant.Devices = GuessDevices(plane, occupant);
                plane.Occupy(occupant.Pod.Shape, occupant.Devices, occupant.DeviceOwner, sign: 1);
            }
        }

        foreach (var occupant in _occupants)
        {
            if (occupant.IsGoing)
            {
                Part();
                Later.Occupy(occupant.Pod.Shape, occupant.Devices, occupant.DeviceOwner, sign: -1);
            }
        }

        Refresh();
        IsPristine = _occupants.Count == 0;
    }

    /// <summary>Takes room now and later.</summary>
    /// <param name="shape">Of the pod.</param>
    /// <param name="devices">Which it gets.</param>
    /// <param name="owner">What it marks them with.</param>
    /// <param name="sign">1 to take, -1 to give back.</param>
    /// <param name="isBrief">Whether it will have made way when the reservation begins.</param>
    public void Occupy(PodShape shape, ImmutableArray<int> devices, int owner, int sign, bool isBrief = false)
    {
        Now.Occupy(shape, devices, owner, sign);
        if (IsParted)
        {
            Later.Occupy(shape, devices, owner, sign);
        }

        if (!isBrief)
        {
            _atReservation?.Occupy(shape, devices, owner, sign);
        }

        Refresh();
    }

    /// <summary>A pod that is here leaves (sign -1), or stays after all (sign 1).</summary>
    public void OccupyLater(Occupant occupant, int sign)
    {
        Part();
        Later.Occupy(occupant.Pod.Shape, occupant.Devices, occupant.DeviceOwner, sign);
        if (sign > 0)
        {
            _atReservation?.Occupy(occupant.Pod.Shape, occupant.Devices, occupant.DeviceOwner, sign);
        }

        Refresh();
    }

    /// <summary>Keeps room in the later view for a waiting pod.</summary>
    public void Keep(KeptRoom room)
    {
        Part();
        _kept.Add(room);
        room.Occupy(Later, sign: 1);
        if (_atReservation is { } atReservation)
        {
            room.Occupy(atReservation, sign: 1);
        }

        Refresh();
    }

    /// <summary>Keeps it no longer.</summary>
    public void Release(KeptRoom room)
    {
        Part();
        _kept.Remove(room);
        room.Occupy(Later, sign: -1);
        Refresh();
    }

    /// <summary>
    /// The earliest moment from which on a pod fits, for good: when somebody has left, and beside all room that is kept, also from
    /// later on. Null if it does not even fit once everybody has left.
    /// </summary>
    /// <param name="fits">Asked about a view of the node.</param>
    public DateTimeOffset? EarliestRoom(Func<NodePlane, bool> fits)
    {
        var moments = _occupants.Where(occupant => occupant.IsGoing).Select(occupant => occupant.LeavesAt).Append(DateTimeOffset.MinValue)
            .Distinct().Order().ToArray();
        foreach (var moment in moments[..^1])
        {
            if (fits(From(moment)))
            {
                return moment;
            }
        }

        return fits(Later) ? moments[^1] : null;
    }

    /// <summary>What is free from a moment on for good.</summary>
    public NodePlane From(DateTimeOffset moment)
    {
        var plane = NodePlane.Intersect(At(moment), Later);
        foreach (var room in _kept.Where(room => room.From > moment))
        {
            plane = NodePlane.Intersect(plane, At(room.From));
        }

        return plane;
    }

    /// <summary>Puts a reservation on the node.</summary>
    /// <param name="reservation">Whose, and from when on.</param>
    /// <param name="atStart">What will be free when it begins, with its pods in place.</param>
    public void Reserve(TimedReservation reservation, NodePlane atStart)
    {
        Reservation = reservation;
        _atReservation = atStart;
        Refresh();
    }

    /// <summary>Takes the reservation off the node.</summary>
    public void CancelReservation()
    {
        Reservation = null;
        _atReservation = null;
        Refresh();
    }

    private void Part()
    {
        if (!IsParted)
        {
            Later = Now.Clone();
        }
    }

    private void Refresh()
    {
        Version++;
        IsPristine = false;
        Brief = IsParted ? NodePlane.Intersect(Now, Later) : Now;
        foreach (var moment in Milestones())
        {
            Brief = NodePlane.Intersect(Brief, At(moment));
        }

        Bindable = _atReservation is null ? Brief : NodePlane.Intersect(Brief, _atReservation);
    }

    /// <summary>
    /// When room is to be ready although others leave later still: who takes what is free until then must not count on those.
    /// </summary>
    private IEnumerable<DateTimeOffset> Milestones() => _kept.Count == 0 ? [] : _kept.Select(room => room.From).Distinct()
        .Where(moment => _occupants.Exists(occupant => occupant.IsGoing && occupant.LeavesAt > moment));

    /// <summary>What is free at a moment: those are gone who have left by then, and room is taken that is kept from then on.</summary>
    private NodePlane At(DateTimeOffset moment)
    {
        var plane = Now.Clone();
        foreach (var occupant in _occupants)
        {
            if (occupant.IsGoing && occupant.LeavesAt <= moment)
            {
                plane.Occupy(occupant.Pod.Shape, occupant.Devices, occupant.DeviceOwner, sign: -1);
            }
        }

        foreach (var room in _kept)
        {
            if (room.From <= moment)
            {
                room.Occupy(plane, sign: 1);
            }
        }

        return plane;
    }

    /// <summary>
    /// Devices for a pod that names none, or one that the node does not show any more: those that it names and are there, and
    /// others that are free.
    /// </summary>
    private static ImmutableArray<int> GuessDevices(NodePlane plane, Occupant occupant)
    {
        var shape = occupant.Pod.Shape;
        var free = plane.DeviceFree.ToArray();
        int[] named = [.. occupant.Pod.Placement!.Devices.Where(device => device >= 0 && device < free.Length).Distinct()];
        if (named.Length == 0)
        {
            var devices = DeviceAllocator.Choose(plane, new PlacementRequest(shape, Node.NoLabels, occupant.DeviceOwner));
            if (!devices.IsDefault)
            {
                return devices;
            }
        }

        int[] others = [.. Enumerable.Range(0, free.Length).Where(device => free[device] >= shape.Gpu.MilliEach && !named.Contains(device))];
        if (named.Length > 0 && named.Length + others.Length >= shape.Gpu.Count)
        {
            return [.. named.Concat(others).Take(shape.Gpu.Count).Order()];
        }

        // More is in use than the devices explain, and nobody knows which ones are lost: all are charged, so that nothing more is
        // placed there, not even where somebody leaves, until it is explained.
        return [.. Enumerable.Range(0, free.Length)];
    }
}
