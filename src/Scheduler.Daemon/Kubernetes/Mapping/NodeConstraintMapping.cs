using System.Collections.Immutable;
using Scheduler.Core.Model;
using WireAffinity = Scheduler.Daemon.Kubernetes.Wire.NodeAffinity;
using WireRequirement = Scheduler.Daemon.Kubernetes.Wire.SelectorRequirement;
using WireTerm = Scheduler.Daemon.Kubernetes.Wire.NodeSelectorTerm;
using WireToleration = Scheduler.Daemon.Kubernetes.Wire.Toleration;

namespace Scheduler.Daemon.Kubernetes.Mapping;

/// <summary>Node affinity and tolerations of a pod.</summary>
internal static class NodeConstraintMapping
{
    public static ImmutableArray<NodeSelectorTerm> Required(WireAffinity? affinity, List<PodError> errors) =>
        Required(affinity?.RequiredDuringSchedulingIgnoredDuringExecution, errors);

    public static ImmutableArray<NodeSelectorTerm> Required(Wire.NodeSelector? selector, List<PodError> errors) =>
        selector is { } required
            ? [.. (required.NodeSelectorTerms ?? []).Select(term => Term(term, errors))]
            : [];

    public static ImmutableArray<PreferredTerm> Preferred(WireAffinity? affinity, List<PodError> errors) =>
        affinity?.PreferredDuringSchedulingIgnoredDuringExecution is { } preferred
            ? [.. preferred.Where(term => term.Preference is not null).Select(term => new PreferredTerm(term.Weight, Term(term.Preference!, errors)))]
            : [];

    /// <summary>A toleration with an operator that is not known here tolerates nothing: the pod stays away rather than break a rule.</summary>
    public static ImmutableArray<Toleration> Tolerations(List<WireToleration>? tolerations) =>
        [.. (tolerations ?? [])
            .Where(toleration => toleration.Operator is null or "" or "Equal" or "Exists")
            .Select(toleration => new Toleration(
                toleration.Key ?? "",
                MatchesAnyValue: toleration.Operator == "Exists",
                toleration.Value ?? "",
                string.IsNullOrEmpty(toleration.Effect) ? null : Effect(toleration.Effect)))];

    /// <summary>An effect that is not known counts as the one that keeps pods away.</summary>
    public static TaintEffect Effect(string? effect) => effect switch
    {
        "PreferNoSchedule" => TaintEffect.PreferNoSchedule,
        "NoExecute" => TaintEffect.NoExecute,
        _ => TaintEffect.NoSchedule,
    };

    private static NodeSelectorTerm Term(WireTerm term, List<PodError> errors) => new(
        Requirements(term.MatchExpressions, errors), Requirements(term.MatchFields, errors));

    private static ImmutableArray<SelectorRequirement> Requirements(List<WireRequirement>? requirements, List<PodError> errors) =>
        [.. (requirements ?? []).Select(requirement => new SelectorRequirement(
            requirement.Key ?? "", Operator(requirement.Operator, errors), [.. requirement.Values ?? []]))];

    private static SelectorOperator Operator(string? name, List<PodError> errors)
    {
        switch (name)
        {
            case "In": return SelectorOperator.In;
            case "NotIn": return SelectorOperator.NotIn;
            case "Exists": return SelectorOperator.Exists;
            case "DoesNotExist": return SelectorOperator.DoesNotExist;
            case "Gt": return SelectorOperator.Gt;
            case "Lt": return SelectorOperator.Lt;
            default:
                errors.Add(new PodError("nodeAffinity.operator", name ?? "", "is not one of In, NotIn, Exists, DoesNotExist, Gt, Lt"));
                return SelectorOperator.Exists;
        }
    }
}
