using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.Core.Scoring;

namespace Scheduler.Core.Planning;

/// <summary>
/// The working state of the planner: what is free on every node, what every tenant uses and who waits, first as the
/// snapshot says, then as the actions of a cycle change it. Actions change it through a <see cref="Statement"/> only.
/// </summary>
/// <remarks>
/// A session lives on: <see cref="Advance"/> takes the next snapshot and builds anew only the nodes and tenants that
/// differ or that the last cycle touched. They are built from lists in a fixed order, so a session that lived long is
/// equal to one made from the same snapshot (a property test holds the two against each other).
/// </remarks>
internal sealed partial class Session
{
    private readonly NodeKinds _kinds = new();
    private readonly List<int> _changes = [];
    private bool _hasNewNodes = true;
    private readonly List<NodeState> _dirtyNodes = [];
    private readonly List<NodeState> _parted = [];
    private readonly List<NodeState> _reserved = [];
    private readonly Dictionary<int, List<int>> _nodesByOwner = [];
    private readonly HashSet<(int Owner, int Node)> _ownersSeen = [];
    private readonly Dictionary<PodId, (Placement At, KeptRoom Room)> _nominations = [];
    private readonly List<StandingEntry> _movedStandings = [];
    private readonly long[] _capacity;
    private readonly long[] _going;
    private readonly long[] _goingOfFlavor;
    private readonly long[] _ending;

    public Session(ClusterSnapshot snapshot, SchedulingPolicy policy)
    {
        Snapshot = snapshot;
        Policy = policy;
        Flavors = FlavorsOf(snapshot);
        Scorers = new NodeScorers(policy.Scores, snapshot.Mix);
        Nodes = new NodeState[snapshot.Nodes.Length];
        for (var index = 0; index < Nodes.Length; index++)
        {
            var node = snapshot.Nodes[index];
            Nodes[index] = new NodeState(node, index, node.HasGpus ? Flavors.BinarySearch(node.Flavor) : -1, _kinds.Of(node));
            MarkDirty(Nodes[index]);
        }

        Ledger = new QuotaLedger(snapshot.Tenants, Flavors, policy.MaxShareOfClusterPermille);
        Tenants = [.. snapshot.Tenants.Nodes.Select(tenant => new TenantQueue(tenant, new StandingBook(Ledger, tenant, _movedStandings)))];
        Entitlement = new long[Tenants.Length];
        UsedBefore = new long[Tenants.Length];
        FreeMilliGpu = new long[Flavors.Length];
        _capacity = new long[Flavors.Length];
        _going = new long[Tenants.Length];
        _goingOfFlavor = new long[Tenants.Length * Flavors.Length];
        _ending = new long[Tenants.Length];
        Topology = new Topology(this);
        Candidates = new CandidateIndex(this);
        Roster = new WorkloadRoster(this);
        Roster.Load(snapshot.Workloads);
        Settle();
    }

    /// <summary>The input.</summary>
    public ClusterSnapshot Snapshot { get; private set; }

    /// <summary>The policy.</summary>
    public SchedulingPolicy Policy { get; }

    /// <summary>Flavors of nodes, sorted. At least one, so that arrays by flavor are never empty.</summary>
    public ImmutableArray<FlavorId> Flavors { get; }

    /// <summary>How good a node is.</summary>
    public NodeScorers Scorers { get; private set; }

    /// <summary>Nodes by their position in the snapshot.</summary>
    public NodeState[] Nodes { get; }

    /// <summary>Usage of the tenants.</summary>
    public QuotaLedger Ledger { get; }

    /// <summary>Tenants by their position in the tree.</summary>
    public TenantQueue[] Tenants { get; }

    /// <summary>Who runs and who waits.</summary>
    public WorkloadRoster Roster { get; }

    /// <summary>Which nodes are close to each other.</summary>
    public Topology Topology { get; }

    /// <summary>Where a request fits best.</summary>
    public CandidateIndex Candidates { get; }

    /// <summary>What each tenant may have now, by index, in milli-GPU of all flavors. Set by the planner's third step.</summary>
    public long[] Entitlement { get; set; }

