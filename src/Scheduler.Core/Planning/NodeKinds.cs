using System.Diagnostics.CodeAnalysis;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>
/// Numbers nodes that are alike in everything but name and labels: as long as they are empty, a request that asks for no
/// labels fits all of them equally well.
/// </summary>
internal sealed class NodeKinds
{
    private readonly Dictionary<Node, int> _kinds = new(new Comparer());

    /// <summary>The number of a node's kind.</summary>
    public int Of(Node node)
    {
        if (!_kinds.TryGetValue(node, out var kind))
        {
            _kinds.Add(node, kind = _kinds.Count);
        }

        return kind;
    }

    /// <summary>Forgets all numbers.</summary>
    public void Clear() => _kinds.Clear();

    private sealed class Comparer : IEqualityComparer<Node>
    {
        public bool Equals(Node? x, Node? y) =>
            ReferenceEquals(x, y) || (x is not null && y is not null
                && x.Allocatable == y.Allocatable && x.MaxPods == y.MaxPods && x.Flavor == y.Flavor
                && x.IsReady == y.IsReady && x.IsCordoned == y.IsCordoned && x.IsQuarantined == y.IsQuarantined
                && x.UsedByOthers == y.UsedByOthers && x.PodsOfOthers == y.PodsOfOthers
                && x.Devices.AsSpan().SequenceEqual(y.Devices.AsSpan())
                && x.MigCapacities.AsSpan().SequenceEqual(y.MigCapacities.AsSpan())
                && x.Scalars.AsSpan().SequenceEqual(y.Scalars.AsSpan())
                && x.ScalarsUsedByOthers.AsSpan().SequenceEqual(y.ScalarsUsedByOthers.AsSpan())
                && x.Taints.AsSpan().SequenceEqual(y.Taints.AsSpan()));

        public int GetHashCode([DisallowNull] Node node) =>
            (node.Allocatable.GetHashCode() * 31) + (node.UsedByOthers.GetHashCode() * 17) + (node.Devices.Length * 7) + node.MaxPods;
    }
}
