using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning.Validation;

/// <summary>What can be said about a standing from the outside.</summary>
internal enum SureStanding
{
    /// <summary>It may have changed within the cycle.</summary>
    Unknown,

    /// <summary>Inside the guarantee, at every moment of the cycle.</summary>
    Guaranteed,

    /// <summary>On burst, at every moment of the cycle.</summary>
    Burst,
}

/// <summary>
/// Tells who has which standing, by the rule: what may not be preempted first, then priority descending, started
/// ascending; each that still fits beside those before it is inside. Cores whole, then surplus pods of cores inside.
/// </summary>
/// <remarks>
/// A cycle may start, send away and displace workloads, and the order in which it did is not in the plan. So there are two
/// sums: the least and the most that can have been inside before a workload. What fits beside the most is inside for sure,
/// what does not fit beside the least is on burst for sure. Where a tenant has no changes the two are equal.
/// </remarks>
internal sealed class StandingCheck(PlanBooks books, QuotaBooks quota)
{
    private readonly List<int>?[] _workloadsOf = new List<int>?[books.Snapshot.Tenants.Nodes.Length];
    private readonly long[]?[] _most = new long[]?[books.Snapshot.Tenants.Nodes.Length];
    private readonly long[]?[] _least = new long[]?[books.Snapshot.Tenants.Nodes.Length];
    private bool _isSorted;

    /// <summary>One that is counted: a core, or a surplus pod.</summary>
    private readonly record struct Entry(int Workload, PlacedPod? Surplus, bool IsWaiting);

    /// <summary>The most that running, bound and kept work of a tenant can have inside its guarantee, by flavor, the total last.</summary>
    public ReadOnlySpan<long> Most(TenantNode tenant)
    {
        Tell(tenant);
        return _most[tenant.Index];
    }

    /// <summary>The least that running work of a tenant has inside its guarantee.</summary>
    public ReadOnlySpan<long> Least(TenantNode tenant)
    {
        Tell(tenant);
        return _least[tenant.Index];
    }

    /// <summary>Whether a use of one flavor fits the guarantee of a tenant beside some sums.</summary>
    public bool Fits(TenantNode tenant, ReadOnlySpan<long> beside, int flavor, long milliGpu)
    {
        var named = quota.Guaranteed(tenant.Index, flavor);
        return (named == QuotaBooks.Unlimited || beside[flavor] + milliGpu <= named)
            && beside[^1] + milliGpu <= quota.Guaranteed(tenant.Index, quota.Flavors.Length);
    }

    /// <summary>Fills in the standing of all pods of a tenant.</summary>
    public void Tell(TenantNode tenant)
    {
        if (_most[tenant.Index] is not null)
        {
            return;
        }

        var most = _most[tenant.Index] = new long[quota.Width];
        var least = _least[tenant.Index] = new long[quota.Width];
        SortByTenant();
        var entries = new List<Entry>();
        foreach (var workload in _workloadsOf[tenant.Index] ?? [])
        {
            AddEntries(workload, entries);
        }

        entries.Sort(Compare);
        var uses = new long[quota.Width];
        // Only what the plan starts or keeps counts for good; what else waits may have been inside for a moment.
        var passing = new long[quota.Width];
        var cores = new Dictionary<int, SureStanding>();
        foreach (var entry in entries)
        {
            if (entry.IsWaiting)
            {
                CountWaiting(entry.Workload, most, passing);
                continue;
            }

            var isForced = SumUses(entry, uses, out var isChanging);
            var standing = isForced ? SureStanding.Burst
                : entry.Surplus is not null && cores[entry.Workload] == SureStanding.Burst ? SureStanding.Burst
                : !FitsAll(tenant, least, passing: null, uses) ? SureStanding.Burst
                : isChanging || (entry.Surplus is not null && cores[entry.Workload] != SureStanding.Guaranteed) ? SureStanding.Unknown
                : FitsAll(tenant, most, passing, uses) ? SureStanding.Guaranteed
                : SureStanding.Unknown;
            Note(entry, standing, cores);
            if (standing != SureStanding.Burst)
            {
                Add(most, uses);
            }

            if (standing == SureStanding.Guaranteed && !IsEvicted(entry))
            {
                Add(least, uses);
            }
        }
    }

    private void SortByTenant()
    {
        if (_isSorted)
        {
            return;
        }

        _isSorted = true;
        for (var workload = 0; workload < books.Tenants.Length; workload++)
        {
            if (books.Tenants[workload] is { } tenant)
            {
                (_workloadsOf[tenant.Index] ??= []).Add(workload);
            }
        }
    }

