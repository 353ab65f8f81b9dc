using System.Collections.Immutable;
using Scheduler.Core.Feasibility;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>Where a waiting pod goes.</summary>
/// <param name="Pod">The pod.</param>
/// <param name="Node">Its node.</param>
/// <param name="Devices">Its devices, ascending.</param>
/// <param name="IsBrief">Whether it will have made way when the node's reservation begins.</param>
/// <param name="From">When those will have left who are in the way; the beginning of time if nobody is.</param>
internal readonly record struct Placement(Pod Pod, NodeState Node, ImmutableArray<int> Devices, bool IsBrief = false, DateTimeOffset From = default);

/// <summary>
/// A what-if on a session: placements, and room kept, that are either left in effect or undone, newest first.
/// </summary>
internal sealed class Statement(Session session)
{
    private readonly List<Step> _steps = [];

    /// <summary>Number of steps so far.</summary>
    public int Count => _steps.Count;

    /// <summary>What was placed or kept so far.</summary>
    public Placement[] Placements
    {
        get
        {
            var placements = new Placement[_steps.Count];
            for (var index = 0; index < placements.Length; index++)
            {
                placements[index] = _steps[index].Placement;
            }

            return placements;
        }
    }

    /// <summary>Starts anew; what was done stays in effect.</summary>
    public void Clear() => _steps.Clear();

    /// <summary>Places a pod on a node that its request fits now, and books its GPUs on the tenant.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="node">The node.</param>
    /// <param name="view">The view that was found to fit.</param>
    /// <param name="request">What was asked.</param>
    /// <param name="applicant">Whose it is, and whose tenant pays.</param>
    /// <param name="isBrief">Whether it will have made way when the node's reservation begins.</param>
    public void Place(Pod pod, NodeState node, NodePlane view, PlacementRequest request, Applicant applicant, bool isBrief = false)
    {
        var devices = Choose(pod, view, request);
        session.Occupy(node, pod.Shape, devices, request.DeviceOwner, sign: 1, isBrief);
        Add(new Step(new Placement(pod, node, devices, isBrief), request.DeviceOwner, applicant, Kept: null));
    }

    /// <summary>
    /// Keeps room for a waiting pod in the later view, and books it, so that nobody else plans with it. It gets devices that are free
    /// as early as possible, if all pods of its core are equal: then none of them can be in another's way.
    /// </summary>
    public void Keep(Pod pod, NodeState node, PlacementRequest request, Applicant applicant)
    {
        var devices = default(ImmutableArray<int>);
        if (applicant.IsUniform
            && node.EarliestRoom(plane => NodeFilters.PassesDynamic(plane, request) && !(devices = DeviceAllocator.Choose(plane, request)).IsDefault) is { } from)
        {
            Add(pod, node, session.Keep(node, pod.Shape, devices, request.DeviceOwner, from), request, applicant);
            return;
        }

        Keep(pod, node, Choose(pod, node.Later, request), request, applicant);
    }

    /// <summary>As the other, with the devices given.</summary>
    public void Keep(Pod pod, NodeState node, ImmutableArray<int> devices, PlacementRequest request, Applicant applicant) =>
        Add(pod, node, session.Keep(node, pod.Shape, devices, request.DeviceOwner), request, applicant);

    /// <summary>Undoes everything.</summary>
    public void RollBack()
    {
        for (var index = _steps.Count - 1; index >= 0; index--)
        {
            var step = _steps[index];
            var (pod, node, devices, isBrief, _) = step.Placement;
            if (step.Kept is { } room)
            {
                session.Release(node, room, pod.Shape);
            }
            else
            {
                session.Occupy(node, pod.Shape, devices, step.Owner, sign: -1, isBrief);
            }

            Book(step, sign: -1);
        }

        _steps.Clear();
    }

    private static ImmutableArray<int> Choose(Pod pod, NodePlane view, PlacementRequest request)
    {
        var devices = DeviceAllocator.Choose(view, request);
        return devices.IsDefault
            ? throw new InvalidOperationException($"pod {pod.Id} does not fit on node {view.Node.Name}")
            : devices;
    }

    private void Add(Pod pod, NodeState node, KeptRoom room, PlacementRequest request, Applicant applicant) =>
        Add(new Step(new Placement(pod, node, room.Devices, From: room.From), request.DeviceOwner, applicant, room));

    private void Add(in Step step)
    {
        _steps.Add(step);
        Book(step, sign: 1);
    }

    private void Book(in Step step, int sign)
    {
        session.Neighbours.Change(step.Applicant.Workload.Namespace, step.Placement.Pod, step.Placement.Node, step.Kept is not null, sign);
        var gpu = step.Placement.Pod.Shape.Gpu;
        if (gpu.IsAny)
        {
            session.Ledger.Book(step.Applicant.Tenant.Index, step.Placement.Node.Flavor, sign * gpu.MilliGpu);
        }
    }

    private readonly record struct Step(Placement Placement, int Owner, Applicant Applicant, KeptRoom? Kept);
}
