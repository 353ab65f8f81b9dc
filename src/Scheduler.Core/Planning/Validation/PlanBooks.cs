using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning.Validation;

/// <summary>
/// A snapshot and a plan, looked up once: who is where, and what the plan does with whom. All checks read it; only names
/// that mean nothing are reported here.
/// </summary>
internal sealed class PlanBooks
{
    private readonly ImmutableArray<InvariantViolation>.Builder _violations;
    private readonly PlacedPod?[][] _placedOf;
    private readonly (int Start, int Count)[] _boundOf;
    private readonly (int Start, int Count)[] _keptOf;

    public PlanBooks(ClusterSnapshot snapshot, SchedulingPolicy policy, Plan plan, ImmutableArray<InvariantViolation>.Builder violations)
    {
        Snapshot = snapshot;
        Policy = policy;
        Plan = plan;
        _violations = violations;
        Tenants = new TenantNode?[snapshot.Workloads.Length];
        Decisions = new int[snapshot.Workloads.Length];
        Nominated = new bool[snapshot.Workloads.Length];
        Bindings = new Bind?[snapshot.Workloads.Length];
        HasTimed = new bool[snapshot.Nodes.Length];
        _placedOf = new PlacedPod?[snapshot.Workloads.Length][];
        _boundOf = new (int, int)[snapshot.Workloads.Length];
        _keptOf = new (int, int)[snapshot.Workloads.Length];
        AddPlaced();
        AddDecisions();
    }

    public ClusterSnapshot Snapshot { get; }

    public SchedulingPolicy Policy { get; }

    public Plan Plan { get; }

    /// <summary>Tenants of the workloads; null where there is none.</summary>
    public TenantNode?[] Tenants { get; }

    /// <summary>Binds and waits of each workload.</summary>
    public int[] Decisions { get; }

    /// <summary>Whether room is kept for a workload by the plan, as a nomination.</summary>
    public bool[] Nominated { get; }

    /// <summary>The bind of each workload, or null.</summary>
    public Bind?[] Bindings { get; }

    /// <summary>Whether a reservation for a known time is on a node.</summary>
    public bool[] HasTimed { get; }

    /// <summary>Pods that hold room.</summary>
    public List<PlacedPod> Placed { get; } = [];

    /// <summary>Pods that are bound.</summary>
    public List<PlannedPod> Bound { get; } = [];

    /// <summary>Pods for which room is kept until others have left.</summary>
    public List<PlannedPod> Kept { get; } = [];

    /// <summary>Pods for which room is reserved from a known time on, by reservation.</summary>
    public List<(Reserve Reserve, int Workload, List<PlannedPod> Pods)> Timed { get; } = [];

    /// <summary>Evictions that name a running workload, with its position.</summary>
    public List<(Evict Evict, int Workload)> Evictions { get; } = [];

    /// <summary>The pods of a workload that the plan binds, or that it keeps room for.</summary>
    public ReadOnlySpan<PlannedPod> PlannedOf(int workload, bool isKept)
    {
        var (list, slices) = isKept ? (Kept, _keptOf) : (Bound, _boundOf);
        var (start, count) = slices[workload];
        return CollectionsMarshal.AsSpan(list).Slice(start, count);
    }

    /// <summary>The pods of a workload that hold room, in the order of its pods; null for those that do not.</summary>
    public ReadOnlySpan<PlacedPod?> PlacedOf(int workload) => _placedOf[workload];

    /// <summary>What the fractions of a tenant mark their devices with.</summary>
    public static int OwnerOf(TenantNode? tenant) =>
        tenant is null ? NodeTally.NoOwner : tenant.Tenant.SharesDevices ? NodeTally.SharedOwner : tenant.Index;

    /// <summary>Why a workload is not planned whatever there is: it has no tenant, is suspended, incomplete or held.</summary>
    public bool IsHeld(int workload)
    {
        var value = Snapshot.Workloads[workload];
        return Tenants[workload] is not { IsSuspended: false } || value.Hold != Hold.None
            || value.CountPods(PodState.Pending) + value.CountPods(PodState.Placed) < value.MinMember;
    }

