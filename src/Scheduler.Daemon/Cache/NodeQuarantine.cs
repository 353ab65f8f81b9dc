using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Daemon.Cache;

/// <summary>What of a node gets no new work.</summary>
/// <param name="IsWhole">The node as a whole.</param>
/// <param name="Devices">Numbers of devices, ascending.</param>
/// <param name="MigInstances">How many instances of each MIG profile are on those devices, by profile.</param>
internal sealed record NodeQuarantine(bool IsWhole, ImmutableArray<int> Devices, ImmutableArray<MigCapacity> MigInstances)
{
    public static readonly NodeQuarantine None = new(false, [], []);

    public bool IsNone => !IsWhole && Devices.IsEmpty;

    public bool Equals(NodeQuarantine? other) => other is not null && IsWhole == other.IsWhole
        && Devices.SequenceEqual(other.Devices) && MigInstances.SequenceEqual(other.MigInstances);

    public override int GetHashCode() => HashCode.Combine(IsWhole, Devices.Length, MigInstances.Length);

    /// <summary>The node as it may be planned with.</summary>
    public Node ApplyTo(Node node)
    {
        if (IsNone)
            return node;
        return node with
        {
            IsQuarantined = IsWhole,
            Devices = [.. node.Devices.Select(device => Devices.Contains(device.Index) ? device with { Health = DeviceHealth.Quarantined } : device)],
            MigCapacities = [.. node.MigCapacities.Select(capacity => capacity with { Count = Math.Max(0, capacity.Count - Sick(capacity.Profile)) })],
        };
    }

    private int Sick(string profile) => MigInstances.FirstOrDefault(instances => instances.Profile == profile).Count;
}
