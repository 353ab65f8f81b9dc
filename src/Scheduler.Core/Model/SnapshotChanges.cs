using System.Collections.Immutable;
using Scheduler.Core.Quota;
using Scheduler.Core.Scoring;

namespace Scheduler.Core.Model;

/// <summary>What is other than in the snapshot before. What is not named here stays, down to the object.</summary>
public sealed record SnapshotChanges
{
    /// <summary>Nodes that are new, or that changed.</summary>
    public IReadOnlyCollection<Node> Nodes { get; init; } = [];

    /// <summary>Nodes that are gone. Naming one that was never there does nothing.</summary>
    public IReadOnlyCollection<NodeName> RemovedNodes { get; init; } = [];

    /// <summary>Workloads that are new, or that changed.</summary>
    public IReadOnlyCollection<Workload> Workloads { get; init; } = [];

    /// <summary>Workloads that are gone; one that is named as changed too stays. Naming one that was never there does nothing.</summary>
    public IReadOnlyCollection<WorkloadId> RemovedWorkloads { get; init; } = [];

    /// <summary>The quota tree, if it changed.</summary>
    public TenantTree? Tenants { get; init; }

    /// <summary>The disruption budgets, if any changed.</summary>
    public ImmutableSortedDictionary<string, int>? DisruptionsAllowed { get; init; }

    /// <summary>The mix of shapes, if it changed.</summary>
    public ShapeMix? Mix { get; init; }
}

/// <summary>Merges changes into a sorted array in one pass.</summary>
internal static class SortedMerge
{
    /// <summary>The array with what is new or changed put in, and what is gone left out.</summary>
    public static ImmutableArray<T> Apply<T, TKey>(
        ImmutableArray<T> sorted, IReadOnlyCollection<T> changed, IReadOnlyCollection<TKey> removed, Func<T, TKey> keyOf)
        where TKey : IComparable<TKey>, IEquatable<TKey>
    {
        if (changed.Count == 0 && removed.Count == 0)
        {
            return sorted;
        }

        var news = changed.ToArray();
        Array.Sort(news, (a, b) => keyOf(a).CompareTo(keyOf(b)));
        for (var index = 1; index < news.Length; index++)
        {
            if (keyOf(news[index - 1]).Equals(keyOf(news[index])))
            {
                throw new InvalidOperationException($"{keyOf(news[index])} is there twice");
            }
        }

        var gone = removed.ToHashSet();
        var merged = ImmutableArray.CreateBuilder<T>(sorted.Length + news.Length);
        var next = 0;
        foreach (var item in sorted)
        {
            var key = keyOf(item);
            for (; next < news.Length && keyOf(news[next]).CompareTo(key) < 0; next++)
            {
                merged.Add(news[next]);
            }

            if (next < news.Length && keyOf(news[next]).Equals(key))
            {
                merged.Add(news[next++]);
            }
            else if (gone.Count == 0 || !gone.Contains(key))
            {
                merged.Add(item);
            }
        }

        for (; next < news.Length; next++)
        {
            merged.Add(news[next]);
        }

        return merged.DrainToImmutable();
    }
}