    /// <summary>Whether other pods decide where the waiting pods of a workload may be: those they name, or those that avoid them.</summary>
    public bool HasNeighbours(Workload workload)
    {
        foreach (var pod in workload.Pods)
        {
            if (pod.State == PodState.Pending && (pod.Shape.Rules is not null
                || (!Snapshot.Exclusions.IsEmpty
                    && Snapshot.Exclusions.Any(term => term.Matches(workload.Namespace, pod.Labels, Snapshot.Namespaces)))))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether any pod of a workload leaves, was told to, or is told by the plan.</summary>
    public bool IsOnTheMove(int workload)
    {
        foreach (var placed in _placedOf[workload])
        {
            if (placed is not null && (placed.IsGoing || placed.IsWithdrawn || placed.Eviction is not null))
            {
                return true;
            }
        }

        return false;
    }

    public void Report(string invariant, string message) => _violations.Add(new(invariant, message));

    private void AddPlaced()
    {
        for (var index = 0; index < Tenants.Length; index++)
        {
            var workload = Snapshot.Workloads[index];
            Tenants[index] = workload.Tenant is { } id && Snapshot.Tenants.TryGet(id, out var tenant) ? tenant : null;
            var owner = OwnerOf(Tenants[index]);
            _placedOf[index] = [];
            for (var position = 0; position < workload.Pods.Length; position++)
            {
                var pod = workload.Pods[position];
                if (pod.Placement is { } placement && Snapshot.TryGetNodeIndex(placement.Node, out var node))
                {
                    var placed = new PlacedPod(pod, index, node, owner) { IsGoing = pod.State == PodState.Leaving || pod.Notice is not null };
                    Placed.Add(placed);
                    if (_placedOf[index].Length == 0)
                    {
                        _placedOf[index] = new PlacedPod?[workload.Pods.Length];
                    }

                    _placedOf[index][position] = placed;
                }
            }

            TellSurplus(index, workload.MinMember);
        }
    }

    /// <summary>The first minMember pods that stay keep a workload running; those that go come last.</summary>
    private void TellSurplus(int workload, int minMember)
    {
        var core = 0;
        foreach (var isGoing in (ReadOnlySpan<bool>)[false, true])
        {
            foreach (var placed in _placedOf[workload])
            {
                if (placed is not null && placed.IsGoing == isGoing)
                {
                    placed.IsSurplus = core++ >= minMember;
                }
            }
        }
    }

    private void AddDecisions()
    {
        var isBinding = false;
        foreach (var decision in Plan.Decisions)
        {
            isBinding |= decision is Bind;
            if (!Snapshot.TryGetWorkloadIndex(decision.Workload, out var workload))
            {
                Report(decision is Bind or Wait ? "W15" : "W6", $"{decision.Workload} is decided about, but is not there");
                continue;
            }

            switch (decision)
            {
                case Bind bind:
                    Decisions[workload]++;
                    Bindings[workload] = bind;
                    var bound = Bound.Count;
                    Add(Bound, workload, bind.Pods, "bound");
                    _boundOf[workload] = (bound, Bound.Count - bound);
                    break;
                case Wait wait:
                    Decisions[workload]++;
                    if (wait.Message.Length == 0)
                    {
                        Report("W15", $"{wait.Workload} waits without a message");
                    }

                    break;
                case Reserve { Kind: ReservationKind.Nomination } reserve:
                    Nominated[workload] = true;
                    var kept = Kept.Count;
                    Add(Kept, workload, reserve.Pods, "kept room for");
                    _keptOf[workload] = (kept, Kept.Count - kept);
                    break;
                case Reserve reserve:
                    AddTimed(reserve, workload);
                    break;
                case Evict evict:
                    AddEviction(evict, workload, isBinding);
                    break;
                case Withdraw withdraw:
                    AddWithdrawal(withdraw, workload);
                    break;
            }
        }
    }

    private void AddTimed(Reserve reserve, int workload)
    {
        var pods = new List<PlannedPod>(reserve.Pods.Length);
        Add(pods, workload, reserve.Pods, "reserved room for");
        Timed.Add((reserve, workload, pods));
        foreach (var pod in pods)
        {
            HasTimed[pod.Node] = true;
        }

        if (reserve.From < Snapshot.Now)
        {
            Report("W13", $"{reserve.Workload} has a reservation that began before now");
        }
    }

    private void Add(List<PlannedPod> pods, int workload, ImmutableArray<PodBinding> bindings, string what)
    {
        var value = Snapshot.Workloads[workload];
        var owner = OwnerOf(Tenants[workload]);
        var seen = -1;
        foreach (var (id, nodeName, devices) in bindings)
        {
            // Both lists are sorted by id: a pod that does not come after the one before is there twice.
            var position = IndexOfPod(value, id);
            if (position <= seen || value.Pods[position].State != PodState.Pending)
            {
                Report("W1", $"pod {id} is {what}, but is not a waiting pod of {value.Id}, or is named twice or out of order");
                continue;
            }

            seen = position;
            if (!Snapshot.TryGetNodeIndex(nodeName, out var node))
            {
                Report("W1", $"pod {id} is {what} on node {nodeName}, which is not there");
                continue;
            }

            pods.Add(new PlannedPod(value.Pods[position], workload, node, devices, owner));
        }
    }

    private void AddEviction(Evict evict, int workload, bool isBinding)
    {
        Evictions.Add((evict, workload));
        if (isBinding)
        {
            Report("W1", $"the eviction of {evict.Workload} comes after a bind; it may be what pays for it");
        }

        if (evict.Deadline != Snapshot.Now + Snapshot.Workloads[workload].PreemptionGrace)
        {
            Report("W3", $"{evict.Workload} is to leave by {evict.Deadline:O}, which is not now plus its grace");
        }

        foreach (var id in evict.Pods)
        {
            if (FindPlaced(workload, id) is not { Pod.State: PodState.Placed } placed)
            {
                Report("W6", $"pod {id} is evicted, but is not a running pod of {evict.Workload}");
            }
            else if (placed.Pod.Notice is not null || placed.Eviction is not null)
            {
                Report("W9", $"pod {id} of {evict.Workload} is told to leave twice");
            }
            else
            {
                placed.Eviction = evict;
            }
        }
    }

    private void AddWithdrawal(Withdraw withdraw, int workload)
    {
        foreach (var id in withdraw.Pods)
        {
            if (FindPlaced(workload, id) is { Pod: { State: PodState.Placed, Notice: not null }, IsWithdrawn: false, Eviction: null } placed)
            {
                placed.IsWithdrawn = true;
                placed.IsGoing = false;
            }
            else
            {
                Report("W9", $"the notice of pod {id} of {withdraw.Workload} is taken back, but it has none");
            }
        }
    }

    private PlacedPod? FindPlaced(int workload, PodId id) =>
        _placedOf[workload].Length > 0 && IndexOfPod(Snapshot.Workloads[workload], id) is >= 0 and var position
            ? _placedOf[workload][position]
            : null;

    private static int IndexOfPod(Workload workload, PodId id)
    {
        var (low, high) = (0, workload.Pods.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = workload.Pods[middle].Id.CompareTo(id);
            if (order == 0)
            {
                return middle;
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return -1;
    }
}
