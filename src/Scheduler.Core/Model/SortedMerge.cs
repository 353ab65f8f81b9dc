using System.Collections.Immutable;

namespace Scheduler.Core.Model;

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
