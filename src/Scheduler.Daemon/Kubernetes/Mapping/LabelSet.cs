using System.Collections.Immutable;
using Scheduler.Daemon.Kubernetes.Wire;

namespace Scheduler.Daemon.Kubernetes.Mapping;

/// <summary>Labels of a pod, compared by content. Immutable.</summary>
internal sealed class LabelSet : IEquatable<LabelSet>
{
    public static readonly LabelSet Empty = new([]);

    private readonly ImmutableArray<KeyValuePair<string, string>> _labels;

    private LabelSet(ImmutableArray<KeyValuePair<string, string>> labels) => _labels = labels;

    public static LabelSet Of(Dictionary<string, string>? labels) => labels is not { Count: > 0 }
        ? Empty
        : new LabelSet([.. labels.OrderBy(label => label.Key, StringComparer.Ordinal)]);

    public string? Find(string key)
    {
        foreach (var (name, value) in _labels)
        {
            if (name == key)
                return value;
        }

        return null;
    }

    public bool Equals(LabelSet? other) => other is not null && (ReferenceEquals(this, other) || _labels.SequenceEqual(other._labels));

    public override bool Equals(object? obj) => Equals(obj as LabelSet);

    public override int GetHashCode() => _labels.Length;
}

/// <summary>A label selector of the API. One that is missing selects nothing, an empty one everything.</summary>
internal sealed class LabelSelection : IEquatable<LabelSelection>
{
    private readonly LabelSelector? _selector;
    private readonly string _key;

    public LabelSelection(LabelSelector? selector)
    {
        _selector = selector;
        _key = selector is null ? "-" : string.Join('\n', Parts(selector));
    }

    public bool Selects(LabelSet labels)
    {
        if (_selector is null)
            return false;
        foreach (var (key, value) in _selector.MatchLabels ?? [])
        {
            if (labels.Find(key) != value)
                return false;
        }

        foreach (var requirement in _selector.MatchExpressions ?? [])
        {
            if (!Matches(requirement, labels.Find(requirement.Key ?? "")))
                return false;
        }

        return true;
    }

    public bool Equals(LabelSelection? other) => other is not null && string.Equals(_key, other._key, StringComparison.Ordinal);

    public override bool Equals(object? obj) => Equals(obj as LabelSelection);

    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(_key);

    private static bool Matches(SelectorRequirement requirement, string? value) => requirement.Operator switch
    {
        "In" => value is not null && requirement.Values?.Contains(value) == true,
        "NotIn" => value is null || requirement.Values?.Contains(value) != true,
        "Exists" => value is not null,
        "DoesNotExist" => value is null,
        // The API server lets no other operator in. Covered is the careful answer: a budget is asked about once too often.
        _ => true,
    };

    private static IEnumerable<string> Parts(LabelSelector selector) =>
        (selector.MatchLabels ?? []).OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => $"{label.Key}={label.Value}")
            .Concat((selector.MatchExpressions ?? []).Select(term => $"{term.Key} {term.Operator} {string.Join(',', term.Values ?? [])}"));
}
