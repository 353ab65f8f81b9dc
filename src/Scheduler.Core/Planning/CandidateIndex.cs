using System.Collections.Immutable;
using Scheduler.Core.Feasibility;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>
/// Finds the best node for a request. Requests that are alike share one <see cref="NodeHeap"/>, which lives on from cycle
/// to cycle.
/// </summary>
internal sealed class CandidateIndex(Session session)
{
    private readonly Dictionary<(PodShape Shape, ImmutableSortedDictionary<string, string> Pool, int Owner), RequestClass> _classes = [];
    private readonly Dictionary<(PodShape Shape, ImmutableSortedDictionary<string, string> Pool, bool IsOwned), NodeHeap> _heaps = [];
    private int _nextIndex;
    private int _usedWhenCompacted;

    /// <summary>Whether most classes are of workloads that came and went.</summary>
    public bool IsCrowded => _classes.Count > (2 * _usedWhenCompacted) + 256;

    /// <summary>The class of a tenant's pods of one shape.</summary>
    public RequestClass ClassOf(PodShape shape, TenantNode tenant)
    {
        var request = session.RequestFor(shape, tenant);
        var key = (shape, request.NodePool, request.DeviceOwner);
        if (!_classes.TryGetValue(key, out var found))
        {
            found = new RequestClass(_nextIndex++, request, HeapFor(request));
            _classes.Add(key, found);
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

        return best.Item < 0 ? null : session.Nodes[best.Item];
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
        var key = (request.Shape, request.NodePool, isOwned);
        if (!_heaps.TryGetValue(key, out var heap))
        {
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
