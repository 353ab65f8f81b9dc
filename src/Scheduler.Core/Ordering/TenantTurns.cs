using Scheduler.Core.Quota;

namespace Scheduler.Core.Ordering;

/// <summary>
/// Whose turn it is, kept in order while shares change: a heap of leaves for guaranteed demand, and a heap at every inner
/// tenant for burst demand, so that a subtree gets its share whatever its number of leaves.
/// </summary>
internal sealed class TenantTurns
{
    private readonly TenantHeap?[] _heaps;
    private readonly TenantHeap _top;
    private readonly bool _isFlat;

    private TenantTurns(TenantTree tree, IEnumerable<TenantNode> leaves, Comparison<TenantNode> order, bool isFlat)
    {
        _isFlat = isFlat;
        _heaps = new TenantHeap?[tree.Nodes.Length];
        _top = new TenantHeap(order);
        foreach (var leaf in leaves)
        {
            for (var node = leaf; node is not null; node = node.Parent)
            {
                var above = isFlat || node.Parent is null ? _top : _heaps[node.Parent.Index] ??= new TenantHeap(order);
                if (!above.TryAdd(node) || isFlat)
                {
                    break;
                }
            }
        }
    }

    /// <summary>Lowest usage in proportion to the guarantee first.</summary>
    public static TenantTurns ForGuarantees(TenantTree tree, IEnumerable<TenantNode> leaves, QuotaLedger ledger) =>
        ForGuarantees(tree, leaves, ledger, ledger.UsedGuaranteedTotal);

    /// <summary>The same, by usage that is counted elsewhere.</summary>
    public static TenantTurns ForGuarantees(TenantTree tree, IEnumerable<TenantNode> leaves, QuotaLedger ledger, Func<int, long> inside) =>
        new(tree, leaves, (a, b) => TenantOrder.CompareGuaranteed(inside, ledger, a, b), isFlat: true);

    /// <summary>Lowest burst in proportion to the weight first.</summary>
    /// <param name="tree">The tenants.</param>
    /// <param name="leaves">Those that take part.</param>
    /// <param name="burst">Milli-GPU above the guarantee of a tenant and all below it, by index.</param>
    public static TenantTurns ForBurst(TenantTree tree, IEnumerable<TenantNode> leaves, Func<int, long> burst) =>
        new(tree, leaves, (a, b) => TenantOrder.CompareSiblings(burst, a, b), isFlat: false);

    /// <summary>The leaf whose turn it is, or null if nobody takes part any more.</summary>
    public TenantNode? Next
    {
        get
        {
            var next = _top.First;
            while (next is { IsLeaf: false })
            {
                next = _heaps[next.Index]!.First;
            }

            return next;
        }
    }

    /// <summary>Puts a leaf in its place again, after its use or that of another below the same inner tenant changed.</summary>
    public void Renew(TenantNode leaf)
    {
        for (var node = leaf; node is not null; node = node.Parent)
        {
            (_isFlat || node.Parent is null ? _top : _heaps[node.Parent.Index])?.Renew(node);
            if (_isFlat)
            {
                return;
            }
        }
    }

    /// <summary>Puts all in their places again, after the use of several changed.</summary>
    public void RenewAll()
    {
        _top.RenewAll();
        foreach (var heap in _heaps)
        {
            heap?.RenewAll();
        }
    }

    /// <summary>Takes a leaf out.</summary>
    public void Remove(TenantNode leaf)
    {
        for (var node = leaf; node is not null; node = node.Parent)
        {
            var above = _isFlat || node.Parent is null ? _top : _heaps[node.Parent.Index]!;
            above.Remove(node);
            if (_isFlat || above.First is not null)
            {
                return;
            }
        }
    }

    /// <summary>A binary heap of tenants that knows where each is.</summary>
    private sealed class TenantHeap(Comparison<TenantNode> order)
    {
        private readonly List<TenantNode> _nodes = [];
        private readonly Dictionary<int, int> _positions = [];

        public TenantNode? First => _nodes.Count == 0 ? null : _nodes[0];

        public bool TryAdd(TenantNode node)
        {
            if (!_positions.TryAdd(node.Index, _nodes.Count))
            {
                return false;
            }

            _nodes.Add(node);
            Up(_nodes.Count - 1);
            return true;
        }

        public void Renew(TenantNode node)
        {
            if (_positions.TryGetValue(node.Index, out var position))
            {
                Down(Up(position));
            }
        }

        public void RenewAll()
        {
            for (var position = (_nodes.Count / 2) - 1; position >= 0; position--)
            {
                Down(position);
            }
        }

        public void Remove(TenantNode node)
        {
            if (!_positions.Remove(node.Index, out var position))
            {
                return;
            }

            var last = _nodes[^1];
            _nodes.RemoveAt(_nodes.Count - 1);
            if (last != node)
            {
                Put(last, position);
                Down(Up(position));
            }
        }

        private int Up(int position)
        {
            var node = _nodes[position];
            while (position > 0 && order(node, _nodes[(position - 1) / 2]) < 0)
            {
                Put(_nodes[(position - 1) / 2], position);
                position = (position - 1) / 2;
            }

            Put(node, position);
            return position;
        }

        private void Down(int position)
        {
            var node = _nodes[position];
            while (true)
            {
                var child = (2 * position) + 1;
                if (child + 1 < _nodes.Count && order(_nodes[child + 1], _nodes[child]) < 0)
                {
                    child++;
                }

                if (child >= _nodes.Count || order(_nodes[child], node) >= 0)
                {
                    break;
                }

                Put(_nodes[child], position);
                position = child;
            }

            Put(node, position);
        }

        private void Put(TenantNode node, int position)
        {
            _nodes[position] = node;
            _positions[node.Index] = position;
        }
    }
}
