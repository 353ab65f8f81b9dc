using System.Collections.Immutable;
using Scheduler.Core.Feasibility;
using Scheduler.Core.Model;
using Scheduler.Core.Scoring;

namespace Scheduler.Core.Planning;

/// <summary>
/// Finds the best node for a request. Requests that are alike share one set of heaps, one for each flavor, which is
/// brought up to date with the nodes that changed since it was last asked: a placement costs a few comparisons, not a
/// walk over all nodes.
/// </summary>
/// <remarks>
/// A fraction of a tenant that shares its devices with nobody is looked for in two places: among idle devices, in heaps
/// that all such tenants have in common, and on the few nodes where the tenant has fractions already.
/// </remarks>
internal sealed class CandidateIndex(Session session)
{
    private readonly NodeScorers _scorers = new(session.Policy.Scores, ShapeMix.Of(session.Snapshot));
    private readonly Dictionary<(PodShape, ImmutableSortedDictionary<string, string>, bool), RequestClass> _classes = [];

    /// <summary>
    /// The best node for a request among the flavors allowed, or null.
    /// </summary>
    /// <param name="request">What is to be placed.</param>
    /// <param name="allowedFlavors">Whether a flavor, by its number, may be used; not asked for requests without GPUs.</param>
    public NodeState? FindBest(PlacementRequest request, ReadOnlySpan<bool> allowedFlavors)
    {
        var hasGpu = request.Shape.Gpu.IsAny;
        var isOwned = request.DeviceOwner >= 0;
        var best = ClassOf(request, isOwned).Best(allowedFlavors, hasGpu);
        return isOwned ? BestWithOwner(request, allowedFlavors, best) : Node(best);
    }

    private NodeState? Node((long Score, int Item) entry) => entry.Item < 0 ? null : session.Nodes[entry.Item];

    private NodeState? BestWithOwner(PlacementRequest request, ReadOnlySpan<bool> allowedFlavors, (long Score, int Item) best)
    {
        foreach (var index in session.NodesWithOwner(request.DeviceOwner))
        {
            var node = session.Nodes[index];
            if (allowedFlavors[node.Flavor]
                && NodeFilters.PassesDynamic(node.Bindable, request) && NodeFilters.PassesStatic(node.Bindable, request))
            {
                var score = _scorers.Score(node.Bindable, request);
                if (best.Item < 0 || score > best.Score || (score == best.Score && index < best.Item))
                {
                    best = (score, index);
                }
            }
        }

        return Node(best);
    }

    private RequestClass ClassOf(PlacementRequest request, bool isOwned)
    {
        var key = (request.Shape, request.NodePool, isOwned);
        if (!_classes.TryGetValue(key, out var found))
        {
            found = new RequestClass(session, _scorers, isOwned ? request with { DeviceOwner = NodePlane.NoOwner } : request);
            _classes.Add(key, found);
        }

        return found;
    }

    private sealed class RequestClass
    {
        private const int NeverAccepted = -1;

        private readonly Session _session;
        private readonly NodeScorers _scorers;
        private readonly PlacementRequest _request;
        private readonly int[] _versionSeen;
        private readonly IndexedHeap?[] _heaps;
        private int _changesSeen;

        public RequestClass(Session session, NodeScorers scorers, PlacementRequest request)
        {
            _session = session;
            _scorers = scorers;
            _request = request;
            _versionSeen = new int[session.Nodes.Length];
            var positions = new int[session.Nodes.Length];
            Array.Fill(positions, -1);

            // Slot 0 is for nodes without GPUs, slot f + 1 for flavor f.
            _heaps = new IndexedHeap?[session.Flavors.Length + 1];
            foreach (var node in session.Nodes)
            {
                if (NodeFilters.PassesStatic(node.Bindable, request))
                {
                    _heaps[node.Flavor + 1] ??= new IndexedHeap(positions);
                    Evaluate(node);
                }
                else
                {
                    _versionSeen[node.Index] = NeverAccepted;
                }
            }

            _changesSeen = session.Changes.Count;
        }

        public (long Score, int Item) Best(ReadOnlySpan<bool> allowedFlavors, bool hasGpu)
        {
            CatchUp();
            var best = (Score: long.MinValue, Item: -1);
            for (var slot = 0; slot < _heaps.Length; slot++)
            {
                var heap = _heaps[slot];
                if (heap is null || heap.IsEmpty || (hasGpu && (slot == 0 || !allowedFlavors[slot - 1])))
                {
                    continue;
                }

                var top = heap.Top;
                if (best.Item < 0 || top.Score > best.Score || (top.Score == best.Score && top.Item < best.Item))
                {
                    best = top;
                }
            }

            return best;
        }

        private void CatchUp()
        {
            for (; _changesSeen < _session.Changes.Count; _changesSeen++)
            {
                var node = _session.Nodes[_session.Changes[_changesSeen]];
                var seen = _versionSeen[node.Index];
                if (seen != NeverAccepted && seen != node.Version)
                {
                    Evaluate(node);
                }
            }
        }

        private void Evaluate(NodeState node)
        {
            _versionSeen[node.Index] = node.Version;
            var heap = _heaps[node.Flavor + 1]!;
            if (NodeFilters.PassesDynamic(node.Bindable, _request))
            {
                heap.Set(node.Index, _scorers.Score(node.Bindable, _request));
            }
            else
            {
                heap.Remove(node.Index);
            }
        }
    }
}
