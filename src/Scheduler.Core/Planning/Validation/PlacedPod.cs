using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning.Validation;

/// <summary>A pod that holds room, and what the plan does about it.</summary>
internal sealed class PlacedPod(Pod pod, int workload, int node, int owner)
{
    public Pod Pod { get; } = pod;

    /// <summary>Position of its workload in the snapshot.</summary>
    public int Workload { get; } = workload;

    /// <summary>Position of its node in the snapshot.</summary>
    public int Node { get; } = node;

    /// <summary>What its fractions mark devices with.</summary>
    public int Owner { get; } = owner;

    /// <summary>Whether it was on its way already and the plan lets it go.</summary>
    public bool IsGoing { get; set; }

    /// <summary>Whether the plan takes its notice back.</summary>
    public bool IsWithdrawn { get; set; }

    /// <summary>The eviction that the plan asks for; null if none.</summary>
    public Evict? Eviction { get; set; }

    /// <summary>Whether its workload would go on without it.</summary>
    public bool IsSurplus { get; set; }

    /// <summary>On which side of its tenant's guarantee it certainly is; unknown until somebody asks.</summary>
    public SureStanding Standing { get; set; } = SureStanding.Unknown;
}

/// <summary>A pod that the plan puts somewhere, or keeps room for.</summary>
internal readonly record struct PlannedPod(Pod Pod, int Workload, int Node, ImmutableArray<int> Devices, int Owner);
