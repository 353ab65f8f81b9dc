using System.Collections.Immutable;

namespace Scheduler.Core.Model;

/// <summary>Which pods, or which namespaces, by their labels: all requirements must hold. Without any, all are selected.</summary>
/// <param name="Requirements">With the operators In, NotIn, Exists and DoesNotExist.</param>
/// <param name="SelectsNothing">True where the API says nothing at all, which selects nothing.</param>
public sealed record PodSelector(ImmutableArray<SelectorRequirement> Requirements, bool SelectsNothing = false)
{
    /// <summary>Selects nothing.</summary>
    public static readonly PodSelector Nothing = new([], SelectsNothing: true);

    /// <summary>Selects everything.</summary>
    public static readonly PodSelector Everything = new([]);

    /// <summary>Selects what carries a label.</summary>
    public static PodSelector ByLabel(string key, params ReadOnlySpan<string> values) =>
        new([new SelectorRequirement(key, SelectorOperator.In, [.. values])]);

    /// <summary>Whether the labels meet every requirement.</summary>
    public bool Matches(LabelSet labels)
    {
        if (SelectsNothing)
        {
            return false;
        }

        foreach (var requirement in Requirements)
        {
            if (!requirement.Matches(labels.Find(requirement.Key)))
            {
                return false;
            }
        }

        return true;
    }

    internal void AppendTo(KeyBuilder key)
    {
        key.Add(SelectsNothing ? 1 : 0).Add(Requirements.Length);
        foreach (var requirement in Requirements)
        {
            requirement.AppendTo(key);
        }
    }
}