    private void AddEntries(int workload, List<Entry> entries)
    {
        var (hasCore, hasGpu) = (false, false);
        foreach (var placed in books.PlacedOf(workload))
        {
            hasCore |= placed is not null;
            hasGpu |= placed is { Pod.Shape.Gpu.IsAny: true };
        }

        if (hasCore && hasGpu)
        {
            entries.Add(new Entry(workload, null, IsWaiting: false));
            foreach (var placed in books.PlacedOf(workload))
            {
                if (placed is { IsSurplus: true })
                {
                    entries.Add(new Entry(workload, placed, IsWaiting: false));
                }
            }
        }

        if (books.Snapshot.Workloads[workload].IsPending && !books.IsHeld(workload))
        {
            entries.Add(new Entry(workload, null, IsWaiting: true));
        }
    }

    private int Compare(Entry a, Entry b)
    {
        // What waits may come with its core or as surplus of one that runs: the earlier of the two, to be on the safe side.
        var order = (a.Surplus is not null).CompareTo(b.Surplus is not null);
        order = order != 0 ? order : StandingOrder.Instance.Compare(books.Snapshot.Workloads[a.Workload], books.Snapshot.Workloads[b.Workload]);
        order = order != 0 ? order : a.IsWaiting.CompareTo(b.IsWaiting);
        return order != 0 || a.Surplus is null ? order : a.Surplus.Pod.Id.CompareTo(b.Surplus!.Pod.Id);
    }

    /// <summary>Sums up an entry; says whether it is on burst whatever its order, for it was told to leave before.</summary>
    private bool SumUses(in Entry entry, long[] uses, out bool isChanging)
    {
        Array.Clear(uses);
        isChanging = false;
        var isForced = false;
        foreach (var placed in books.PlacedOf(entry.Workload))
        {
            if (placed is null || (entry.Surplus is null ? placed.IsSurplus : placed != entry.Surplus))
            {
                continue;
            }

            isForced |= placed.IsGoing;
            isChanging |= placed.IsWithdrawn;
            if (quota.FlavorOf(placed.Node) is >= 0 and var flavor)
            {
                uses[flavor] += placed.Pod.Shape.Gpu.MilliGpu;
                uses[^1] += placed.Pod.Shape.Gpu.MilliGpu;
            }
        }

        return isForced;
    }

    /// <summary>What waits may have been started, or kept room for, on any flavor.</summary>
    private void CountWaiting(int workload, long[] most, long[] passing)
    {
        var milliGpu = 0L;
        foreach (var pod in books.Snapshot.Workloads[workload].Pods)
        {
            milliGpu += pod.State == PodState.Pending ? pod.Shape.Gpu.MilliGpu : 0;
        }

        var sums = books.Bindings[workload] is not null || books.Nominated[workload] ? most : passing;
        for (var flavor = 0; flavor < quota.Width; flavor++)
        {
            sums[flavor] += milliGpu;
        }
    }

    private bool FitsAll(TenantNode tenant, long[] beside, long[]? passing, long[] uses)
    {
        for (var flavor = 0; flavor < quota.Width; flavor++)
        {
            var guaranteed = quota.Guaranteed(tenant.Index, flavor);
            var isTotal = flavor == quota.Flavors.Length;
            if ((isTotal || uses[flavor] != 0) && guaranteed != QuotaBooks.Unlimited
                && beside[flavor] + (passing?[flavor] ?? 0) + uses[flavor] > guaranteed)
            {
                return false;
            }
        }

        return true;
    }

    private void Note(in Entry entry, SureStanding standing, Dictionary<int, SureStanding> cores)
    {
        if (entry.Surplus is not null)
        {
            entry.Surplus.Standing = standing;
            return;
        }

        cores[entry.Workload] = standing;
        foreach (var placed in books.PlacedOf(entry.Workload))
        {
            if (placed is { IsSurplus: false })
            {
                placed.Standing = standing;
            }
        }
    }

    private bool IsEvicted(in Entry entry)
    {
        foreach (var placed in books.PlacedOf(entry.Workload))
        {
            if (placed is { Eviction: not null } && (entry.Surplus is null ? !placed.IsSurplus : placed == entry.Surplus))
            {
                return true;
            }
        }

        return false;
    }

    private static void Add(long[] sums, long[] uses)
    {
        for (var flavor = 0; flavor < sums.Length; flavor++)
        {
            sums[flavor] += uses[flavor];
        }
    }
}
