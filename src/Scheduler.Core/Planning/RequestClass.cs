using Scheduler.Core.Feasibility;

namespace Scheduler.Core.Planning;

/// <summary>Pods that can run on exactly the same nodes: of one shape, and of tenants between which nodes make no difference.</summary>
internal sealed class RequestClass(int index, PlacementRequest request, NodeHeap heap)
{
    /// <summary>Number of the class in its session.</summary>
    public int Index { get; } = index;

    /// <summary>What filters are asked about.</summary>
    public PlacementRequest Request { get; } = request;

    /// <summary>
    /// Nodes by score. For fractions of a tenant that shares with nobody these are the idle devices, which all such tenants
    /// have in common.
    /// </summary>
    public NodeHeap Heap { get; } = heap;

    /// <summary>Waiting workloads that hold the class; without any it is forgotten some time.</summary>
    public int Users { get; set; }
}

/// <summary>
/// The nodes that fit a request, best score first, one heap for each flavor. Brought up to date with the nodes that
/// changed since it was last asked: a placement costs a few comparisons, not a walk over all nodes.
/// </summary>
internal sealed class NodeHeap
{
    private readonly Session _session;
    private readonly PlacementRequest _request;
    private readonly int[] _versionSeen;
    private readonly int[] _nodeVersionSeen;
    private readonly FilterName?[] _rejection;
    private readonly IndexedHeap?[] _heaps;
    private readonly int[] _positions;
    private bool _isLoaded;

    public NodeHeap(Session session, PlacementRequest request)
    {
        _session = session;
        _request = request;
        _versionSeen = new int[session.Nodes.Length];
        _nodeVersionSeen = new int[session.Nodes.Length];
        _rejection = new FilterName?[session.Nodes.Length];
        _positions = new int[session.Nodes.Length];
        Array.Fill(_positions, -1);

        // Slot 0 is for nodes without GPUs, slot f + 1 for flavor f.
        _heaps = new IndexedHeap?[session.Flavors.Length + 1];
    }

    /// <summary>Entries of <see cref="Session.Changes"/> that the heaps know of.</summary>
    public int ChangesSeen { get; private set; }

    /// <summary>The filter that turns a node away whatever is free on it, or null.</summary>
    public FilterName? StaticRejection(NodeState node)
    {
        if (!_isLoaded)
        {
            CatchUp();
        }

        if (_nodeVersionSeen[node.Index] != node.NodeVersion)
        {
            EvaluateNode(node);
        }

        return _rejection[node.Index];
    }

    /// <summary>The best node among the flavors allowed; Item is -1 if there is none.</summary>
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

    /// <summary>Lets it be filled anew with the next look.</summary>
    public void Forget()
    {
        _isLoaded = false;
        Array.Clear(_heaps);
        Array.Fill(_positions, -1);
    }

    /// <summary>Lets it begin anew with the next look: the list of changes is cut.</summary>
    public void CutChanges()
    {
        if (_isLoaded)
        {
            CatchUp();
            ChangesSeen = 0;
        }
    }

    /// <summary>Looks at the nodes that changed; at all of them the first time.</summary>
    public void CatchUp()
    {
        if (!_isLoaded)
        {
            _isLoaded = true;
            foreach (var node in _session.Nodes)
            {
                EvaluateNode(node);
            }

            ChangesSeen = _session.Changes.Count;
            return;
        }

        for (; ChangesSeen < _session.Changes.Count; ChangesSeen++)
        {
            var node = _session.Nodes[_session.Changes[ChangesSeen]];
            if (_nodeVersionSeen[node.Index] != node.NodeVersion)
            {
                EvaluateNode(node);
            }
            else if (_rejection[node.Index] is null && _versionSeen[node.Index] != node.Version)
            {
                EvaluateRoom(node);
            }
        }
    }

    private void EvaluateNode(NodeState node)
    {
        _nodeVersionSeen[node.Index] = node.NodeVersion;
        _rejection[node.Index] = NodeFilters.FirstStaticRejection(node.Bindable, _request);
        if (_rejection[node.Index] is null)
        {
            _heaps[node.Flavor + 1] ??= new IndexedHeap(_positions);
            EvaluateRoom(node);
        }
        else
        {
            _heaps[node.Flavor + 1]?.Remove(node.Index);
        }
    }

    private void EvaluateRoom(NodeState node)
    {
        _versionSeen[node.Index] = node.Version;
        var heap = _heaps[node.Flavor + 1]!;
        if (NodeFilters.PassesDynamic(node.Bindable, _request))
        {
            heap.Set(node.Index, _session.Scorers.Score(node.Bindable, _request));
        }
        else
        {
            heap.Remove(node.Index);
        }
    }
}
