using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>Room on a node that is kept for a waiting pod.</summary>
/// <param name="shape">Of the pod.</param>
/// <param name="devices">Which it gets.</param>
/// <param name="owner">What it marks them with.</param>
/// <param name="from">When those will have left who are in it; the beginning of time if nobody is.</param>
internal sealed class KeptRoom(PodShape shape, ImmutableArray<int> devices, int owner, DateTimeOffset from)
{
    /// <summary>When those will have left who are in it.</summary>
    public DateTimeOffset From { get; } = from;

    /// <summary>Its devices, ascending.</summary>
    public ImmutableArray<int> Devices { get; } = devices;

    /// <summary>What its fractions mark their devices with.</summary>
    public int Owner { get; } = owner;

    /// <summary>Takes the room (sign 1) or gives it back (sign -1).</summary>
    public void Occupy(NodePlane plane, int sign) => plane.Occupy(shape, Devices, Owner, sign);
}
