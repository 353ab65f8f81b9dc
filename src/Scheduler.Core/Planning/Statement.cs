using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>
/// A what-if on a session: placements, victims and kept room that are either all left in effect or undone, newest first.
/// </summary>
internal sealed class Statement(Session session)
{
    private readonly List<Step> _steps = [];

    private enum Kind
    {
        Place,
        Keep,
        Vacate,
    }

    /// <summary>Number of steps so far; a checkpoint for <see cref="RollBackTo"/>.</summary>
    public int Count => _steps.Count;

    /// <summary>Places a pod on a node that its request fits now, and books its GPUs on the tenant.</summary>
    public PodBinding Place(Pod pod, NodeState node, NodePlane view, PlacementRequest request, TenantNode tenant)
    {
        var devices = Choose(pod, view, request);
        session.Occupy(node, pod.Shape, devices, request.DeviceOwner, sign: 1);
        Book(pod, node, tenant, sign: 1);
        _steps.Add(new Step(Kind.Place, pod, node, devices, request.DeviceOwner, tenant));
        return new PodBinding(pod.Id, node.Node.Name, devices);
    }

    /// <summary>Keeps room for a waiting pod in the later view, and books it, so that nobody else plans with it.</summary>
    public PodBinding Keep(Pod pod, NodeState node, PlacementRequest request, TenantNode tenant) =>
        Keep(pod, node, Choose(pod, node.Later, request), request, tenant);

    /// <summary>As the other, with the devices given.</summary>
    public PodBinding Keep(
        Pod pod, NodeState node, ImmutableArray<int> devices, PlacementRequest request, TenantNode tenant)
    {
        session.OccupyLater(node, pod.Shape, devices, request.DeviceOwner, sign: 1);
        Book(pod, node, tenant, sign: 1);
        _steps.Add(new Step(Kind.Keep, pod, node, devices, request.DeviceOwner, tenant));
        return new PodBinding(pod.Id, node.Node.Name, devices);
    }

    /// <summary>Lets a running pod leave in the later view. Its usage stays booked until it is gone.</summary>
    public void Vacate(NodeState node, in Occupant occupant)
    {
        var owner = Session.OwnerFor(occupant.Owner.Tenant);
        session.OccupyLater(node, occupant.Pod.Shape, occupant.Devices, owner, sign: -1);
        _steps.Add(new Step(Kind.Vacate, occupant.Pod, node, occupant.Devices, owner, null));
    }

    /// <summary>Undoes the newest steps until only <paramref name="count"/> are left.</summary>
    public void RollBackTo(int count)
    {
        while (_steps.Count > count)
        {
            var step = _steps[^1];
            _steps.RemoveAt(_steps.Count - 1);
            switch (step.Kind)
            {
                case Kind.Place:
                    session.Occupy(step.Node, step.Pod.Shape, step.Devices, step.Owner, sign: -1);
                    break;
                case Kind.Keep:
                    session.OccupyLater(step.Node, step.Pod.Shape, step.Devices, step.Owner, sign: -1);
                    break;
                default:
                    session.OccupyLater(step.Node, step.Pod.Shape, step.Devices, step.Owner, sign: 1);
                    break;
            }

            if (step.Tenant is { } tenant)
            {
                Book(step.Pod, step.Node, tenant, sign: -1);
            }
        }
    }

    private static ImmutableArray<int> Choose(Pod pod, NodePlane view, PlacementRequest request)
    {
        var devices = DeviceAllocator.Choose(view, request);
        return devices.IsDefault
            ? throw new InvalidOperationException($"pod {pod.Id} does not fit on node {view.Node.Name}")
            : devices;
    }

    private void Book(Pod pod, NodeState node, TenantNode tenant, int sign)
    {
        if (pod.Shape.Gpu.IsAny)
        {
            session.Ledger.Book(tenant.Index, node.Flavor, sign * pod.Shape.Gpu.MilliGpu);
        }
    }

    private readonly record struct Step(
        Kind Kind, Pod Pod, NodeState Node, ImmutableArray<int> Devices, int Owner, TenantNode? Tenant);
}
