using System.Collections.Immutable;

namespace Scheduler.Core.Model;

/// <summary>Collects the required anti-affinity of all pods of a cluster.</summary>
internal static class ExclusionTerms
{
    public static ImmutableArray<PodTerm> Of(ImmutableArray<Node> nodes, ImmutableArray<Workload> workloads)
    {
        var terms = default(SortedDictionary<string, PodTerm>);
        foreach (var node in nodes)
        {
            foreach (var other in node.Others)
            {
                Add(ref terms, other.Rules);
            }
        }

        foreach (var workload in workloads)
        {
            foreach (var pod in workload.Pods)
            {
                Add(ref terms, pod.Shape.Rules);
            }
        }

        return terms is null ? [] : [.. terms.Values];
    }

    /// <summary>Whether a pod of another scheduler on a node has any.</summary>
    public static bool IsOn(Node node) => node.Others.Any(other => other.Rules is { AntiAffinity.IsEmpty: false });

    /// <summary>Whether a pod of a workload has any.</summary>
    public static bool IsOf(Workload workload) => workload.Pods.Any(pod => pod.Shape.Rules is { AntiAffinity.IsEmpty: false });

    private static void Add(ref SortedDictionary<string, PodTerm>? terms, PodRules? rules)
    {
        if (rules is null)
        {
            return;
        }

        foreach (var term in rules.AntiAffinity)
        {
            terms ??= new(StringComparer.Ordinal);
            terms[term.Key] = term;
        }
    }
}
