using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>
/// What filters and scorers are asked about: a shape, and what its tenant adds to it. Pods with equal requests can run on
/// exactly the same nodes.
/// </summary>
/// <param name="Shape">What the pod asks for.</param>
/// <param name="NodePool">Labels that the tenant's nodes carry.</param>
/// <param name="DeviceOwner">
/// For a fraction, what it marks its device with: the tenant's index, or <see cref="NodePlane.SharedOwner"/>.
/// <see cref="NodePlane.NoOwner"/> for everything else.
/// </param>
internal sealed record PlacementRequest(PodShape Shape, ImmutableSortedDictionary<string, string> NodePool, int DeviceOwner)
{
    /// <summary>Labels of nodes that may be used besides those of the pool; empty: there are none.</summary>
    public ImmutableSortedDictionary<string, string> BurstNodes { get; init; } = Node.NoLabels;

    /// <summary>Whether a fraction may join what is on the device already.</summary>
    public bool MayJoin(int deviceOwner) => deviceOwner == NodePlane.NoOwner || deviceOwner == DeviceOwner;
}
