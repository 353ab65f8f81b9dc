using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning.Neighbours;

/// <summary>What a class of pods asks about the pods beside it, with the counts that answer it.</summary>
internal sealed class NeighbourRules
{
    /// <summary>The rules of the pods themselves; null if only those of others concern them.</summary>
    public required PodRules? Own { get; init; }

    /// <summary>Pods that all affinity terms select, by each term's topology.</summary>
    public required ImmutableArray<NeighbourCount> Affinity { get; init; }

    /// <summary>Whether the pods select each other by all affinity terms: then the first of them needs no other.</summary>
    public required bool IsOwnCompany { get; init; }

    /// <summary>Pods that must not be near.</summary>
    public required ImmutableArray<NeighbourCount> AntiAffinity { get; init; }

    /// <summary>Pods that do not want these near.</summary>
    public required ImmutableArray<NeighbourCount> Excluders { get; init; }

    /// <summary>Required spread.</summary>
    public required ImmutableArray<(NeighbourCount Count, SpreadConstraint Constraint, int Self)> Spread { get; init; }

    /// <summary>Wishes about pods near, with their weight.</summary>
    public required ImmutableArray<(NeighbourCount Count, int Weight)> Preferred { get; init; }

    /// <summary>Wishes about spread.</summary>
    public required ImmutableArray<NeighbourCount> SpreadWishes { get; init; }

    /// <summary>Ports of a node that are taken; null if the pods ask for none.</summary>
    public required NodePorts? Ports { get; init; }

    /// <summary>Volumes of a node; null if the pods ask for none.</summary>
    public required NodeVolumes? Volumes { get; init; }
}
