using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>
/// A node during a cycle, in views that are one and the same object as long as nothing is leaving and nothing is kept
/// for anybody:
/// <code>
///   Now       what is free at this moment
///   Later     what will be free once everything that leaves is gone, less what is kept for waiting workloads
///   Brief     free in both: for whoever is gone before the reservation begins, or can be sent away then
///   Bindable  free in both, and still beside the reservation on the node, if there is one: for everybody
/// </code>
/// Changed by <see cref="Session"/> only, which notes every change: a changed node is built anew for the next cycle.
/// </summary>
internal sealed class NodeState
{
    private readonly List<Occupant> _occupants = [];
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

    /// <summary>What is free in both.</summary>
    public NodePlane Brief { get; private set; }

    /// <summary>What is free in both, and beside the reservation.</summary>
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

    /// <summary>Takes room in the later view only (sign 1: kept for somebody), or gives it back there (sign -1: leaves).</summary>
    public void OccupyLater(PodShape shape, ImmutableArray<int> devices, int owner, int sign)
    {
        Part();
        Later.Occupy(shape, devices, owner, sign);
        if (sign > 0)
        {
            _atReservation?.Occupy(shape, devices, owner, sign);
        }

        Refresh();
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
        Bindable = _atReservation is null ? Brief : NodePlane.Intersect(Brief, _atReservation);
    }

    private static ImmutableArray<int> GuessDevices(NodePlane plane, Occupant occupant)
    {
        var shape = occupant.Pod.Shape;
        var devices = DeviceAllocator.Choose(plane, new PlacementRequest(shape, Node.NoLabels, occupant.DeviceOwner));
        if (!devices.IsDefault)
        {
            return devices;
        }

        // More is in use than healthy devices explain: charge the emptiest ones, so that nothing more is placed there.
        var free = plane.DeviceFree.ToArray();
        return
        [
            .. Enumerable.Range(0, free.Length)
                .OrderByDescending(device => free[device]).ThenBy(device => device)
                .Take(shape.Gpu.Count).Order(),
        ];
    }
}
