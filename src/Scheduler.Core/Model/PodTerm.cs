using System.Collections.Immutable;

namespace Scheduler.Core.Model;

/// <summary>
/// Other pods, and what counts as near them: one term of an affinity or anti-affinity between pods. Equality is by
/// <see cref="Key"/>.
/// </summary>
public sealed class PodTerm : IEquatable<PodTerm>
{
    /// <param name="topologyKey">Label of nodes; equal values are near each other.</param>
    /// <param name="selector">Which pods.</param>
    /// <param name="namespaces">In these namespaces.</param>
    /// <param name="namespaceSelector">And in namespaces with these labels; null adds none.</param>
    public PodTerm(string topologyKey, PodSelector selector, IEnumerable<string> namespaces, PodSelector? namespaceSelector = null)
    {
        ArgumentNullException.ThrowIfNull(selector);
        TopologyKey = topologyKey;
        Selector = selector;
        Namespaces = [.. namespaces.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        NamespaceSelector = namespaceSelector;
        var key = new KeyBuilder().Add(topologyKey).Add(Namespaces.Length);
        foreach (var name in Namespaces)
        {
            key.Add(name);
        }

        selector.AppendTo(key);
        key.Add(namespaceSelector is null ? 0 : 1);
        namespaceSelector?.AppendTo(key);
        Key = key.ToString();
    }

    /// <summary>Label of nodes; equal values are near each other.</summary>
    public string TopologyKey { get; }

    /// <summary>Which pods.</summary>
    public PodSelector Selector { get; }

    /// <summary>Their namespaces by name, sorted.</summary>
    public ImmutableArray<string> Namespaces { get; }

    /// <summary>Their namespaces by label; null: no further ones.</summary>
    public PodSelector? NamespaceSelector { get; }

    /// <summary>Canonical text: equal terms have equal keys, in every process.</summary>
    public string Key { get; }

    /// <summary>Whether a pod is one of those meant.</summary>
    /// <param name="namespace">Its namespace.</param>
    /// <param name="labels">Its labels.</param>
    /// <param name="namespaceLabels">Labels of all namespaces; one that is not named has none.</param>
    public bool Matches(string @namespace, LabelSet labels, ImmutableSortedDictionary<string, LabelSet> namespaceLabels) =>
        Selector.Matches(labels)
        && (Namespaces.Contains(@namespace, StringComparer.Ordinal)
            || (NamespaceSelector is not null && NamespaceSelector.Matches(namespaceLabels.GetValueOrDefault(@namespace, LabelSet.Empty))));

    /// <inheritdoc />
    public bool Equals(PodTerm? other) =>
        ReferenceEquals(this, other) || (other is not null && string.Equals(Key, other.Key, StringComparison.Ordinal));

    /// <inheritdoc />
    public override bool Equals(object? obj) => Equals(obj as PodTerm);

    /// <summary>For use in dictionaries only; never enters an order.</summary>
    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(Key);
}

/// <summary>A term that is wished for.</summary>
/// <param name="Weight">From 1 to 100; negative where nearness is to be avoided.</param>
/// <param name="Term">The term.</param>
public sealed record PreferredPodTerm(int Weight, PodTerm Term);

/// <summary>How evenly like pods are to be spread over the values of a label of nodes.</summary>
/// <param name="MaxSkew">The most that a domain may have more than the one with the fewest.</param>
/// <param name="TopologyKey">The label.</param>
/// <param name="Selector">Which pods of the same namespace count.</param>
public sealed record SpreadConstraint(int MaxSkew, string TopologyKey, PodSelector Selector)
{
    /// <summary>True for DoNotSchedule, false for ScheduleAnyway.</summary>
    public bool IsRequired { get; init; } = true;

    /// <summary>With fewer domains than this, the fewest counts as zero.</summary>
    public int MinDomains { get; init; } = 1;

    /// <summary>nodeAffinityPolicy: whether only nodes count that the pod's node selector and affinity accept.</summary>
    public bool HonorsNodeAffinity { get; init; } = true;

    /// <summary>nodeTaintsPolicy: whether only nodes count whose taints the pod tolerates.</summary>
    public bool HonorsTaints { get; init; }

    internal void AppendTo(KeyBuilder key)
    {
        key.Add(MaxSkew).Add(TopologyKey).Add(IsRequired ? 1 : 0).Add(MinDomains).Add(HonorsNodeAffinity ? 1 : 0).Add(HonorsTaints ? 1 : 0);
        Selector.AppendTo(key);
    }
}
