using Scheduler.Core.Feasibility;

namespace Scheduler.Core.Planning;

/// <summary>
/// The nodes that fit a request, best score first, one heap for each flavor. Brought up to date with the nodes that
/// changed since it was last asked: a placement costs a few comparisons, not a walk over all nodes.
/// </summary>
/// <remarks>
/// Empty nodes that are alike have the same score. At first only the one that comes first is evaluated and put into the
/// heap; when that is used, the next one takes its place.
/// </remarks>
internal sealed class NodeHeap
{
    /// <summary>In the list of alike nodes: this is the last.</summary>
    private const int None = -1;

    /// <summary>In the list of alike nodes: this one is not, or no more, one of them.</summary>
    private const int Apart = -2;

    private readonly Session _session;
    private readonly PlacementRequest _request;
    private readonly int[] _versionSeen;
    private readonly int[] _nodeVersionSeen;
    private readonly FilterName?[] _rejection;
    private readonly IndexedHeap?[] _heaps;
    private readonly int[] _positions;
    private readonly bool _looksAtLabels;
    private int[]? _nextAlike;
    private int[] _skipTo = [];
    private bool _isLoaded;

    public NodeHeap(Session session, PlacementRequest request)
    {
        _session = session;
        _request = request;
        _versionSeen = new int[session.Nodes.Length];
        _nodeVersionSeen = new int[session.Nodes.Length];
        _rejection = new FilterName?[session.Nodes.Length];
        _positions = new int[session.Nodes.Length];
        var shape = request.Shape;
        _looksAtLabels = !(shape.NodeSelector.IsEmpty && shape.RequiredTerms.IsEmpty && shape.PreferredTerms.IsEmpty
            && shape.VolumeTerms.IsEmpty && request.NodePool.IsEmpty && request.BurstNodes.IsEmpty);
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

    /// <summary>Takes in every change so far: the list of changes is cut.</summary>
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
            Load();
            return;
        }

        for (; ChangesSeen < _session.Changes.Count; ChangesSeen++)
        {
            var node = _session.Nodes[_session.Changes[ChangesSeen]];
            LetNextAlikeIn(node);
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

    private void Load()
    {
        _isLoaded = true;
        ChangesSeen = _session.Changes.Count;
        if (_looksAtLabels)
        {
            foreach (var node in _session.Nodes)
            {
                EvaluateNode(node);
            }

            return;
        }

        // By kind of node: the last one seen, which the next one follows.
        var last = new Dictionary<int, int>();
        _nextAlike ??= new int[_positions.Length];
        _skipTo = new int[_positions.Length];
        Array.Fill(_nextAlike, Apart);
        foreach (var node in _session.Nodes)
        {
            if (!node.IsPristine)
            {
                EvaluateNode(node);
            }
            else if (last.TryGetValue(node.Kind, out var before))
            {
                _nextAlike[before] = node.Index;
                _nextAlike[node.Index] = None;
                last[node.Kind] = node.Index;
                _rejection[node.Index] = _rejection[before];
                _nodeVersionSeen[node.Index] = node.NodeVersion;
                _versionSeen[node.Index] = node.Version;
            }
            else
            {
                EvaluateNode(node);
                _nextAlike[node.Index] = None;
                last.Add(node.Kind, node.Index);
            }
        }
    }

    /// <summary>A node that changes is one of many alike no more: the next of them that is still empty takes its place.</summary>
    private void LetNextAlikeIn(NodeState node)
    {
        if (_nextAlike is null || _nextAlike[node.Index] < None)
        {
            return;
        }

        var next = _nextAlike[node.Index];
        _nextAlike[node.Index] = Apart;
        if (_positions[node.Index] < 0)
        {
            // It was waiting behind others, which must not stop at it: whoever comes to it goes on.
            _skipTo[node.Index] = next;
            return;
        }

        // Nodes are seen as they are, which may be ahead of the change that is being looked at: one that is in use by now
        // is no successor either.
        while (next >= 0 && (_nextAlike[next] == Apart || !_session.Nodes[next].IsPristine))
        {
            next = _nextAlike[next] == Apart ? _skipTo[next] : _nextAlike[next];
        }

        if (next >= 0)
        {
            EvaluateNode(_session.Nodes[next]);
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
