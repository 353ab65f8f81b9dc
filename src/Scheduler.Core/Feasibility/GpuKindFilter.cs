using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Core.Feasibility;

/// <summary>The node has the kind of GPU that is asked for, in the number asked for, whatever is in use.</summary>
internal sealed class GpuKindFilter : INodeFilter
{
    public FilterName Name => FilterName.GpuKind;

    public bool IsStatic => true;

    public bool Passes(NodePlane node, PlacementRequest request) => Has(node.Node, request.Shape.Gpu);

    /// <summary>Whether a node has what is asked for, were all of it free.</summary>
    public static bool Has(Node node, GpuRequest gpu) => gpu.Kind switch
    {
        GpuRequestKind.Whole or GpuRequestKind.Fraction => node.Devices.Length >= gpu.Count,
        GpuRequestKind.Mig => HasMig(node, gpu),
        _ => true,
    };

    private static bool HasMig(Node node, GpuRequest gpu)
    {
        foreach (var capacity in node.MigCapacities)
        {
            if (string.Equals(capacity.Profile, gpu.MigProfile, StringComparison.Ordinal))
            {
                return capacity.Count >= gpu.Count;
            }
        }

        return false;
    }
}
