using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Daemon.Cache;

/// <summary>
/// Nodes that kube-scheduler did not offer for a pod though they were chosen for it: they are not chosen again for a while, longer
/// each time. Not safe for concurrent use: ClusterCache holds its lock.
/// </summary>
internal sealed class NodeRefusals(TimeSpan first, TimeSpan cap, TimeProvider time)
{
    /// <summary>Nodes remembered for one pod; the one that ends first makes way for another.</summary>
    public const int MaxNodes = 32;

    private readonly Dictionary<PodId, Dictionary<NodeName, (int Times, DateTimeOffset Until)>> _byPod = [];
    private readonly PriorityQueue<PodId, (DateTimeOffset Until, long Sequence)> _due = new();
    private long _sequence;

    /// <summary>When the next refusal ends; null if there is none.</summary>
    public DateTimeOffset? NextDue => _due.TryPeek(out _, out var priority) ? priority.Until : null;

    /// <summary>Remembers a refusal.</summary>
    /// <returns>Until when it counts.</returns>
    public DateTimeOffset Refuse(PodId pod, NodeName node)
    {
        if (!_byPod.TryGetValue(pod, out var nodes))
            _byPod[pod] = nodes = [];
        var times = nodes.TryGetValue(node, out var before) ? before.Times + 1 : 1;
        if (times == 1 && nodes.Count >= MaxNodes)
            nodes.Remove(nodes.MinBy(entry => (entry.Value.Until, entry.Key)).Key);
        var wait = TimeSpan.FromTicks((long)Math.Min(cap.Ticks, first.Ticks * Math.Pow(2, Math.Min(times - 1, 30))));
        var until = time.GetUtcNow() + wait;
        nodes[node] = (times, until);
        _due.Enqueue(pod, (until, _sequence++));
        return until;
    }

    /// <summary>Nodes that are not to be chosen now, by name.</summary>
    public ImmutableArray<NodeName> Of(PodId pod)
    {
        if (!_byPod.TryGetValue(pod, out var nodes))
            return [];
        var now = time.GetUtcNow();
        return [.. nodes.Where(entry => entry.Value.Until > now).Select(entry => entry.Key).Order()];
    }

    /// <summary>It is bound, or gone.</summary>
    public void Clear(PodId pod) => _byPod.Remove(pod);

    /// <summary>Pods of which a refusal has ended. How often a node was refused is remembered until the pod is bound.</summary>
    public List<PodId> TakeDue()
    {
        var due = new List<PodId>();
        var now = time.GetUtcNow();
        while (_due.TryPeek(out var pod, out var priority) && priority.Until <= now)
        {
            _due.Dequeue();
            if (_byPod.ContainsKey(pod))
                due.Add(pod);
        }

        return due;
    }

    /// <summary>The shape with these nodes ruled out: a requirement more in each term of the node affinity.</summary>
    public static PodShape Without(PodShape shape, ImmutableArray<NodeName> nodes)
    {
        if (nodes.IsEmpty)
            return shape;
        var elsewhere = new SelectorRequirement(SelectorRequirement.NameField, SelectorOperator.NotIn, [.. nodes.Select(node => node.Value)]);
        ImmutableArray<NodeSelectorTerm> terms = shape.RequiredTerms.IsEmpty
            ? [new NodeSelectorTerm([], [elsewhere])]
            // A term without any requirement matches nothing, and must not begin to match now.
            : [.. shape.RequiredTerms.Select(term => term.Labels.IsEmpty && term.Fields.IsEmpty ? term : term with { Fields = term.Fields.Add(elsewhere) })];
        return PodShape.Create(shape.Requests, shape.Gpu, shape.Scalars, shape.NodeSelector, terms, shape.PreferredTerms, shape.Tolerations,
            shape.VolumeTerms, shape.Rules);
    }
}
