using Scheduler.Core.Model;

namespace Scheduler.Core.Planning.Validation;

/// <summary>
/// W16: no pod is bound where a rule forbids it: labels and taints of the node, its volumes, ports, affinity and anti-affinity
/// between pods, topology spread. Counted anew from the list of all pods, with nothing of the planner's own books.
/// </summary>
/// <remarks>
/// A plan does not tell in which order its pods came. Anti-affinity, ports and volumes must hold among all of them in the end. A
/// pod without company must be the first of its group. Spread must hold in the end: a domain does not become too full by what
/// comes to others later. Pods that a spread counts without having it themselves can make it uneven, and nothing forbids that.
/// </remarks>
internal sealed class RulesCheck(PlanBooks books)
{
    private readonly ClusterSnapshot _snapshot = books.Snapshot;
    private readonly Dictionary<string, Dictionary<string, (int All, int Bound)>> _counts = new(StringComparer.Ordinal);
    private readonly Dictionary<(PodShape Shape, string Namespace, SpreadConstraint Constraint), SortedDictionary<string, int>?> _spreads = [];
    private readonly Dictionary<PodRules, int> _lonely = [];
    private List<Neighbour>? _everybody;
    private ILookup<string, Neighbour>? _byNode;

    /// <summary>A pod on a node, as far as others look at it.</summary>
    private sealed record Neighbour(PodId Id, string Namespace, LabelSet Labels, PodShape? Shape, PodRules? Rules, bool IsLeaving, Node Node, bool IsBound);

    public void Check()
    {
        foreach (var pod in books.Bound)
        {
            var node = _snapshot.Nodes[pod.Node];
            if (!NodeViews.Accepts(node, pod.Pod.Shape))
            {
                Report(pod, "its labels, taints or volumes do not let it be there");
            }

            var rules = pod.Pod.Shape.Rules;
            if (rules is null && _snapshot.Exclusions.IsEmpty)
            {
                continue;
            }

            var own = Of(pod.Pod, pod.Workload, pod.Node, isBound: true);
            if (rules is not null)
            {
                CheckPorts(pod, own, rules);
                CheckVolumes(pod, own, rules);
                CheckAffinity(pod, own, rules);
                CheckAvoided(pod, own, rules);
                CheckSpread(pod, own, rules);
            }

            CheckAvoiding(pod, own);
        }
    }

    private void CheckPorts(in PlannedPod pod, Neighbour own, PodRules rules)
    {
        foreach (var port in rules.HostPorts)
        {
            foreach (var other in OthersBeside(own))
            {
                if (other.Rules is not null && other.Rules.HostPorts.Any(taken => taken.ConflictsWith(port)))
                {
                    Report(pod, $"pod {other.Id} has the host port {port.Port}");
                }
            }
        }
    }

    private void CheckVolumes(in PlannedPod pod, Neighbour own, PodRules rules)
    {
        if (rules.Volumes.IsEmpty)
        {
            return;
        }

        var others = new HashSet<AttachedVolume>(OthersBeside(own).SelectMany(other => other.Rules?.Volumes ?? []));
        foreach (var (driver, most) in own.Node.AttachLimits)
        {
            var more = rules.Volumes.Count(volume => volume.Driver == driver && !others.Contains(volume));
            var all = others.Count(volume => volume.Driver == driver) + more;
            if (more > 0 && all > most)
            {
                Report(pod, $"the node takes {most} volumes of {driver}, and would have {all}");
            }
        }
    }

    private void CheckAffinity(in PlannedPod pod, Neighbour own, PodRules rules)
    {
        if (rules.Affinity.IsEmpty)
        {
            return;
        }

        var counts = rules.Affinity.Select(term => CountsOf(
            $"all {rules.Key}/{term.TopologyKey}", term.TopologyKey, other => rules.Affinity.All(each => Selects(each, other)))).ToArray();
        var self = rules.Affinity.All(term => Selects(term, own)) ? 1 : 0;
        var (hasCompany, hasLabels, isPlaced) = (true, true, false);
        for (var term = 0; term < counts.Length; term++)
        {
            var value = own.Node.Labels.GetValueOrDefault(rules.Affinity[term].TopologyKey);
            hasLabels &= value is not null;
            hasCompany &= value is not null && counts[term].GetValueOrDefault(value).All > self;
            isPlaced |= counts[term].Values.Any(count => count.All > count.Bound);
        }

        if (!hasLabels || (!hasCompany && (self == 0 || isPlaced)))
        {
            Report(pod, "no pod of its affinity is near");
        }
        else if (!hasCompany && (_lonely[rules] = _lonely.GetValueOrDefault(rules) + 1) > 1)
        {
            Report(pod, "no pod of its affinity is near, and it is not the first of its group");
        }
    }

    private void CheckAvoided(in PlannedPod pod, Neighbour own, PodRules rules)
    {
        foreach (var term in rules.AntiAffinity)
        {
            var near = Near(own, term, CountsOf($"selected {term.Key}", term.TopologyKey, other => Selects(term, other)));
            if (near > (Selects(term, own) ? 1 : 0))
            {
                Report(pod, $"a pod that its anti-affinity names is near by {term.TopologyKey}");
            }
        }
    }

    private void CheckAvoiding(in PlannedPod pod, Neighbour own)
    {
        foreach (var term in _snapshot.Exclusions)
        {
            if (!Selects(term, own))
            {
                continue;
            }

            var near = Near(own, term, CountsOf($"avoiding {term.Key}", term.TopologyKey, other => Avoids(other, term)));
            if (near > (Avoids(own, term) ? 1 : 0))
            {
                Report(pod, $"a pod whose anti-affinity names it is near by {term.TopologyKey}");
            }
        }
    }

