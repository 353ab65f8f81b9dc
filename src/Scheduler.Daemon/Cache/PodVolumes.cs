using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Daemon.Cache;

/// <summary>What the volumes of a pod ask of a node.</summary>
internal sealed record PodVolumes
{
    /// <summary>A pod without volumes that anybody has to care about.</summary>
    public static readonly PodVolumes None = new();

    /// <summary>Node affinity of each volume.</summary>
    public ImmutableArray<ImmutableArray<NodeSelectorTerm>> Terms { get; init; } = [];

    /// <summary>Volumes that are attached with the pod.</summary>
    public ImmutableArray<AttachedVolume> Attached { get; init; } = [];

    /// <summary>Claims that are bound once the pod has a node.</summary>
    public ImmutableArray<string> Unbound { get; init; } = [];

    /// <summary>Why the pod cannot start yet, as a sentence; null if nothing stands in the way.</summary>
    public string? Pending { get; init; }

    /// <summary>The shape with all that.</summary>
    public PodShape AddTo(PodShape shape) => Terms.IsEmpty && Attached.IsEmpty
        ? shape
        : shape.WithVolumeTerms(Terms).With(PodRules.WithVolumes(shape.Rules, Attached));
}
