using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Planning;

/// <summary>
/// A node during a cycle, in three views that are one and the same object as long as nothing is leaving and nothing is
/// kept for anybody:
/// <code>
///   Now      what is free at this moment
///   Later    what will be free once everything that leaves is gone, less what is kept for waiting workloads
///   Bindable free in both: what a pod may be bound to without taking what is kept
/// </code>
/// Changed by <see cref="Session"/> only, which records every change so that a <see cref="Statement"/> can undo it.
/// </summary>
internal sealed class NodeState(Node node, int index, int flavor)
{
    /// <summary>The node as in the snapshot.</summary>
    public Node Node { get; } = node;

    /// <summary>Position in the snapshot's nodes; the order of names.</summary>
    public int Index { get; } = index;

    /// <summary>Index of the flavor in the session's list, or -1 for a node without GPUs.</summary>
    public int Flavor { get; } = flavor;

    /// <summary>Counts changes.</summary>
    public int Version { get; private set; }

    /// <summary>What is free at this moment.</summary>
    public NodePlane Now { get; private set; } = new(node);

    /// <summary>What will be free, less what is kept.</summary>
    public NodePlane Later { get; private set; } = null!;

    /// <summary>What is free in both.</summary>
    public NodePlane Bindable { get; private set; } = null!;

    /// <summary>Ends loading: from here on the views may part.</summary>
    public void Seal()
    {
        Later ??= Now;
        Refresh();
    }

    /// <summary>Takes room now and later (sign 1), or gives it back (sign -1).</summary>
    public void Occupy(PodShape shape, ImmutableArray<int> devices, int owner, int sign)
    {
        Now.Occupy(shape, devices, owner, sign);
        if (Later is not null && !ReferenceEquals(Later, Now))
        {
            Later.Occupy(shape, devices, owner, sign);
        }

        Refresh();
    }

    /// <summary>Takes room in the later view only (sign 1: kept for somebody), or gives it back (sign -1: leaves).</summary>
    public void OccupyLater(PodShape shape, ImmutableArray<int> devices, int owner, int sign)
    {
        if (Later is null || ReferenceEquals(Later, Now))
        {
            Later = Now.Clone();
        }

        Later.Occupy(shape, devices, owner, sign);
        Refresh();
    }

    private void Refresh()
    {
        Version++;
        if (Later is not null)
        {
            Bindable = ReferenceEquals(Later, Now) ? Now : NodePlane.Intersect(Now, Later);
        }
    }
}
