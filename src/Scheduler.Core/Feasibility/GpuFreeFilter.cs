using Scheduler.Core.Planning;

namespace Scheduler.Core.Feasibility;

/// <summary>Healthy GPU is free in the pieces asked for.</summary>
internal sealed class GpuFreeFilter : INodeFilter
{
    public FilterName Name => FilterName.GpuFree;

    public bool IsStatic => false;

    public bool Passes(NodePlane node, PlacementRequest request) => DeviceAllocator.Fits(node, request);
}
