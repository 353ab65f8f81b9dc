using Scheduler.Core.Model;
using Scheduler.Daemon.Kubernetes.Wire;

namespace Scheduler.Daemon.Kubernetes.Mapping;

/// <summary>A node as the API shows it, and what Weir has written on it.</summary>
/// <param name="Node">The node as its kubelet declares it.</param>
/// <param name="Uid">Its UID.</param>
/// <param name="Health">The annotation with the health of its GPUs; null if there is none.</param>
internal sealed record NodeRecord(Node Node, string Uid, string? Health)
{
    public static NodeRecord Map(NodeObject node, string flavorLabel) => new(
        NodeMapping.Map(node, flavorLabel), node.Metadata.Uid ?? "", node.Metadata.Annotations?.GetValueOrDefault(Annotations.GpuHealth));
}
