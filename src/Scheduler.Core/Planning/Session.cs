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
internal sealed class Session
{
    private readonly NodeKinds _kinds = new();
    private readonly List<int> _changes = [];
    private readonly List<NodeState> _dirtyNodes = [];
    private readonly List<NodeState> _parted = [];
    private readonly List<NodeState> _reserved = [];
    private readonly Dictionary<int, List<int>> _nodesByOwner = [];
    private readonly HashSet<(int Owner, int Node)> _ownersSeen = [];
    private readonly Dictionary<PodId, (Placement At, int Owner)> _nominations = [];
    private readonly List<StandingEntry> _movedStandings = [];
    private readonly long[] _going;
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
        _going = new long[Tenants.Length];
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
        new(shape, NodePoolOf(tenant), shape.Gpu.Kind == GpuRequestKind.Fraction ? OwnerFor(tenant) : NodePlane.NoOwner)
        {
            BurstNodes = Policy.BurstNodes,
        };

    /// <summary>What fractions of a tenant mark their devices with.</summary>
    public static int OwnerFor(TenantNode? tenant) =>
        tenant is null ? NodePlane.NoOwner
        : tenant.Tenant.SharesDevices ? NodePlane.SharedOwner
        : tenant.Index;

    /// <summary>Nodes on which fractions of an owner have been seen, in no meaningful order.</summary>
    public IReadOnlyList<int> NodesWithOwner(int owner) => _nodesByOwner.TryGetValue(owner, out var nodes) ? nodes : [];

    /// <summary>Milli-GPU of a tenant that is leaving: told to, being deleted, or chosen in this cycle.</summary>
    public long GoingMilliGpu(int tenant) => _going[tenant];

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

    /// <summary>Gives back the room that was kept for a waiting pod, if it was.</summary>
    internal void Release(PodId pod)
    {
        if (_nominations.Remove(pod, out var nomination))
        {
            var (at, owner) = nomination;
            OccupyLater(at.Node, at.Pod.Shape, at.Devices, owner, sign: -1);
        }
    }

    /// <summary>Takes room now and later (sign 1), or gives it back (sign -1).</summary>
    internal void Occupy(NodeState node, PodShape shape, ImmutableArray<int> devices, int owner, int sign, bool isBrief)
    {
        var before = CountedFree(node);
        node.Occupy(shape, devices, owner, sign, isBrief);
        Changed(node, before, shape.Gpu.Kind == GpuRequestKind.Fraction ? owner : NodePlane.NoOwner);
    }

    /// <summary>Takes room in the later view (sign 1: kept for somebody), or gives it back there (sign -1: leaves).</summary>
    internal void OccupyLater(NodeState node, PodShape shape, ImmutableArray<int> devices, int owner, int sign)
    {
        NoteParted(node);
        var before = CountedFree(node);
        node.OccupyLater(shape, devices, owner, sign);
        Changed(node, before, shape.Gpu.Kind == GpuRequestKind.Fraction ? owner : NodePlane.NoOwner);
    }

    /// <summary>Puts a reservation on a node.</summary>
    internal void Reserve(NodeState node, TimedReservation reservation, NodePlane atStart)
    {
        var before = CountedFree(node);
        node.Reserve(reservation, atStart);
        _reserved.Add(node);
        Changed(node, before, NodePlane.NoOwner);
    }

    /// <summary>Gives up the reservation of a workload, if it has one: it has found room otherwise.</summary>
    internal void CancelReservation(Applicant applicant)
    {
        if (applicant.Reservation is null)
        {
            return;
        }

        foreach (var node in _reserved.Where(node => node.Reservation!.Holder == applicant).ToArray())
        {
            var before = CountedFree(node);
            node.CancelReservation();
            _reserved.Remove(node);
            Changed(node, before, NodePlane.NoOwner);
        }

        applicant.Reservation = null;
        Tenants[applicant.Tenant.Index].Reservations--;
        ReservationsCancelled++;
        foreach (var tenant in Tenants)
        {
            tenant.ForgetMisfits();
        }
    }

    /// <summary>A running pod is to leave: for the rest of the cycle it is going.</summary>
    internal void SendAway(Occupant occupant, WorkloadId beneficiary)
    {
        occupant.IsGoing = true;
        occupant.Beneficiary = beneficiary;
        Roster.Withdrawn.Remove(occupant);
        CountGoing(occupant);
        Roster.NoteChosen(occupant);
        OccupyLater(occupant.Node, occupant.Pod.Shape, occupant.Devices, occupant.DeviceOwner, sign: -1);
    }

