using k8s.Models;

namespace Scheduler.EndToEnd.Tests.Checking;

/// <summary>Whether a pod may be on a node at all, as far as selectors, required affinity and taints say.</summary>
internal static class NodeMatch
{
    public static bool IsChosen(V1Pod pod, V1Node node)
    {
        var labels = node.Metadata.Labels ?? new Dictionary<string, string>();
        if (pod.Spec.NodeSelector?.All(wanted => labels.TryGetValue(wanted.Key, out var value) && value == wanted.Value) == false) return false;
        var terms = pod.Spec.Affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution?.NodeSelectorTerms;
        return terms is null || terms.Any(term => (term.MatchExpressions ?? []).All(expression => Holds(expression, labels)));
    }

    public static bool IsOpen(V1Pod pod, V1Node node) =>
        node.Spec?.Unschedulable != true
        && (node.Status?.Conditions ?? []).Any(condition => condition.Type == "Ready" && condition.Status == "True")
        && (node.Spec?.Taints ?? []).Where(taint => taint.Effect != "PreferNoSchedule")
            .All(taint => (pod.Spec.Tolerations ?? []).Any(toleration => Tolerates(toleration, taint)));

    private static bool Holds(V1NodeSelectorRequirement wanted, IDictionary<string, string> labels)
    {
        var has = labels.TryGetValue(wanted.Key, out var value);
        return wanted.OperatorProperty switch
        {
            "In" => has && wanted.Values.Contains(value!),
            "NotIn" => !has || !wanted.Values.Contains(value!),
            "Exists" => has,
            "DoesNotExist" => !has,
            var other => throw new NotSupportedException($"the checker does not know the operator {other}"),
        };
    }

    private static bool Tolerates(V1Toleration toleration, V1Taint taint) =>
        (string.IsNullOrEmpty(toleration.Effect) || toleration.Effect == taint.Effect)
        && (string.IsNullOrEmpty(toleration.Key) || toleration.Key == taint.Key)
        && (toleration.OperatorProperty == "Exists" || toleration.Value == taint.Value);
}
