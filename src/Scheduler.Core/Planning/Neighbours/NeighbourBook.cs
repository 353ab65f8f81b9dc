using Scheduler.Core.Feasibility;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning.Neighbours;

/// <summary>
/// Who is beside whom, as far as anybody that waits asks: affinity and anti-affinity between pods, topology spread, host ports,
/// volumes. Counts what the snapshot has and what the cycle has placed since, taken back with it. Costs nothing as long as
/// nobody asks: each count is made when it is first needed in a cycle.
/// </summary>
/// <remarks>
/// Whoever was told to leave is there until it has gone. Whoever has room kept for it counts against others, and never for them.
/// </remarks>
internal sealed class NeighbourBook(Session session)
{
    private readonly Dictionary<RequestClass, NeighbourRules> _rules = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<string, NeighbourCount> _known = new(StringComparer.Ordinal);
    private readonly List<NeighbourCount> _counts = [];
    private readonly List<Placed> _placed = [];
    private NodePorts? _ports;
    private NodeVolumes? _volumes;

    /// <summary>The first rule that the node breaks for pods of a class, or null. Asked only of nodes that pass all else.</summary>
    public FilterName? Rejection(NodeState node, RequestClass kind) =>
        kind.HasNeighbours ? NeighbourFilters.FirstRejection(node, RulesOf(kind)) : null;

    /// <summary>Whether the node breaks no rule.</summary>
    public bool Allows(NodeState node, RequestClass kind) => !kind.HasNeighbours || Rejection(node, kind) is null;

    /// <summary>What a class asks.</summary>
    public NeighbourRules RulesOf(RequestClass kind)
    {
        if (!_rules.TryGetValue(kind, out var rules))
        {
            _rules.Add(kind, rules = Compile(kind));
        }

        return rules;
    }

    /// <summary>A pod was placed, or room was kept for it (sign 1); or that is taken back (sign -1).</summary>
    public void Change(string @namespace, Pod pod, NodeState node, bool isKept, int sign)
    {
        if (!session.Candidates.HasNeighbours)
        {
            return;
        }

        var placed = new Placed(@namespace, pod, node.Index, isKept);
        if (sign > 0)
        {
            _placed.Add(placed);
        }
        else
        {
            // What is taken back was most often placed last.
            _placed.RemoveAt(_placed.LastIndexOf(placed));
        }

        foreach (var count in _counts)
        {
            count.Change(@namespace, pod, node.Index, isKept, sign);
        }

        if (pod.Shape.Rules is { } rules)
        {
            _ports?.Change(rules, node.Index, sign);
            _volumes?.Change(rules, node.Index, sign);
        }
    }

    /// <summary>Forgets everything: another cycle begins.</summary>
    public void Forget()
    {
        if (_rules.Count + _placed.Count == 0)
        {
            return;
        }

        _rules.Clear();
        _known.Clear();
        _counts.Clear();
        _placed.Clear();
        _ports = null;
        _volumes = null;
    }

    private NeighbourRules Compile(RequestClass kind)
    {
        var own = kind.Request.Shape.Rules;
        var namespaces = session.Snapshot.Namespaces;
        return new NeighbourRules
        {
            Own = own,
            Affinity = own is null ? [] : [.. own.Affinity.Select(term => Affinity(own, term))],
            IsOwnCompany = own is { Affinity.IsEmpty: false } && own.Affinity.All(term => term.Matches(own.Namespace, own.Labels, namespaces)),
            AntiAffinity = own is null ? [] : [.. own.AntiAffinity.Select(Selected)],
            Excluders = [.. kind.Excluders.Select(Excluding)],
            Spread = own is null ? [] :
            [
                .. own.Spread.Where(constraint => constraint.IsRequired)
                    .Select(constraint => (Spread(kind, own, constraint), constraint, constraint.Selector.Matches(own.Labels) ? 1 : 0)),
            ],
            Preferred = own is null ? [] : [.. own.Preferred.Select(wish => (Selected(wish.Term), wish.Weight))],
            SpreadWishes = own is null ? [] :
                [.. own.Spread.Where(constraint => !constraint.IsRequired).Select(constraint => Spread(kind, own, constraint))],
            Ports = own is { HostPorts.IsEmpty: false } ? _ports ??= Load(new NodePorts(), (ports, rules, node) => ports.Change(rules, node, 1)) : null,
            Volumes = own is { Volumes.IsEmpty: false } ? _volumes ??= Load(new NodeVolumes(), (volumes, rules, node) => volumes.Change(rules, node, 1)) : null,
        };
    }