    /// <summary>
    /// Takes the notices of some pods of a workload back, if nobody's room depends on them: what was kept meanwhile may
    /// count on their leaving.
    /// </summary>
    internal void TryWithdraw(IReadOnlyList<Occupant> occupants)
    {
        for (var index = 0; index < occupants.Count; index++)
        {
            var occupant = occupants[index];
            if (!PodRoom.Fits(occupant.Node.Later, occupant.Pod.Shape, occupant.Devices, occupant.DeviceOwner))
            {
                for (index--; index >= 0; index--)
                {
                    Return(occupants[index], sign: -1);
                }

                return;
            }

            Return(occupant, sign: 1);
        }

        foreach (var occupant in occupants)
        {
            occupant.IsGoing = false;
            CountGoing(occupant, sign: -1);
            Roster.Withdrawn.Add(occupant);
        }

        foreach (var occupant in occupants)
        {
            if (occupant.Owner.Tenant is { } tenant && occupant.Entry is { } entry)
            {
                Tenants[tenant.Index].IsDirty = true;
                Tenants[tenant.Index].Book.Free(entry, isStillGoing: IsAnyGoing(occupant.Owner, entry));
            }
        }
    }

    private void Return(Occupant occupant, int sign) =>
        OccupyLater(occupant.Node, occupant.Pod.Shape, occupant.Devices, occupant.DeviceOwner, sign);

    /// <summary>Counts pods of a pending workload, which were bound or have room kept, into its tenant's guarantee.</summary>
    internal void CountIn(Applicant applicant, ReadOnlySpan<Placement> pods, bool isSurplus)
    {
        if (!applicant.HasGpu)
        {
            return;
        }

        var uses = new long[Flavors.Length];
        foreach (var (pod, node, _, _) in pods)
        {
            if (node.Flavor >= 0)
            {
                uses[node.Flavor] += pod.Shape.Gpu.MilliGpu;
            }
        }

        var core = applicant.CoreEntry;
        var entry = new StandingEntry(applicant.Workload, isSurplus ? core : null, uses)
        {
            IsSurplus = isSurplus,
            FirstPod = pods[0].Pod.Id,
            IsForcedToBurst = !isSurplus && applicant.JoinsBurst,
        };
        Tenants[applicant.Tenant.Index].Book.Insert(entry);
        applicant.Note(entry);
    }

    /// <summary>Takes back what this cycle has bound of a workload: it waits again.</summary>
    internal void Unbind(Applicant applicant)
    {
        foreach (var (pod, node, devices, isBrief) in applicant.Bound)
        {
            var owner = pod.Shape.Gpu.Kind == GpuRequestKind.Fraction ? OwnerFor(applicant.Tenant) : NodePlane.NoOwner;
            Occupy(node, pod.Shape, devices, owner, sign: -1, isBrief);
            if (pod.Shape.Gpu.IsAny)
            {
                Ledger.Book(applicant.Tenant.Index, node.Flavor, -pod.Shape.Gpu.MilliGpu);
            }
        }

        foreach (var entry in applicant.Entries)
        {
            Tenants[applicant.Tenant.Index].Book.Remove(entry);
        }

        Unbound++;
        applicant.Unbind();
    }

    /// <summary>Notes that the cycle does something about a workload.</summary>
    internal void Touch(Applicant applicant)
    {
        if (!applicant.IsTouched)
        {
            applicant.IsTouched = true;
            Tenants[applicant.Tenant.Index].Touched.Add(applicant);
        }
    }

    /// <summary>What may be taken on a node is other than before, though what is free is not.</summary>
    internal void NoteChange(NodeState node) => _changes.Add(node.Index);

    /// <summary>Marks a node to be built anew.</summary>
    internal void MarkDirty(NodeState node)
    {
        if (!node.IsDirty)
        {
            node.IsDirty = true;
            _dirtyNodes.Add(node);
        }
    }

    private static long CountedFree(NodeState node) => node.Node.IsSchedulable && node.Flavor >= 0 ? node.Bindable.FreeMilliGpu : 0;

    /// <summary>Builds everything that is dirty, and the sums over it.</summary>
    private void Settle()
    {
        Roster.TellWhoIsGoing();
        foreach (var node in _dirtyNodes)
        {
            node.IsDirty = false;
            node.Rebuild();
            NoteOwners(node);
            _changes.Add(node.Index);
            if (node.IsParted)
            {
                _parted.Add(node);
            }
        }

        _dirtyNodes.Clear();
        if (_changes.Count > (4 * Nodes.Length) + 4096 || Candidates.IsCrowded)
        {
            Candidates.Compact();
            _changes.Clear();
            RenumberKinds();
        }

        ApplyNominations();
        _parted.Sort((a, b) => a.Index.CompareTo(b.Index));
        SumFree();
        SumUsage();
    }

