using System.Collections.Immutable;
using Scheduler.Core.Feasibility;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.Core.Scoring;

namespace Scheduler.Core.Planning;

/// <summary>
/// Finds the best node for a request. Requests that are alike share one <see cref="NodeHeap"/>, which lives on from cycle
/// to cycle.
/// </summary>
internal sealed class CandidateIndex(Session session)
{
    private readonly Dictionary<(PodShape Shape, ImmutableSortedDictionary<string, string> Pool, int Owner, string Excluders), RequestClass> _classes = [];
    private readonly Dictionary<(PodShape Shape, ImmutableSortedDictionary<string, string> Pool, bool IsOwned), NodeHeap> _heaps = [];
    private int _nextIndex;
    private int _usedWhenCompacted;
    private int _withNeighbours;

    /// <summary>Whether there is any class for which it matters what is placed beside it.</summary>
    public bool HasNeighbours => _withNeighbours > 0;

    /// <summary>Whether most classes are of workloads that came and went.</summary>
    public bool IsCrowded => _classes.Count > (2 * _usedWhenCompacted) + 256;

    /// <summary>The class of a tenant's pod: of those with its shape that the same others avoid.</summary>
    public RequestClass ClassOf(Pod pod, string @namespace, TenantNode tenant)
    {
        var request = session.RequestFor(pod.Shape, tenant);
        var excluders = ExcludersOf(pod, @namespace);
        var key = (pod.Shape, request.NodePool, request.DeviceOwner, excluders.IsEmpty ? "" : string.Concat(excluders.Select(term => term.Key)));
        if (!_classes.TryGetValue(key, out var found))
        {
            found = new RequestClass(_nextIndex++, request, HeapFor(request), excluders);
            _classes.Add(key, found);
            _withNeighbours += found.HasNeighbours ? 1 : 0;
        }

        return found;
    }

    /// <summary>The best node for a request among the flavors allowed, or null.</summary>
    /// <param name="kind">What is to be placed.</param>
    /// <param name="allowedFlavors">Whether a flavor, by its number, may be used; not asked for requests without GPUs.</param>
    public NodeState? FindBest(RequestClass kind, ReadOnlySpan<bool> allowedFlavors)
    {
        var best = kind.Heap.Best(allowedFlavors, kind.Request.Shape.Gpu.IsAny);
        if (kind.Request.DeviceOwner >= 0)
        {
            BestWithOwner(kind, allowedFlavors, ref best);
        }

        if (best.Item < 0)
        {
            return null;
        }

        var found = session.Nodes[best.Item];
        return !kind.HasNeighbours || (kind.Request.Shape.Rules is not { HasWishes: true } && session.Neighbours.Allows(found, kind))
            ? found
            : BestBesideOthers(kind, allowedFlavors);
    }

    /// <summary>The best of all nodes, where what is placed beside a pod decides too: a walk over them.</summary>
    private NodeState? BestBesideOthers(RequestClass kind, ReadOnlySpan<bool> allowedFlavors)
    {
        var best = default(NodeState);
        var bestScore = long.MinValue;
        foreach (var node in session.Nodes)
        {
            if ((!kind.Request.Shape.Gpu.IsAny || (node.Flavor >= 0 && allowedFlavors[node.Flavor]))
                && kind.Heap.StaticRejection(node) is null
                && NodeFilters.PassesDynamic(node.Bindable, kind.Request)
                && session.Neighbours.Allows(node, kind)
                && Score(node, node.Bindable, kind) is var score
                && (best is null || score > bestScore))
            {
                (best, bestScore) = (node, score);
            }
        }

        return best;
    }

    /// <summary>How good a node is, wishes about other pods included.</summary>
    public long Score(NodeState node, NodePlane view, RequestClass kind)
    {
        var score = session.Scorers.Score(view, kind.Request);
        return kind.Request.Shape.Rules is { HasWishes: true }
            ? score + (session.Policy.Scores.Preference * NeighbourScorer.Score(node, session.Neighbours.RulesOf(kind)))
            : score;
    }

    private ImmutableArray<PodTerm> ExcludersOf(Pod pod, string @namespace)
    {
        var (exclusions, namespaces) = (session.Snapshot.Exclusions, session.Snapshot.Namespaces);
        return exclusions.IsEmpty ? [] : [.. exclusions.Where(term => term.Matches(@namespace, pod.Labels, namespaces))];
    }

    /// <summary>Lets every heap be filled anew: nodes are scored otherwise than before.</summary>
    public void ForgetScores()
    {
        foreach (var heap in _heaps.Values)
        {
            heap.Forget();
        }
    }

    /// <summary>Forgets what nobody waits for any more, and lets all others know of every change so far.</summary>
    public void Compact()
    {
        foreach (var (key, _) in _classes.Where(pair => pair.Value.Users == 0).ToArray())
        {
            _classes.Remove(key);
        }

        _withNeighbours = _classes.Values.Count(kind => kind.HasNeighbours);

        _usedWhenCompacted = _classes.Count;
        var used = new HashSet<NodeHeap>(_classes.Values.Select(kind => kind.Heap));
        foreach (var (key, heap) in _heaps.ToArray())
        {
            if (used.Contains(heap))
            {
                heap.CutChanges();
            }
            else
            {
                _heaps.Remove(key);
            }
        }
    }

    private NodeHeap HeapFor(PlacementRequest request)
    {
        var isOwned = request.DeviceOwner >= 0;
        var key = (request.Shape.Base, request.NodePool, isOwned);
        if (!_heaps.TryGetValue(key, out var heap))
        {
            // What is placed beside a pod is asked about apart: pods that differ in nothing else share a heap.
            request = request with { Shape = request.Shape.Base };
            heap = new NodeHeap(session, isOwned ? request with { DeviceOwner = NodePlane.NoOwner } : request);
            _heaps.Add(key, heap);
        }

        return heap;
    }

    /// <summary>Besides idle devices, a tenant that shares with nobody may use those that it has fractions on.</summary>
    private void BestWithOwner(RequestClass kind, ReadOnlySpan<bool> allowedFlavors, ref (long Score, int Item) best)
    {
        foreach (var index in session.NodesWithOwner(kind.Request.DeviceOwner))
        {
            var node = session.Nodes[index];
            if (node.Flavor >= 0 && allowedFlavors[node.Flavor]
                && kind.Heap.StaticRejection(node) is null && NodeFilters.PassesDynamic(node.Bindable, kind.Request))
            {
                var score = session.Scorers.Score(node.Bindable, kind.Request);
                if (best.Item < 0 || score > best.Score || (score == best.Score && index < best.Item))
                {
                    best = (score, index);
                }
            }
        }
    }
}
