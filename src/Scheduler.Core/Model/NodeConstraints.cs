using System.Collections.Immutable;
using System.Globalization;

namespace Scheduler.Core.Model;

/// <summary>Operators of a node selector requirement, as in the Kubernetes API.</summary>
public enum SelectorOperator
{
    /// <summary>The value is one of those listed.</summary>
    In,

    /// <summary>The label is absent, or its value is none of those listed.</summary>
    NotIn,

    /// <summary>The label is present.</summary>
    Exists,

    /// <summary>The label is absent.</summary>
    DoesNotExist,

    /// <summary>The value is an integer greater than the one listed.</summary>
    Gt,

    /// <summary>The value is an integer less than the one listed.</summary>
    Lt,
}

/// <summary>One requirement on a label of a node, or on the field <c>metadata.name</c>.</summary>
public sealed record SelectorRequirement(string Key, SelectorOperator Operator, ImmutableArray<string> Values)
{
    /// <summary>The only field that a node selector may name.</summary>
    public const string NameField = "metadata.name";

    /// <summary>Whether a label with this value (null: absent) meets the requirement.</summary>
    public bool Matches(string? value) => Operator switch
    {
        SelectorOperator.In => value is not null && Values.Contains(value, StringComparer.Ordinal),
        SelectorOperator.NotIn => value is null || !Values.Contains(value, StringComparer.Ordinal),
        SelectorOperator.Exists => value is not null,
        SelectorOperator.DoesNotExist => value is null,
        SelectorOperator.Gt => Compare(value) is > 0,
        SelectorOperator.Lt => Compare(value) is < 0,
        _ => false,
    };

    private int? Compare(string? value) =>
        Values.Length == 1
        && long.TryParse(value, NumberStyles.AllowLeadingSign, NumberFormatInfo.InvariantInfo, out var actual)
        && long.TryParse(Values[0], NumberStyles.AllowLeadingSign, NumberFormatInfo.InvariantInfo, out var wanted)
            ? actual.CompareTo(wanted)
            : null;

    internal void AppendTo(KeyBuilder key)
    {
        key.Add(Key).Add((int)Operator).Add(Values.Length);
        foreach (var value in Values)
        {
            key.Add(value);
        }
    }
}

/// <summary>Requirements that must all hold. A term without any requirement matches nothing, as in Kubernetes.</summary>
public sealed record NodeSelectorTerm(ImmutableArray<SelectorRequirement> Labels, ImmutableArray<SelectorRequirement> Fields)
{
    /// <summary>Whether the node meets every requirement.</summary>
    public bool Matches(Node node)
    {
        if (Labels.IsEmpty && Fields.IsEmpty)
        {
            return false;
        }

        foreach (var requirement in Labels)
        {
            if (!requirement.Matches(node.Labels.GetValueOrDefault(requirement.Key)))
            {
                return false;
            }
        }

        foreach (var requirement in Fields)
        {
            var value = requirement.Key == SelectorRequirement.NameField ? node.Name.Value : null;
            if (!requirement.Matches(value))
            {
                return false;
            }
        }

        return true;
    }

    internal void AppendTo(KeyBuilder key)
    {
        key.Add(Labels.Length);
        foreach (var requirement in Labels)
        {
            requirement.AppendTo(key);
        }

        key.Add(Fields.Length);
        foreach (var requirement in Fields)
        {
            requirement.AppendTo(key);
        }
    }
}

/// <summary>A term that is wished for, with its weight from 1 to 100.</summary>
public sealed record PreferredTerm(int Weight, NodeSelectorTerm Term);

/// <summary>What a taint does to pods that do not tolerate it.</summary>
public enum TaintEffect
{
    /// <summary>Keeps new pods away.</summary>
    NoSchedule,

    /// <summary>Avoided where possible.</summary>
    PreferNoSchedule,

    /// <summary>Keeps new pods away and removes running ones.</summary>
    NoExecute,
}

/// <summary>A taint of a node.</summary>
public readonly record struct Taint(string Key, string Value, TaintEffect Effect);

/// <summary>A toleration of a pod.</summary>
/// <param name="Key">The taint's key; empty tolerates every key (with <paramref name="MatchesAnyValue"/>).</param>
/// <param name="MatchesAnyValue">True for the operator Exists, false for Equal.</param>
/// <param name="Value">The value for Equal.</param>
/// <param name="Effect">The effect tolerated; null for all.</param>
public readonly record struct Toleration(string Key, bool MatchesAnyValue, string Value, TaintEffect? Effect)
{
    /// <summary>Whether this toleration covers the taint.</summary>
    public bool Tolerates(in Taint taint) =>
        (Effect is null || Effect == taint.Effect)
        && (Key.Length == 0 ? MatchesAnyValue : Key == taint.Key)
        && (MatchesAnyValue || Value == taint.Value);
}
