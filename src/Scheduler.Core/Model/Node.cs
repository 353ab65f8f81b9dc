using System.Collections.Immutable;

namespace Scheduler.Core.Model;

/// <summary>Whether a device may get new work.</summary>
public enum DeviceHealth
{
    /// <summary>May get work.</summary>
    Healthy,

    /// <summary>Gets no new work, and its capacity counts for nothing.</summary>
    Quarantined,
}

/// <summary>One GPU of a node.</summary>
/// <param name="Index">Number of the device on its node, from 0 without gaps.</param>
/// <param name="Health">Whether it may get work.</param>
public readonly record struct GpuDevice(int Index, DeviceHealth Health = DeviceHealth.Healthy);

/// <summary>Instances of one MIG profile that a node offers.</summary>
/// <param name="Profile">The profile, such as <c>1g.5gb</c>.</param>
/// <param name="Count">How many instances, in all.</param>
public readonly record struct MigCapacity(string Profile, int Count);

/// <summary>A node as the planner sees it: what it offers, and to whom.</summary>
public sealed record Node
{
    /// <summary>No labels.</summary>
    public static readonly ImmutableSortedDictionary<string, string> NoLabels =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    /// <summary>The node's name.</summary>
    public required NodeName Name { get; init; }

    /// <summary>CPU, memory and local storage that pods may use.</summary>
    public required ResourceVector Allocatable { get; init; }

    /// <summary>The most pods that the node runs.</summary>
    public required int MaxPods { get; init; }

    /// <summary>Whole GPUs, by index from 0. Empty on a node without GPUs or with MIG instances only.</summary>
    public ImmutableArray<GpuDevice> Devices { get; init; } = [];

    /// <summary>MIG instances, sorted by profile.</summary>
    public ImmutableArray<MigCapacity> MigCapacities { get; init; } = [];

    /// <summary>The quota unit that all GPUs of this node count as. Meaningless without GPUs.</summary>
    public FlavorId Flavor { get; init; } = FlavorId.Unlabelled;

    /// <summary>Other extended resources, sorted by name.</summary>
    public ImmutableArray<ScalarResource> Scalars { get; init; } = [];

    /// <summary>Labels.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; init; } = NoLabels;

    /// <summary>Taints.</summary>
    public ImmutableArray<Taint> Taints { get; init; } = [];

    /// <summary>Whether the kubelet reports Ready.</summary>
    public bool IsReady { get; init; } = true;

    /// <summary>Whether the node is cordoned.</summary>
    public bool IsCordoned { get; init; }

    /// <summary>Whether the node as a whole is out of service for its health.</summary>
    public bool IsQuarantined { get; init; }

    /// <summary>
    /// CPU, memory and storage used by pods that are in no workload of the snapshot: those of other schedulers that
    /// ask for no GPU, such as daemons.
    /// </summary>
    public ResourceVector UsedByOthers { get; init; }

    /// <summary>Pods behind <see cref="UsedByOthers"/>.</summary>
    public int PodsOfOthers { get; init; }

    /// <summary>Extended resources behind <see cref="UsedByOthers"/>, sorted by name.</summary>
    public ImmutableArray<ScalarResource> ScalarsUsedByOthers { get; init; } = [];

    /// <summary>The pods behind <see cref="UsedByOthers"/>, by id: they count for affinity, spread, ports and volumes.</summary>
    public ImmutableArray<OtherPod> Others { get; init; } = [];

    /// <summary>How many volumes it takes, sorted by driver; a driver that is not named sets no limit.</summary>
    public ImmutableArray<AttachLimit> AttachLimits { get; init; } = [];

    /// <summary>Whether new pods may go there at all.</summary>
    public bool IsSchedulable => IsReady && !IsCordoned && !IsQuarantined;

    /// <summary>Whether the node has GPUs in any form.</summary>
    public bool HasGpus => !Devices.IsEmpty || !MigCapacities.IsEmpty;

    /// <summary>GPUs that count as capacity, in milli-GPU: healthy devices and MIG instances of a schedulable node.</summary>
    public long HealthyMilliGpu
    {
        get
        {
            if (!IsSchedulable)
            {
                return 0;
            }

            var milli = 0L;
            foreach (var device in Devices)
            {
                milli += device.Health == DeviceHealth.Healthy ? GpuRequest.MilliPerDevice : 0;
            }

            return milli + MigMilliGpu;
        }
    }

    /// <summary>All GPUs of the node in milli-GPU, whatever their health.</summary>
    public long InstalledMilliGpu => ((long)Devices.Length * GpuRequest.MilliPerDevice) + MigMilliGpu;

    private long MigMilliGpu
    {
        get
        {
            var milli = 0L;
            foreach (var capacity in MigCapacities)
            {
                milli += GpuRequest.TryMigMilliGpu(capacity.Profile, out var each) ? (long)each * capacity.Count : 0;
            }

            return milli;
        }
    }
}
