using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning.Validation;

/// <summary>
/// W7: nothing that may be preempted waits although it is within its limit and fits what is free and unreserved. Equal
/// pods only, for which it is enough to count.
/// </summary>
internal sealed class ConservationCheck(PlanBooks books, QuotaBooks quota, NodeViews views)
{
    // A node with a reservation for later, or with room that is kept until some have left, is left out whole: part of it may be open,
    // but not for sure.
    private readonly RoomSurvey _open = new(books, quota, node => books.HasTimed[node] || views.IsAwaited(node) ? null : views.Open(node));
    private readonly Dictionary<(int Tenant, Model.PodShape Shape), long> _most = [];
    private long[]? _free;

    public void Check()
    {
        for (var index = 0; index < books.Tenants.Length; index++)
        {
            if (books.Snapshot.Workloads[index].IsPreemptible && WaitingNeed.Of(books, index) is { } need && Most(need) >= need.Pods)
            {
                books.Report("W7", $"{books.Snapshot.Workloads[index].Id} waits, but {need.Pods} more of its pods fit what is free");
            }
        }
    }

    /// <summary>The most pods that nodes and quota let start; with a limit by flavor and one on all, taking what comes is exact.</summary>
    private long Most(in WaitingNeed need)
    {
        if (_most.TryGetValue((need.Tenant.Index, need.Shape), out var known))
        {
            return known;
        }

        var each = need.Shape.Gpu.MilliGpu;
        var most = 0L;
        if (each == 0)
        {
            foreach (var room in _open.Of(need.Shape, need.Tenant))
            {
                most += room;
            }
        }
        else if (Allowed(need.Tenant, quota.Flavors.Length) / each is > 0 and var total)
        {
            for (var flavor = 0; flavor < quota.Flavors.Length && most < total; flavor++)
            {
                var allowed = Allowed(need.Tenant, flavor) / each;
                most += allowed <= 0 ? 0 : Math.Min(allowed, _open.Of(need.Shape, need.Tenant)[flavor]);
            }

            most = Math.Min(most, total);
        }

        _most.Add((need.Tenant.Index, need.Shape), most);
        return most;
    }

    /// <summary>Milli-GPU within the limits, and beside what others do not lend.</summary>
    private long Allowed(TenantNode tenant, int flavor)
    {
        var headroom = quota.Headroom(tenant, flavor);
        return headroom <= 0 ? 0 : Math.Min(headroom, Free()[flavor] - quota.Withheld(tenant, flavor));
    }

    private long[] Free()
    {
        if (_free is not null)
        {
            return _free;
        }

        _free = new long[quota.Width];
        for (var node = 0; node < books.Snapshot.Nodes.Length; node++)
        {
            if (quota.FlavorOf(node) is >= 0 and var flavor && _open.Tally(node) is { IsCertain: true } tally)
            {
                _free[flavor] += tally.FreeMilliGpu;
                _free[^1] += tally.FreeMilliGpu;
            }
        }

        return _free;
    }
}
