using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Feasibility;

/// <summary>The node has the kind of GPU that is asked for, in the number asked for, whatever is in use.</summary>
internal sealed class GpuKindFilter : INodeFilter
{
    public FilterName Name => FilterName.GpuKind;

    public bool IsStatic => true;

    public bool Passes(NodePlane node, PlacementRequest request) => request.Shape.Gpu.Kind switch
    {
        GpuRequestKind.Whole or GpuRequestKind.Fraction => node.Node.Devices.Length >= request.Shape.Gpu.Count,
        GpuRequestKind.Mig => node.IndexOfMig(request.Shape.Gpu.MigProfile!) is >= 0 and var mig
            && node.Node.MigCapacities[mig].Count >= request.Shape.Gpu.Count,
        _ => true,
    };
}