    /// <summary>Forgets kinds that no node is of any more.</summary>
    private void RenumberKinds()
    {
        _kinds.Clear();
        foreach (var node in Nodes)
        {
            node.Renumber(_kinds.Of(node.Node));
        }
    }

    private void ApplyNominations()
    {
        foreach (var (workload, pod) in Roster.Nominated)
        {
            var nomination = pod.Nomination!;
            var owner = pod.Shape.Gpu.Kind == GpuRequestKind.Fraction ? OwnerFor(TenantOf(workload)) : NodePlane.NoOwner;
            if (Snapshot.TryGetNodeIndex(nomination.Node, out var index) && HasRoom(Nodes[index], pod, nomination, owner))
            {
                OccupyLater(Nodes[index], pod.Shape, nomination.Devices, owner, sign: 1);
                _nominations.Add(pod.Id, (new Placement(pod, Nodes[index], nomination.Devices), owner));
            }
        }
    }

    /// <summary>Whether kept room is still there: the node may have shrunk, or fallen sick, since it was kept.</summary>
    private static bool HasRoom(NodeState node, Pod pod, PodPlacement nomination, int owner)
    {
        if (!node.Node.IsSchedulable
            || (pod.Shape.Gpu.Kind is GpuRequestKind.Whole or GpuRequestKind.Fraction && !Occupant.AreOn(node.Node, nomination.Devices)))
        {
            return false;
        }

        foreach (var device in nomination.Devices)
        {
            if (!node.Later.IsHealthy(device))
            {
                return false;
            }
        }

        return PodRoom.Fits(node.Later, pod.Shape, nomination.Devices, owner);
    }

    private void SumFree()
    {
        Array.Clear(FreeMilliGpu);
        var capacity = new long[Flavors.Length];
        foreach (var node in Nodes)
        {
            if (node.Flavor >= 0)
            {
                FreeMilliGpu[node.Flavor] += CountedFree(node);
                capacity[node.Flavor] += node.Node.HealthyMilliGpu;
            }
        }

        if (Ledger.SetCapacity(capacity))
        {
            foreach (var tenant in Tenants)
            {
                tenant.IsDirty = true;
            }
        }
    }

    private void SumUsage()
    {
        Ledger.ClearUsage();
        Array.Clear(_going);
        Array.Clear(_ending);
        foreach (var tenant in Tenants)
        {
            tenant.ForgetMisfits();
            if (tenant.IsDirty)
            {
                tenant.IsDirty = false;
                LoadBook(tenant);
            }

            tenant.Book.Book();
        }

        foreach (var tenant in Tenants)
        {
            UsedBefore[tenant.Tenant.Index] = Ledger.UsedTotal(tenant.Tenant.Index);
        }

        foreach (var occupant in Roster.Going)
        {
            CountGoing(occupant);
        }
    }

    /// <summary>Counts what runs into the tenant's guarantee: the core of each workload whole, its surplus pod by pod.</summary>
    private void LoadBook(TenantQueue tenant)
    {
        var entries = new List<StandingEntry>(tenant.Running.Count);
        foreach (var running in tenant.Running)
        {
            if (!running.HasGpu)
            {
                continue;
            }

            running.CoreEntry = EntryFor(running.Workload, core: null, running.Core);
            entries.Add(running.CoreEntry);
            foreach (var occupant in running.Surplus)
            {
                entries.Add(EntryFor(running.Workload, running.CoreEntry, [occupant]));
            }
        }

        tenant.Book.Load(entries);
    }

    private StandingEntry EntryFor(Workload workload, StandingEntry? core, IReadOnlyList<Occupant> pods)
    {
        var uses = new long[Flavors.Length];
        var isGoing = false;
        foreach (var occupant in pods)
        {
            isGoing |= occupant.IsGoing;
            if (occupant.Node.Flavor >= 0)
            {
                uses[occupant.Node.Flavor] += occupant.Pod.Shape.Gpu.MilliGpu;
            }
        }

        var entry = new StandingEntry(workload, core, uses)
        {
            IsSurplus = core is not null,
            FirstPod = pods.Count == 0 ? default : pods[0].Pod.Id,
            IsForcedToBurst = isGoing,
        };
        foreach (var occupant in pods)
        {
            occupant.Entry = entry;
        }

        return entry;
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
