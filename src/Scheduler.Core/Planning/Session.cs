using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning;

/// <summary>
/// The working state of one cycle: what is free on every node and what every tenant uses, first as the snapshot says,
/// then as the actions change it. Actions change it through a <see cref="Statement"/> only.
/// </summary>
internal sealed class Session
{
    private readonly List<int> _changes = [];

    public Session(ClusterSnapshot snapshot, SchedulingPolicy policy)
    {
        Snapshot = snapshot;
        Policy = policy;
        Flavors = FlavorsOf(snapshot);
        Nodes = BuildNodes(snapshot, Flavors);
        Ledger = new QuotaLedger(snapshot.Tenants, Flavors, snapshot.HealthyMilliGpu().Values.Sum(), policy.MaxShareOfClusterPermille);
        FreeMilliGpu = new long[Flavors.Length];
        SessionLoader.PlaceRunning(this);
        foreach (var node in Nodes)
        {
            if (node.Flavor >= 0 && node.Node.IsSchedulable)
            {
                FreeMilliGpu[node.Flavor] += node.FreeMilliGpu();
            }
        }

        SessionLoader.BookRunning(this);
        Candidates = new CandidateIndex(this);
    }

    /// <summary>The input.</summary>
    public ClusterSnapshot Snapshot { get; }

    /// <summary>The policy.</summary>
    public SchedulingPolicy Policy { get; }

    /// <summary>Flavors of nodes and of running work, sorted.</summary>
    public ImmutableArray<FlavorId> Flavors { get; }

    /// <summary>Nodes by their position in the snapshot.</summary>
    public NodeState[] Nodes { get; }

    /// <summary>Usage of the tenants.</summary>
    public QuotaLedger Ledger { get; }

    /// <summary>Where a request fits best.</summary>
    public CandidateIndex Candidates { get; }

    /// <summary>Free milli-GPU on healthy devices of schedulable nodes, by flavor.</summary>
    public long[] FreeMilliGpu { get; }

    /// <summary>Indices of nodes in the order in which they were changed; grows during the cycle.</summary>
    public IReadOnlyList<int> Changes => _changes;

    /// <summary>Position of a tenant in the tree.</summary>
    public TenantNode? TenantOf(Workload workload) =>
        workload.Tenant is { } id && Snapshot.Tenants.TryGet(id, out var node) ? node : null;

    /// <summary>What filters are asked about for a pod of a tenant.</summary>
    public static PlacementRequest RequestFor(PodShape shape, TenantNode tenant)
    {
        var owner = shape.Gpu.Kind != GpuRequestKind.Fraction ? NodeState.NoOwner
            : tenant.Tenant.SharesDevices ? NodeState.SharedOwner
            : tenant.Index;
        return new PlacementRequest(shape, NodePoolOf(tenant), owner);
    }

    /// <summary>Takes room on a node, or with a negative sign gives it back.</summary>
    internal void Occupy(NodeState node, PodShape shape, ImmutableArray<int> devices, int deviceOwner, int sign)
    {
        var freeBefore = node.Node.IsSchedulable ? node.FreeMilliGpu() : 0;
        OccupyUnrecorded(node, shape, devices, deviceOwner, sign);
        if (node.Flavor >= 0 && node.Node.IsSchedulable)
        {
            FreeMilliGpu[node.Flavor] += node.FreeMilliGpu() - freeBefore;
        }

        _changes.Add(node.Index);
    }

    /// <summary>As <see cref="Occupy"/>, while the session is being loaded.</summary>
    internal static void OccupyUnrecorded(NodeState node, PodShape shape, ImmutableArray<int> devices, int deviceOwner, int sign)
    {
        node.FreePods -= sign;
        node.Free = sign > 0 ? node.Free - shape.Requests : node.Free + shape.Requests;
        foreach (var scalar in shape.Scalars)
        {
            var index = node.IndexOfScalar(scalar.Name);
            if (index >= 0)
            {
                node.ScalarFree[index] -= sign * scalar.Amount;
            }
        }

        if (shape.Gpu.Kind == GpuRequestKind.Mig)
        {
            var mig = node.IndexOfMig(shape.Gpu.MigProfile!);
            if (mig >= 0)
            {
                node.MigFree[mig] -= sign * shape.Gpu.Count;
            }

            return;
        }

        foreach (var device in devices)
        {
            node.DeviceFreeMilli[device] -= sign * shape.Gpu.MilliEach;
            if (shape.Gpu.Kind == GpuRequestKind.Fraction)
            {
                node.DeviceOwner[device] = deviceOwner;
            }
        }
    }

    private static ImmutableSortedDictionary<string, string> NodePoolOf(TenantNode tenant)
    {
        for (var node = tenant; node is not null; node = node.Parent)
        {
            if (!node.Tenant.NodePool.IsEmpty)
            {
                return node.Tenant.NodePool;
            }
        }

        return Node.NoLabels;
    }

    private static ImmutableArray<FlavorId> FlavorsOf(ClusterSnapshot snapshot)
    {
        var flavors = new SortedSet<FlavorId>();
        foreach (var node in snapshot.Nodes)
        {
            if (node.HasGpus)
            {
                flavors.Add(node.Flavor);
            }
        }

        return [.. flavors];
    }

    private static NodeState[] BuildNodes(ClusterSnapshot snapshot, ImmutableArray<FlavorId> flavors)
    {
        var nodes = new NodeState[snapshot.Nodes.Length];
        for (var index = 0; index < nodes.Length; index++)
        {
            var node = snapshot.Nodes[index];
            nodes[index] = new NodeState(node, index, node.HasGpus ? flavors.BinarySearch(node.Flavor) : -1);
        }

        return nodes;
    }
}