    private void CheckSpread(in PlannedPod pod, Neighbour own, PodRules rules)
    {
        foreach (var constraint in rules.Spread)
        {
            if (!constraint.IsRequired)
            {
                continue;
            }

            if (!own.Node.Labels.TryGetValue(constraint.TopologyKey, out var value))
            {
                Report(pod, $"its topology spread needs the label {constraint.TopologyKey}");
                continue;
            }

            var key = (pod.Pod.Shape, own.Namespace, constraint);
            if (!_spreads.TryGetValue(key, out var counts))
            {
                _spreads.Add(key, counts = SpreadOf(own, rules, constraint));
            }

            var fewest = counts is null || counts.Count < constraint.MinDomains ? 0 : counts.Values.Min();
            if (counts is not null && counts.GetValueOrDefault(value) - fewest > constraint.MaxSkew)
            {
                Report(pod, $"by {constraint.TopologyKey} its domain has {counts.GetValueOrDefault(value)} pods and another {fewest}");
            }
        }
    }

    /// <summary>Pods that a constraint counts, by domain; null if the plan binds some that do not have it themselves.</summary>
    private SortedDictionary<string, int>? SpreadOf(Neighbour own, PodRules rules, SpreadConstraint constraint)
    {
        var shape = own.Shape!;
        var counts = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var eligible = new HashSet<NodeName>();
        foreach (var node in _snapshot.Nodes)
        {
            if (IsEligible(node, shape, rules, constraint))
            {
                eligible.Add(node.Name);
                counts.TryAdd(node.Labels[constraint.TopologyKey], 0);
            }
        }

        foreach (var other in Everybody)
        {
            if (!other.IsLeaving && eligible.Contains(other.Node.Name) && other.Namespace == own.Namespace && constraint.Selector.Matches(other.Labels))
            {
                if (other.IsBound && !shape.Equals(other.Shape))
                {
                    return null;
                }

                counts[other.Node.Labels[constraint.TopologyKey]]++;
            }
        }

        return counts;
    }

    private static bool IsEligible(Node node, PodShape shape, PodRules rules, SpreadConstraint constraint)
    {
        foreach (var other in rules.Spread)
        {
            if (other.IsRequired && !node.Labels.ContainsKey(other.TopologyKey))
            {
                return false;
            }
        }

        var selected = shape.NodeSelector.All(pair => node.Labels.GetValueOrDefault(pair.Key) == pair.Value)
            && (shape.RequiredTerms.IsEmpty || shape.RequiredTerms.Any(term => term.Matches(node)));
        var tolerated = node.IsSchedulable && node.Taints.All(taint =>
            taint.Effect == TaintEffect.PreferNoSchedule || shape.Tolerations.Any(toleration => toleration.Tolerates(taint)));
        return (!constraint.HonorsNodeAffinity || selected) && (!constraint.HonorsTaints || tolerated);
    }

    private bool Selects(PodTerm term, Neighbour pod) => term.Matches(pod.Namespace, pod.Labels, _snapshot.Namespaces);

    private static bool Avoids(Neighbour pod, PodTerm term) => pod.Rules is not null && pod.Rules.AntiAffinity.Contains(term);

    private static int Near(Neighbour pod, PodTerm term, Dictionary<string, (int All, int Bound)> counts) =>
        pod.Node.Labels.TryGetValue(term.TopologyKey, out var value) ? counts.GetValueOrDefault(value).All : 0;

    /// <summary>Pods of a kind by the value of a label of their nodes; counted once.</summary>
    private Dictionary<string, (int All, int Bound)> CountsOf(string key, string topologyKey, Func<Neighbour, bool> isOfKind)
    {
        if (_counts.TryGetValue(key, out var counts))
        {
            return counts;
        }

        _counts.Add(key, counts = new(StringComparer.Ordinal));
        foreach (var pod in Everybody)
        {
            if (pod.Node.Labels.TryGetValue(topologyKey, out var value) && isOfKind(pod))
            {
                var (all, bound) = counts.GetValueOrDefault(value);
                counts[value] = (all + 1, bound + (pod.IsBound ? 1 : 0));
            }
        }

        return counts;
    }

    private IEnumerable<Neighbour> OthersBeside(Neighbour own)
    {
        _byNode ??= Everybody.ToLookup(pod => pod.Node.Name.Value, StringComparer.Ordinal);
        return _byNode[own.Node.Name.Value].Where(other => other.Id != own.Id);
    }

    private List<Neighbour> Everybody
    {
        get
        {
            if (_everybody is not null)
            {
                return _everybody;
            }

            _everybody = [];
            foreach (var node in _snapshot.Nodes)
            {
                _everybody.AddRange(node.Others.Select(other =>
                    new Neighbour(other.Id, other.Namespace, other.Labels, null, other.Rules, other.IsLeaving, node, IsBound: false)));
            }

            foreach (var placed in books.Placed)
            {
                _everybody.Add(Of(placed.Pod, placed.Workload, placed.Node, isBound: false));
            }

            foreach (var bound in books.Bound)
            {
                _everybody.Add(Of(bound.Pod, bound.Workload, bound.Node, isBound: true));
            }

            return _everybody;
        }
    }

    private Neighbour Of(Pod pod, int workload, int node, bool isBound) => new(
        pod.Id, _snapshot.Workloads[workload].Namespace, pod.Labels, pod.Shape, pod.Shape.Rules, pod.State == PodState.Leaving, _snapshot.Nodes[node], isBound);

    private void Report(in PlannedPod pod, string why) =>
        books.Report("W16", $"pod {pod.Pod.Id} goes to node {_snapshot.Nodes[pod.Node].Name}, but {why}");
}
