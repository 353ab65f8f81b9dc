using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning.Validation;

/// <summary>
/// W3: whoever is inside its tenant's guarantee, and would fit once all burst of other tenants is gone, is started or has
/// room made for it. Equal pods only; beside everything that the plan starts and keeps, and beside all of the own tenant.
/// </summary>
internal sealed class GuaranteeCheck(PlanBooks books, QuotaBooks quota, NodeViews views, StandingCheck standing)
{
    /// <summary>Kinds of waiting work that are looked at in one plan: each costs a walk over the nodes.</summary>
    private const int MostKinds = 32;

    private readonly Dictionary<(int Tenant, PodShape Shape), long[]> _rooms = [];
    private NodeTally?[]? _reclaimed;
    private List<PlacedPod>[]? _burstOf;
    private long[]? _borrowed;

    public void Check()
    {
        for (var index = 0; index < books.Tenants.Length; index++)
        {
            if (WaitingNeed.Of(books, index) is { Shape.Gpu.IsAny: true, IsSurplus: false } need
                && books.Snapshot.Workloads[index].MayPreempt
                && (!need.JoinsCore || IsCoreInside(need)) && MayStart(need))
            {
                books.Report("W3", $"{books.Snapshot.Workloads[index].Id} waits, but is inside its guarantee and fits beside what is not borrowed");
            }
        }
    }

    /// <summary>What joins a core has the core's standing.</summary>
    private bool IsCoreInside(in WaitingNeed need)
    {
        standing.Tell(need.Tenant);
        foreach (var placed in books.PlacedOf(need.Workload))
        {
            if (placed is { IsSurplus: false, Standing: not SureStanding.Guaranteed })
            {
                return false;
            }
        }

        return true;
    }

    private bool MayStart(in WaitingNeed need)
    {
        if (Headroom(need.Tenant, quota.Flavors.Length) < need.MilliGpu)
        {
            return false;
        }

        var room = 0L;
        for (var flavor = 0; flavor < quota.Flavors.Length; flavor++)
        {
            if (Headroom(need.Tenant, flavor) >= need.MilliGpu
                && standing.Fits(need.Tenant, standing.Most(need.Tenant), flavor, need.MilliGpu))
            {
                room += RoomFor(need)[flavor];
            }
        }

        return room >= need.Pods;
    }

    /// <summary>What is left below its own limit, and below those of its parents once what others below them borrowed is given back.</summary>
    private long Headroom(TenantNode tenant, int flavor)
    {
        var headroom = quota.OwnHeadroom(tenant, flavor);
        for (var parent = tenant.Parent; parent is not null; parent = parent.Parent)
        {
            if (quota.OwnHeadroom(parent, flavor) is var left && left < headroom)
            {
                LoadReclaimed();
                var byOthers = _borrowed![(parent.Index * quota.Width) + flavor] - _borrowed[(tenant.Index * quota.Width) + flavor];
                headroom = Math.Min(headroom, left + byOthers);
            }
        }

        return headroom;
    }

    private long[] RoomFor(in WaitingNeed need)
    {
        if (_rooms.TryGetValue((need.Tenant.Index, need.Shape), out var room))
        {
            return room;
        }

        room = new long[quota.Width];
        if (_rooms.Count < MostKinds)
        {
            var (tenant, shape) = (need.Tenant, need.Shape);
            LoadReclaimed();
            var own = new Dictionary<int, NodeTally>();
            foreach (var placed in _burstOf![tenant.Index])
            {
                if (_reclaimed![placed.Node] is { } tally)
                {
                    if (!own.TryGetValue(placed.Node, out var back))
                    {
                        own.Add(placed.Node, back = tally.Clone());
                    }

                    back.Take(placed.Pod.Shape, placed.Pod.Placement!.Devices, placed.Owner);
                }
            }

            var counting = new RoomSurvey(books, quota, node => own.GetValueOrDefault(node) ?? _reclaimed![node]);
            counting.Of(shape, tenant).CopyTo(room);
        }

        _rooms.Add((need.Tenant.Index, need.Shape), room);
        return room;
    }

    /// <summary>The nodes without any burst that may be reclaimed. Reserved ones are left out.</summary>
    private void LoadReclaimed()
    {
        if (_reclaimed is not null)
        {
            return;
        }

        foreach (var tenant in books.Snapshot.Tenants.Nodes)
        {
            if (tenant.IsLeaf)
            {
                standing.Tell(tenant);
            }
        }

        _burstOf = new List<PlacedPod>[books.Snapshot.Tenants.Nodes.Length];
        for (var tenant = 0; tenant < _burstOf.Length; tenant++)
        {
            _burstOf[tenant] = [];
        }

        _borrowed = new long[_burstOf.Length * quota.Width];
        _reclaimed = new NodeTally?[books.Snapshot.Nodes.Length];
        var isOwn = new bool[_reclaimed.Length];
        for (var node = 0; node < _reclaimed.Length; node++)
        {
            _reclaimed[node] = books.HasTimed[node] ? null : views.Promised(node);
        }

        foreach (var placed in books.Placed)
        {
            var workload = books.Snapshot.Workloads[placed.Workload];
            if (placed is { IsGoing: false, IsWithdrawn: false, Standing: SureStanding.Burst } && workload is { IsManaged: true, IsPreemptible: true }
                && IsReclaimable(placed) && _reclaimed[placed.Node] is { } tally)
            {
                if (!isOwn[placed.Node])
                {
                    isOwn[placed.Node] = true;
                    _reclaimed[placed.Node] = tally = tally.Clone();
                }

                tally.Give(placed.Pod.Shape, placed.Pod.Placement!.Devices, placed.Owner);
                _burstOf[books.Tenants[placed.Workload]!.Index].Add(placed);
                NoteBorrowed(placed);
            }
        }
    }

    /// <summary>Counts a pod for its tenant and all above it, by flavor, the total last.</summary>
    private void NoteBorrowed(PlacedPod placed)
    {
        var milliGpu = placed.Pod.Shape.Gpu.MilliGpu;
        for (var tenant = books.Tenants[placed.Workload]; tenant is not null; tenant = tenant.Parent)
        {
            _borrowed![(tenant.Index * quota.Width) + quota.Flavors.Length] += milliGpu;
            if (quota.FlavorOf(placed.Node) is >= 0 and var flavor)
            {
                _borrowed[(tenant.Index * quota.Width) + flavor] += milliGpu;
            }
        }
    }

    /// <summary>A surplus pod can go alone. A core can go if all of it is on burst, and then takes its surplus with it.</summary>
    private bool IsReclaimable(PlacedPod pod)
    {
        var hasGpu = false;
        foreach (var placed in books.PlacedOf(pod.Workload))
        {
            hasGpu |= placed is { Pod.Shape.Gpu.IsAny: true };
        }

        return hasGpu;
    }
}
