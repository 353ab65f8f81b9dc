using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>
/// A what-if on a session: placements that are either kept or undone, all together.
/// </summary>
internal sealed class Statement(Session session)
{
    private readonly List<Step> _steps = [];

    /// <summary>Number of placements so far; a checkpoint for <see cref="RollBackTo"/>.</summary>
    public int Count => _steps.Count;

    /// <summary>Places a pod on a node that its request fits, and books its GPUs on the tenant.</summary>
    public void Place(Pod pod, NodeState node, PlacementRequest request, TenantNode tenant, bool isGuaranteed)
    {
        var devices = DeviceAllocator.Choose(node, request);
        if (devices.IsDefault)
        {
            throw new InvalidOperationException($"pod {pod.Id} does not fit on node {node.Node.Name}");
        }

        var ownerBefore = devices.IsEmpty ? NodeState.NoOwner : node.DeviceOwner[devices[0]];
        session.Occupy(node, pod.Shape, devices, request.DeviceOwner, sign: 1);
        Book(pod, node, tenant, isGuaranteed, sign: 1);
        _steps.Add(new Step(pod, node, devices, tenant, isGuaranteed, ownerBefore));
    }

    /// <summary>Undoes the newest placements until only <paramref name="count"/> are left.</summary>
    public void RollBackTo(int count)
    {
        while (_steps.Count > count)
        {
            var step = _steps[^1];
            _steps.RemoveAt(_steps.Count - 1);
            session.Occupy(step.Node, step.Pod.Shape, step.Devices, step.OwnerBefore, sign: -1);
            Book(step.Pod, step.Node, step.Tenant, step.IsGuaranteed, sign: -1);
        }
    }

    /// <summary>The placements as bindings, sorted by pod.</summary>
    public ImmutableArray<PodBinding> ToBindings() =>
    [
        .. _steps
            .OrderBy(step => step.Pod.Id)
            .Select(step => new PodBinding(step.Pod.Id, step.Node.Node.Name, step.Devices)),
    ];

    private void Book(Pod pod, NodeState node, TenantNode tenant, bool isGuaranteed, int sign)
    {
        if (pod.Shape.Gpu.IsAny)
        {
            session.Ledger.Book(tenant.Index, node.Flavor, sign * pod.Shape.Gpu.MilliGpu, isGuaranteed);
        }
    }

    private readonly record struct Step(
        Pod Pod, NodeState Node, ImmutableArray<int> Devices, TenantNode Tenant, bool IsGuaranteed, int OwnerBefore);
}