    /// <summary>What each tenant used when the cycle began, by index, in milli-GPU of all flavors.</summary>
    public long[] UsedBefore { get; }

    /// <summary>Nodes from which something leaves or on which something is kept, so that what will be free differs from what is.</summary>
    public IReadOnlyList<NodeState> PartedNodes => _parted;

    /// <summary>Uses that changed sides of a guarantee in this cycle, in the order in which they did.</summary>
    public IReadOnlyList<StandingEntry> MovedStandings => _movedStandings;

    /// <summary>Nodes with a reservation on them.</summary>
    public IReadOnlyList<NodeState> ReservedNodes => _reserved;

    /// <summary>Reservations of this cycle that were given up again: what they kept others from is free.</summary>
    public int ReservationsCancelled { get; private set; }

    /// <summary>How often this cycle has bound for a tenant that has more than it is entitled to: others may claim it.</summary>
    public int BoundBeyondEntitlement { get; set; }

    /// <summary>How often what this cycle had bound was taken back.</summary>
    public int Unbound { get; private set; }

    /// <summary>Milli-GPU that may be bound on healthy devices of schedulable nodes, by flavor.</summary>
    public long[] FreeMilliGpu { get; }

    /// <summary>Indices of nodes in the order in which they were changed; grows, and is cut between cycles.</summary>
    public IReadOnlyList<int> Changes => _changes;

