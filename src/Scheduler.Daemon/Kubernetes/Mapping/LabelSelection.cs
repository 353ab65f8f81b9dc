using Scheduler.Core.Model;
using Scheduler.Daemon.Kubernetes.Wire;
using SelectorRequirement = Scheduler.Daemon.Kubernetes.Wire.SelectorRequirement;

namespace Scheduler.Daemon.Kubernetes.Mapping;

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
