using Scheduler.Core.Feasibility;
using Scheduler.Core.Scoring;

namespace Scheduler.Core.Planning;

/// <summary>
/// Finds the best node for a request. Requests that are alike share one set of heaps, one for each flavor, which is
/// brought up to date with the nodes that changed since it was last asked: a placement costs a few comparisons, not a
/// walk over all nodes.
/// </summary>
internal sealed class CandidateIndex(Session session)
{
    private readonly NodeScorers _scorers = new(session.Policy.Scores);
    private readonly Dictionary<PlacementRequest, RequestClass> _classes = [];

    /// <summary>
    /// The best node for a request among the flavors allowed, or null.
    /// </summary>
    /// <param name="request">What is to be placed.</param>
    /// <param name="isAllowed">Whether a flavor may be used; asked for requests with GPUs only.</param>
    public NodeState? FindBest(PlacementRequest request, Func<int, bool> isAllowed)
    {
        var requestClass = ClassOf(request);
        requestClass.CatchUp();
        var best = (Score: long.MinValue, Item: -1);
        for (var slot = 0; slot < requestClass.Heaps.Length; slot++)
        {
            var heap = requestClass.Heaps[slot];
            if (heap is null || heap.IsEmpty || (request.Shape.Gpu.IsAny && !isAllowed(slot - 1)))
            {
                continue;
            }

            var top = heap.Top;
            if (best.Item < 0 || top.Score > best.Score || (top.Score == best.Score && top.Item < best.Item))
            {
                best = top;
            }
        }

        return best.Item < 0 ? null : session.Nodes[best.Item];
    }

    private RequestClass ClassOf(PlacementRequest request)
    {
        if (!_classes.TryGetValue(request, out var found))
        {
            found = new RequestClass(session, _scorers, request);
            _classes.Add(request, found);
        }

        return found;
    }

    private sealed class RequestClass
    {
        private readonly Session _session;
        private readonly NodeScorers _scorers;
        private readonly PlacementRequest _request;
        private readonly bool[] _passesStatic;
        private int _changesSeen;

        public RequestClass(Session session, NodeScorers scorers, PlacementRequest request)
        {
            _session = session;
            _scorers = scorers;
            _request = request;
            _passesStatic = new bool[session.Nodes.Length];
            var positions = new int[session.Nodes.Length];
            Array.Fill(positions, -1);

            // Slot 0 is for nodes without GPUs, slot f + 1 for flavor f.
            Heaps = new IndexedHeap?[session.Flavors.Length + 1];
            foreach (var node in session.Nodes)
            {
                if (NodeFilters.PassesStatic(node, request))
                {
                    _passesStatic[node.Index] = true;
                    Heaps[node.Flavor + 1] ??= new IndexedHeap(positions);
                    Evaluate(node);
                }
            }

            _changesSeen = session.Changes.Count;
        }

        public IndexedHeap?[] Heaps { get; }

        public void CatchUp()
        {
            for (; _changesSeen < _session.Changes.Count; _changesSeen++)
            {
                var node = _session.Nodes[_session.Changes[_changesSeen]];
                if (_passesStatic[node.Index])
                {
                    Evaluate(node);
                }
            }
        }

        private void Evaluate(NodeState node)
        {
            var heap = Heaps[node.Flavor + 1]!;
            if (NodeFilters.PassesDynamic(node, _request))
            {
                heap.Set(node.Index, _scorers.Score(node, _request));
            }
            else
            {
                heap.Remove(node.Index);
            }
        }
    }
}
