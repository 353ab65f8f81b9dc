using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Scheduler.Core.Model;

namespace Scheduler.Simulation.Scenarios;

/// <summary>
/// Taints, tolerations and requirements on labels in one line each, as kubectl writes them: <c>dedicated=search:NoSchedule</c>,
/// <c>zone in (a, b)</c>. What is written reads back as it was.
/// </summary>
internal static class ConstraintText
{
    /// <summary>The effects of a taint, for messages.</summary>
    public const string Effects = "NoSchedule, PreferNoSchedule, NoExecute";

    private const string AnyKey = "*";

    public static string Write(in Taint taint) => $"{taint.Key}{(taint.Value.Length > 0 ? $"={taint.Value}" : "")}:{taint.Effect}";

    public static string Write(in Toleration toleration) =>
        (toleration.Key.Length == 0 ? AnyKey : toleration.Key) + (toleration.MatchesAnyValue ? "" : $"={toleration.Value}")
        + (toleration.Effect is { } effect ? $":{effect}" : "");

    public static string Write(SelectorRequirement requirement) => requirement.Operator switch
    {
        SelectorOperator.In => $"{requirement.Key} in ({string.Join(", ", requirement.Values)})",
        SelectorOperator.NotIn => $"{requirement.Key} notin ({string.Join(", ", requirement.Values)})",
        SelectorOperator.Exists => requirement.Key,
        SelectorOperator.DoesNotExist => $"!{requirement.Key}",
        SelectorOperator.Gt => $"{requirement.Key} > {string.Join(", ", requirement.Values)}",
        _ => $"{requirement.Key} < {string.Join(", ", requirement.Values)}",
    };

    public static string Write(TopologyRequest topology) => $"{(topology.IsRequired ? "required" : "preferred")}={topology.Level}";

    public static bool TryTaint(string text, out Taint taint)
    {
        var isRead = TrySplit(text, out var key, out var value, out var effect) && effect is not null && key.Length > 0;
        taint = isRead ? new Taint(key, value ?? "", effect!.Value) : default;
        return isRead;
    }

    public static bool TryToleration(string text, out Toleration toleration)
    {
        var isRead = TrySplit(text, out var key, out var value, out var effect) && key.Length > 0 && (key != AnyKey || value is null);
        toleration = isRead ? new Toleration(key == AnyKey ? "" : key, value is null, value ?? "", effect) : default;
        return isRead;
    }

    public static bool TryRequirement(string text, [NotNullWhen(true)] out SelectorRequirement? requirement)
    {
        requirement = null;
        var parts = text.Trim().Split(' ', 3, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        switch (parts)
        {
            case [['!', .. { Length: > 0 } absent]]:
                requirement = new SelectorRequirement(absent, SelectorOperator.DoesNotExist, []);
                break;
            case [{ } present] when present != "!":
                requirement = new SelectorRequirement(present, SelectorOperator.Exists, []);
                break;
            case [{ } key, "in" or "notin", ['(', .. var list, ')']]:
                requirement = new SelectorRequirement(
                    key, parts[1] == "in" ? SelectorOperator.In : SelectorOperator.NotIn, [.. list.Split(',', StringSplitOptions.TrimEntries)]);
                break;
            case [{ } key, ">" or "<", { } bound]:
                requirement = new SelectorRequirement(key, parts[1] == ">" ? SelectorOperator.Gt : SelectorOperator.Lt, ImmutableArray.Create(bound));
                break;
            default:
                break;
        }

        return requirement is not null;
    }

    /// <summary><c>key=value:Effect</c>, of which value and effect may be missing.</summary>
    private static bool TrySplit(string text, out string key, out string? value, out TaintEffect? effect)
    {
        (value, effect) = (null, null);
        var colon = text.LastIndexOf(':');
        if (colon >= 0)
        {
            effect = text[(colon + 1)..] switch
            {
                nameof(TaintEffect.NoSchedule) => TaintEffect.NoSchedule,
                nameof(TaintEffect.PreferNoSchedule) => TaintEffect.PreferNoSchedule,
                nameof(TaintEffect.NoExecute) => TaintEffect.NoExecute,
                _ => null,
            };
        }

        var rest = colon >= 0 ? text[..colon] : text;
        var equals = rest.IndexOf('=', StringComparison.Ordinal);
        key = equals >= 0 ? rest[..equals] : rest;
        value = equals >= 0 ? rest[(equals + 1)..] : null;
        return (colon < 0 || effect is not null) && !key.Contains(' ', StringComparison.Ordinal);
    }
}
