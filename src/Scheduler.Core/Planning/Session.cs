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
    private readonly Dictionary<int, List<int>> _nodesByOwner = [];
    private readonly HashSet<(int Owner, int Node)> _ownersSeen = [];

    private readonly Dictionary<PodId, WorkloadId> _beneficiaries = [];
    private readonly List<NodeState> _parted = [];
    private readonly HashSet<int> _partedSeen = [];
    private readonly StandingBook[] _standings;
    private readonly long[] _going;

    public Session(ClusterSnapshot snapshot, SchedulingPolicy policy)
    {
        _going = new long[snapshot.Tenants.Nodes.Length];
        Entitlement = new long[snapshot.Tenants.Nodes.Length];
        Snapshot = snapshot;
        Policy = policy;
        Flavors = FlavorsOf(snapshot);
        Nodes = BuildNodes(snapshot, Flavors);
        Ledger = new QuotaLedger(snapshot.Tenants, Flavors, snapshot.HealthyMilliGpu(), policy.MaxShareOfClusterPermille);
        FreeMilliGpu = new long[Flavors.Length];
        Withdrawn = SessionLoader.NoticesWithoutNeed(snapshot);
        _standings = [.. snapshot.Tenants.Nodes.Select(tenant => new StandingBook(Ledger, tenant, NoteStanding))];
        Running = SessionLoader.PlaceRunning(this);
        foreach (var node in Nodes)
        {
            node.Seal();
        }

        SessionLoader.ApplyComing(this);
        foreach (var node in Nodes)
        {
            FreeMilliGpu[Math.Max(0, node.Flavor)] += CountedFree(node);
        }

        SessionLoader.BookRunning(this);
        Candidates = new CandidateIndex(this);
    }

    /// <summary>The input.</summary>
    public ClusterSnapshot Snapshot { get; }

    /// <summary>The policy.</summary>
    public SchedulingPolicy Policy { get; }

    /// <summary>Flavors of nodes, sorted. At least one, so that arrays by flavor are never empty.</summary>
    public ImmutableArray<FlavorId> Flavors { get; }

    /// <summary>Nodes by their position in the snapshot.</summary>
    public NodeState[] Nodes { get; }

    /// <summary>Usage of the tenants.</summary>
    public QuotaLedger Ledger { get; }

    /// <summary>Workloads that hold GPUs, with their standing, as the snapshot found them.</summary>
    public RunningWorkloads Running { get; }

    /// <summary>Nodes from which something leaves or on which something is kept, so that what will be free differs from what is.</summary>
    public IReadOnlyList<NodeState> PartedNodes => _parted;

    /// <summary>Whether there are any such nodes.</summary>
    public bool HasComing => _parted.Count > 0;

    /// <summary>Which workloads of a leaf are inside its guarantee.</summary>
    public StandingBook StandingOf(TenantNode tenant) => _standings[tenant.Index];

    /// <summary>Counts pods of a pending workload, which were bound or have room kept, into its tenant's guarantee.</summary>
    public StandingBook.Entry? CountIn(Applicant applicant, IReadOnlyList<PodBinding> pods, bool isSurplus)
    {
        if (!applicant.HasGpu)
        {
            return null;
        }

        var shapes = applicant.Workload.Pods.ToDictionary(pod => pod.Id, pod => pod.Shape);
        var uses = new long[Flavors.Length];
        foreach (var pod in pods)
        {
            if (Snapshot.TryGetNodeIndex(pod.Node, out var index) && Nodes[index].Flavor is >= 0 and var flavor)
            {
                uses[flavor] += shapes[pod.Pod].Gpu.MilliGpu;
            }
        }

        var joinsBurst = !isSurplus && applicant.Running is { CoreEntry: { IsGuaranteed: false } };
        return StandingOf(applicant.Tenant).Insert(applicant.Workload, isSurplus, uses, joinsBurst);
    }

    /// <summary>Pods whose notice is taken back, because whom it was given for no longer waits.</summary>
    public HashSet<PodId> Withdrawn { get; }

    /// <summary>Whether a pod will give its room back: it is leaving, has a notice that stands, or was chosen in this cycle.</summary>
    public bool IsGoing(Pod pod) =>
        pod.State == PodState.Leaving || (pod.Notice is not null && !Withdrawn.Contains(pod.Id)) || Victims.Contains(pod.Id);

    /// <summary>Pods that were chosen as victims in this cycle.</summary>
    public HashSet<PodId> Victims { get; } = [];

    /// <summary>For whom a going pod leaves; null if it goes by itself.</summary>
    public WorkloadId? BeneficiaryOf(Pod pod) =>
        _beneficiaries.TryGetValue(pod.Id, out var chosen) ? chosen
        : pod.Notice is { } notice && !Withdrawn.Contains(pod.Id) ? notice.Beneficiary
        : null;

    internal void SetBeneficiary(Pod pod, WorkloadId beneficiary) => _beneficiaries[pod.Id] = beneficiary;

    /// <summary>Milli-GPU of a leaf that is leaving: told to, being deleted, or chosen in this cycle.</summary>
    public long GoingMilliGpu(int tenant) => _going[tenant];

    /// <summary>What each tenant may have now, by index, in milli-GPU of all flavors. Set by the planner's third step.</summary>
    public long[] Entitlement { get; set; } = [];

    /// <summary>How far a leaf's use, less what is leaving, is above its entitlement.</summary>
    public long Excess(int tenant) => Ledger.UsedTotal(tenant) - _going[tenant] - Entitlement[tenant];

    /// <summary>Counts a pod as going.</summary>
    internal void CountGoing(TenantNode? tenant, Pod pod)
    {
        if (tenant is not null)
        {
            _going[tenant.Index] += pod.Shape.Gpu.MilliGpu;
        }
    }

    /// <summary>Waiting pods for which room is kept in the later view.</summary>
    public HashSet<PodId> Nominations { get; } = [];

    /// <summary>Where a request fits best.</summary>
    public CandidateIndex Candidates { get; }

    /// <summary>Milli-GPU that may be bound on healthy devices of schedulable nodes, by flavor.</summary>
    public long[] FreeMilliGpu { get; }

    /// <summary>Indices of nodes in the order in which they were changed; grows during the cycle.</summary>
    public IReadOnlyList<int> Changes => _changes;

    /// <summary>Position of a tenant in the tree.</summary>
    public TenantNode? TenantOf(Workload workload) =>
        workload.Tenant is { } id && Snapshot.Tenants.TryGet(id, out var node) ? node : null;

    /// <summary>What filters are asked about for a pod of a tenant.</summary>
    public static PlacementRequest RequestFor(PodShape shape, TenantNode tenant) =>
        new(shape, NodePoolOf(tenant), shape.Gpu.Kind == GpuRequestKind.Fraction ? OwnerFor(tenant) : NodePlane.NoOwner);

    /// <summary>What fractions of a tenant mark their devices with.</summary>
    public static int OwnerFor(TenantNode? tenant) =>
        tenant is null ? NodePlane.NoOwner
        : tenant.Tenant.SharesDevices ? NodePlane.SharedOwner
        : tenant.Index;

    /// <summary>Nodes on which fractions of an owner have been seen in this cycle, in no meaningful order.</summary>
    public IReadOnlyList<int> NodesWithOwner(int owner) => _nodesByOwner.TryGetValue(owner, out var nodes) ? nodes : [];

    /// <summary>Takes room now and later (sign 1), or gives it back (sign -1).</summary>
    internal void Occupy(NodeState node, PodShape shape, ImmutableArray<int> devices, int owner, int sign)
    {
        var before = CountedFree(node);
        node.Occupy(shape, devices, owner, sign);
        Changed(node, before, owner);
    }

    /// <summary>Takes room in the later view (sign 1: kept for somebody), or gives it back there (sign -1: leaves).</summary>
    internal void OccupyLater(NodeState node, PodShape shape, ImmutableArray<int> devices, int owner, int sign)
    {
        NoteParted(node);
        var before = CountedFree(node);
        node.OccupyLater(shape, devices, owner, sign);
        Changed(node, before, owner);
    }

    /// <summary>Notes that the views of a node part.</summary>
    internal void NoteParted(NodeState node)
    {
        if (_partedSeen.Add(node.Index))
        {
            _parted.Add(node);
        }
    }

    /// <summary>Notes that an owner has fractions on a node.</summary>
    internal void NoteOwner(NodeState node, int owner)
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

    /// <summary>Who is on which side of the line decides who can be a victim: what was worked out on its nodes is stale.</summary>
    private void NoteStanding(WorkloadId workload)
    {
        if (Candidates is not null && Running.Find(workload) is { } running)
        {
            foreach (var (node, _) in running.Pods)
            {
                _changes.Add(node.Index);
            }
        }
    }

    private static long CountedFree(NodeState node) => node.Node.IsSchedulable && node.Flavor >= 0 ? node.Bindable.FreeMilliGpu : 0;

    private void Changed(NodeState node, long freeBefore, int owner)
    {
        FreeMilliGpu[Math.Max(0, node.Flavor)] += CountedFree(node) - freeBefore;
        NoteOwner(node, owner);
        _changes.Add(node.Index);
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