    /// <summary>Whether another snapshot is of the same nodes and tenants, so that <see cref="Advance"/> can take it.</summary>
    public bool CanAdvance(ClusterSnapshot next)
    {
        if (!ReferenceEquals(next.Tenants, Snapshot.Tenants) || next.Nodes.Length != Nodes.Length)
        {
            return false;
        }

        for (var index = 0; index < Nodes.Length; index++)
        {
            var (before, after) = (Snapshot.Nodes[index], next.Nodes[index]);
            if (!ReferenceEquals(before, after)
                && (before.Name != after.Name || before.Flavor != after.Flavor || before.Devices.Length != after.Devices.Length
                    || before.MigCapacities.Length != after.MigCapacities.Length))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Takes the next snapshot, which must differ in no more than <see cref="CanAdvance"/> allows.</summary>
    public void Advance(ClusterSnapshot next)
    {
        foreach (var node in _parted)
        {
            MarkDirty(node);
        }

        _parted.Clear();
        _reserved.Clear();
        _nominations.Clear();
        _movedStandings.Clear();
        ReservationsCancelled = 0;
        BoundBeyondEntitlement = 0;
        Unbound = 0;
        Roster.ForgetCycle();
        for (var index = 0; index < Nodes.Length; index++)
        {
            if (!ReferenceEquals(next.Nodes[index], Snapshot.Nodes[index]))
            {
                Topology.Forget();
                _hasNewNodes = true;
                Nodes[index].Replace(next.Nodes[index], _kinds.Of(next.Nodes[index]));
                MarkDirty(Nodes[index]);
            }
        }

        if (!next.Mix.Equals(Snapshot.Mix))
        {
            Scorers = new NodeScorers(Policy.Scores, next.Mix);
            Candidates.ForgetScores();
        }

        Roster.Change(Snapshot.Workloads, next.Workloads);
        Snapshot = next;
        Settle();
    }

    /// <summary>The tenant of a workload, or null.</summary>
    public TenantNode? TenantOf(Workload workload) =>
        workload.Tenant is { } id && Snapshot.Tenants.TryGet(id, out var node) ? node : null;

    /// <summary>What filters are asked about for a pod of a tenant.</summary>
    public PlacementRequest RequestFor(PodShape shape, TenantNode tenant) =>
        new(shape, NodePoolOf(tenant), OwnerFor(shape, tenant))
        {
            BurstNodes = Policy.BurstNodes,
        };

    /// <summary>What a pod of a tenant marks its devices with: only fractions do.</summary>
    public static int OwnerFor(PodShape shape, TenantNode? tenant) =>
        shape.Gpu.Kind == GpuRequestKind.Fraction ? OwnerFor(tenant) : NodePlane.NoOwner;

    /// <summary>What fractions of a tenant mark their devices with.</summary>
    public static int OwnerFor(TenantNode? tenant) =>
        tenant is null ? NodePlane.NoOwner
        : tenant.Tenant.SharesDevices ? NodePlane.SharedOwner
        : tenant.Index;

    /// <summary>Nodes on which fractions of an owner have been seen, in no meaningful order.</summary>
    public IReadOnlyList<int> NodesWithOwner(int owner) => _nodesByOwner.TryGetValue(owner, out var nodes) ? nodes : [];

    /// <summary>Milli-GPU of a tenant that is leaving: told to, being deleted, or chosen in this cycle.</summary>
    public long GoingMilliGpu(int tenant) => _going[tenant];

    /// <summary>The part of it that is of one flavor.</summary>
    public long GoingMilliGpu(int tenant, int flavor) => _goingOfFlavor[(tenant * Flavors.Length) + flavor];

    /// <summary>The part of it that leaves for good. What was told to leave will wait again, and so is still asked for.</summary>
    public long EndingMilliGpu(int tenant) => _ending[tenant];

    /// <summary>How far a leaf's use, less what is leaving, is above its entitlement.</summary>
    public long Excess(int tenant) => Ledger.UsedTotal(tenant) - _going[tenant] - Entitlement[tenant];

    /// <summary>How many more pods of a disruption budget may be disrupted, after those chosen in this cycle.</summary>
    public int DisruptionsLeft(string budget)
    {
        var left = Snapshot.DisruptionsAllowed.GetValueOrDefault(budget);
        foreach (var occupant in Roster.Chosen)
        {
            left -= occupant.Owner.Workload.DisruptionBudget == budget ? 1 : 0;
        }

        return Math.Max(0, left);
    }

    /// <summary>Whether room that was kept for a waiting pod is still there; and if so, which.</summary>
    public bool TryGetNomination(PodId pod, out Placement placement)
    {
        var isThere = _nominations.TryGetValue(pod, out var nomination);
        placement = nomination.At;
        return isThere;
    }

    private static bool IsAnyGoing(RunningWorkload running, StandingEntry entry)
    {
        foreach (var occupant in running.Pods)
        {
            if (occupant.Entry == entry && occupant.IsGoing)
            {
                return true;
            }
        }

        return false;
    }

    private void CountGoing(Occupant occupant, int sign = 1)
    {
        var milliGpu = sign * occupant.Pod.Shape.Gpu.MilliGpu;
        for (var tenant = occupant.Owner.Tenant; tenant is not null; tenant = tenant.Parent)
        {
            _going[tenant.Index] += milliGpu;
            if (occupant.Node.Flavor >= 0)
            {
                _goingOfFlavor[(tenant.Index * Flavors.Length) + occupant.Node.Flavor] += milliGpu;
            }

            _ending[tenant.Index] += occupant.Beneficiary is null ? milliGpu : 0;
        }
    }

    private void NoteParted(NodeState node)
    {
        if (!node.IsParted)
        {
            _parted.Add(node);
        }
    }

    private void NoteOwners(NodeState node)
    {
        foreach (var occupant in node.Occupants)
        {
            if (occupant.Pod.Shape.Gpu.Kind == GpuRequestKind.Fraction)
            {
                NoteOwner(node, occupant.DeviceOwner);
            }
        }
    }

    private void NoteOwner(NodeState node, int owner)
    {
        if (owner < 0 || !_ownersSeen.Add((owner, node.Index)))
        {
            return;
        }

        if (!_nodesByOwner.TryGetValue(owner, out var nodes))
        {
            _nodesByOwner.Add(owner, nodes = []);
        }

        nodes.Add(node.Index);
    }

    private void Changed(NodeState node, long freeBefore, int owner)
    {
        FreeMilliGpu[Math.Max(0, node.Flavor)] += CountedFree(node) - freeBefore;
        NoteOwner(node, owner);
        _changes.Add(node.Index);
        MarkDirty(node);
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

        return flavors.Count == 0 ? [FlavorId.Unlabelled] : [.. flavors];
    }
}