    /// <summary>Pods that all affinity terms of some rules select, by the topology of one of them.</summary>
    private NeighbourCount Affinity(PodRules rules, PodTerm by)
    {
        var namespaces = session.Snapshot.Namespaces;
        return Count(
            $"near {by.TopologyKey.Length}:{by.TopologyKey}{string.Concat(rules.Affinity.Select(term => term.Key))}",
            by.TopologyKey,
            (@namespace, pod) => rules.Affinity.All(term => term.Matches(@namespace, pod.Labels, namespaces)));
    }

    private NeighbourCount Selected(PodTerm term)
    {
        var namespaces = session.Snapshot.Namespaces;
        return Count("selected " + term.Key, term.TopologyKey, (@namespace, pod) => term.Matches(@namespace, pod.Labels, namespaces));
    }

    private NeighbourCount Excluding(PodTerm term) =>
        Count("excluding " + term.Key, term.TopologyKey, (_, pod) => pod.Shape.Rules is { } rules && rules.AntiAffinity.Contains(term));

    private NeighbourCount Count(string key, string topologyKey, Func<string, Pod, bool> counts)
    {
        if (!_known.TryGetValue(key, out var count))
        {
            _known.Add(key, count = Load(new NeighbourCount(counts, session.Topology.Level(topologyKey), session.Nodes.Length)));
        }

        return count;
    }

    private NeighbourCount Spread(RequestClass kind, PodRules rules, SpreadConstraint constraint)
    {
        // A node counts if it has the labels of all constraints of the same kind, and as far as the policies say, if the pod may run there.
        var isEligible = new bool[session.Nodes.Length];
        var shape = kind.Request.Shape;
        foreach (var node in session.Nodes)
        {
            var plane = node.Now;
            isEligible[node.Index] = rules.Spread.All(other => other.IsRequired != constraint.IsRequired || node.Node.Labels.ContainsKey(other.TopologyKey))
                && (!constraint.HonorsNodeAffinity || NodeAffinityFilter.Accepts(node.Node, shape))
                && (!constraint.HonorsTaints || (node.Node.IsSchedulable && TaintsFilter.IsBearable(plane.Node, shape)));
        }

        return Load(new NeighbourCount(
            (@namespace, pod) => @namespace == rules.Namespace && constraint.Selector.Matches(pod.Labels),
            session.Topology.Level(constraint.TopologyKey), session.Nodes.Length, isEligible)
        {
            SkipsLeaving = true,
        });
    }

    private NeighbourCount Load(NeighbourCount count)
    {
        foreach (var (@namespace, pod, node, isKept) in Everybody())
        {
            count.Change(@namespace, pod, node, isKept, sign: 1);
        }

        _counts.Add(count);
        return count;
    }

    private T Load<T>(T books, Action<T, PodRules, int> add)
    {
        foreach (var (_, pod, node, _) in Everybody())
        {
            if (pod.Shape.Rules is { } rules)
            {
                add(books, rules, node);
            }
        }

        return books;
    }

    private IEnumerable<Placed> Everybody()
    {
        foreach (var node in session.Nodes)
        {
            foreach (var occupant in node.Occupants)
            {
                yield return new Placed(occupant.Owner.Workload.Namespace, occupant.Pod, node.Index, IsKept: false);
            }

            foreach (var other in node.Node.Others)
            {
                yield return new Placed(other.Namespace, AsPod(other), node.Index, IsKept: false);
            }
        }

        foreach (var placed in _placed)
        {
            yield return placed;
        }
    }

    private static Pod AsPod(OtherPod other) => new()
    {
        Id = other.Id,
        Name = other.Id.Value,
        Labels = other.Labels,
        State = other.IsLeaving ? PodState.Leaving : PodState.Placed,
        Shape = NoShape.With(other.Rules),
    };

    private static readonly PodShape NoShape = PodShape.Create(ResourceVector.Zero, GpuRequest.None);

    private sealed record Placed(string Namespace, Pod Pod, int Node, bool IsKept);
}
