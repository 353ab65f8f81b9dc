using System.Collections.Immutable;

namespace Scheduler.Core.Model;

/// <summary>Labels of a pod or a namespace, sorted by key and compared by content. Immutable.</summary>
public sealed class LabelSet : IEquatable<LabelSet>
{
    /// <summary>No labels.</summary>
    public static readonly LabelSet Empty = new([]);

    private readonly ImmutableArray<KeyValuePair<string, string>> _labels;
    private readonly int _hashCode;

    private LabelSet(ImmutableArray<KeyValuePair<string, string>> labels)
    {
        _labels = labels;
        foreach (var (key, value) in labels)
        {
            _hashCode = (((_hashCode * 31) + StringComparer.Ordinal.GetHashCode(key)) * 31) + StringComparer.Ordinal.GetHashCode(value);
        }
    }

    /// <summary>The labels, sorted by key.</summary>
    public ImmutableArray<KeyValuePair<string, string>> Labels => _labels;

    /// <summary>Makes a set of pairs in any order.</summary>
    public static LabelSet Of(IEnumerable<KeyValuePair<string, string>>? labels)
    {
        ImmutableArray<KeyValuePair<string, string>> sorted = [.. (labels ?? []).OrderBy(label => label.Key, StringComparer.Ordinal)];
        return sorted.IsEmpty ? Empty : new LabelSet(sorted);
    }

    /// <summary>The value of a label, or null.</summary>
    public string? Find(string key)
    {
        foreach (var (name, value) in _labels)
        {
            if (string.Equals(name, key, StringComparison.Ordinal))
            {
                return value;
            }
        }

        return null;
    }

    /// <summary>The labels of certain keys.</summary>
    public LabelSet Only(IReadOnlySet<string> keys) => Of(_labels.Where(label => keys.Contains(label.Key)));

    /// <inheritdoc />
    public bool Equals(LabelSet? other) => other is not null
        && (ReferenceEquals(this, other) || (_hashCode == other._hashCode && _labels.AsSpan().SequenceEqual(other._labels.AsSpan())));

    /// <inheritdoc />
    public override bool Equals(object? obj) => Equals(obj as LabelSet);

    /// <summary>For use in dictionaries only; never enters an order.</summary>
    public override int GetHashCode() => _hashCode;

    internal void AppendTo(KeyBuilder key)
    {
        key.Add(_labels.Length);
        foreach (var (name, value) in _labels)
        {
            key.Add(name).Add(value);
        }
    }
}
