using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Daemon.Kubernetes.Wire;
using SelectorRequirement = Scheduler.Core.Model.SelectorRequirement;
using WireRequirement = Scheduler.Daemon.Kubernetes.Wire.SelectorRequirement;

namespace Scheduler.Daemon.Kubernetes.Mapping;

/// <summary>What a pod says about the pods beside it: host ports, affinity, topology spread. Volumes are looked up later.</summary>
internal static class PodRulesMapping
{
    public static PodRules? Map(ObjectMeta meta, PodSpec spec, LabelSet labels, List<PodError> errors)
    {
        var @namespace = meta.Namespace ?? "";
        var (near, apart) = (spec.Affinity?.PodAffinity, spec.Affinity?.PodAntiAffinity);
        if (near is null && apart is null && spec.TopologySpreadConstraints is null && !HasPorts(spec))
            return null;
        return PodRules.Create(
            @namespace, labels, HostPorts(spec),
            affinity: Required(near, "podAffinity", @namespace, labels, errors),
            antiAffinity: Required(apart, "podAntiAffinity", @namespace, labels, errors),
            preferred: [.. Preferred(near, 1, "podAffinity", @namespace, labels, errors), .. Preferred(apart, -1, "podAntiAffinity", @namespace, labels, errors)],
            spread: [.. (spec.TopologySpreadConstraints ?? []).Select(constraint => Spread(constraint, labels, errors))]);
    }

    private static bool HasPorts(PodSpec spec) => LongRunning(spec).Any(container => container.Ports?.Exists(port => port.HostPort > 0) == true);

    /// <summary>Of containers and sidecars: an ordinary init container has ended when they begin.</summary>
    private static IEnumerable<HostPort> HostPorts(PodSpec spec) => LongRunning(spec)
        .SelectMany(container => container.Ports ?? [])
        .Where(port => port.HostPort > 0)
        .Select(port => new HostPort(
            port.HostPort!.Value, string.IsNullOrEmpty(port.Protocol) ? "TCP" : port.Protocol,
            string.IsNullOrEmpty(port.HostIP) ? HostPort.AnyAddress : port.HostIP));

    private static IEnumerable<Container> LongRunning(PodSpec spec) =>
        (spec.Containers ?? []).Concat((spec.InitContainers ?? []).Where(container => container.RestartPolicy == "Always"));

    private static ImmutableArray<PodTerm> Required(PodAffinity? affinity, string field, string @namespace, LabelSet labels, List<PodError> errors) =>
        [.. (affinity?.RequiredDuringSchedulingIgnoredDuringExecution ?? []).Select(term => Term(term, field, @namespace, labels, errors))];

    private static IEnumerable<PreferredPodTerm> Preferred(
        PodAffinity? affinity, int sign, string field, string @namespace, LabelSet labels, List<PodError> errors) =>
        (affinity?.PreferredDuringSchedulingIgnoredDuringExecution ?? [])
            .Where(wish => wish.PodAffinityTerm is not null)
            .Select(wish => new PreferredPodTerm(sign * wish.Weight, Term(wish.PodAffinityTerm!, field, @namespace, labels, errors)));

    /// <summary>
    /// Without namespaces and namespace selector the pod's own is meant. The keys of matchLabelKeys stand for the pod's own values:
    /// newer API servers put them into the selector themselves, which asks the same twice.
    /// </summary>
    private static PodTerm Term(PodAffinityTerm term, string field, string @namespace, LabelSet labels, List<PodError> errors)
    {
        var selector = Selector(term.LabelSelector, $"{field}.labelSelector", errors);
        selector = And(selector, term.MatchLabelKeys, labels, SelectorOperator.In);
        selector = And(selector, term.MismatchLabelKeys, labels, SelectorOperator.NotIn);
        var names = term.Namespaces is { Count: > 0 } given ? given : term.NamespaceSelector is null ? [@namespace] : [];
        return new PodTerm(
            term.TopologyKey ?? "", selector, names,
            term.NamespaceSelector is null ? null : Selector(term.NamespaceSelector, $"{field}.namespaceSelector", errors));
    }

    private static SpreadConstraint Spread(TopologySpreadConstraint constraint, LabelSet labels, List<PodError> errors) => new(
        Math.Max(1, constraint.MaxSkew),
        constraint.TopologyKey ?? "",
        And(Selector(constraint.LabelSelector, "topologySpreadConstraints.labelSelector", errors), constraint.MatchLabelKeys, labels, SelectorOperator.In))
    {
        IsRequired = constraint.WhenUnsatisfiable != "ScheduleAnyway",
        MinDomains = Math.Max(1, constraint.MinDomains ?? 1),
        HonorsNodeAffinity = constraint.NodeAffinityPolicy != "Ignore",
        HonorsTaints = constraint.NodeTaintsPolicy == "Honor",
    };

    private static PodSelector And(PodSelector selector, List<string>? keys, LabelSet labels, SelectorOperator @operator)
    {
        if (keys is null || selector.SelectsNothing)
            return selector;
        var more = keys.Select(key => (key, Value: labels.Find(key))).Where(pair => pair.Value is not null)
            .Select(pair => new SelectorRequirement(pair.key, @operator, [pair.Value!]));
        return new PodSelector([.. selector.Requirements, .. more]);
    }

    /// <summary>A selector that is missing selects nothing, an empty one everything.</summary>
    private static PodSelector Selector(LabelSelector? selector, string field, List<PodError> errors) => selector is null
        ? PodSelector.Nothing
        : new PodSelector(
        [
            .. (selector.MatchLabels ?? []).OrderBy(label => label.Key, StringComparer.Ordinal)
                .Select(label => new SelectorRequirement(label.Key, SelectorOperator.In, [label.Value])),
            .. (selector.MatchExpressions ?? []).Select(requirement => Requirement(requirement, field, errors)),
        ]);

    private static SelectorRequirement Requirement(WireRequirement requirement, string field, List<PodError> errors)
    {
        SelectorOperator? found = requirement.Operator switch
        {
            "In" => SelectorOperator.In,
            "NotIn" => SelectorOperator.NotIn,
            "Exists" => SelectorOperator.Exists,
            "DoesNotExist" => SelectorOperator.DoesNotExist,
            _ => null,
        };
        if (found is null)
            errors.Add(new PodError($"{field}.operator", requirement.Operator ?? "", "is not one of In, NotIn, Exists, DoesNotExist"));
        return new SelectorRequirement(requirement.Key ?? "", found ?? SelectorOperator.Exists, [.. requirement.Values ?? []]);
    }
}
