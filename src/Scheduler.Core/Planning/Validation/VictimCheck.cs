using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning.Validation;

/// <summary>
/// W4: other tenants lose burst only. W5: the own one loses lower priority only, and across tenants no higher class goes
/// where lower ones are enough. W6: nobody goes in vain.
/// </summary>
internal sealed class VictimCheck(PlanBooks books, QuotaBooks quota, NodeViews views, StandingCheck standing)
{
    /// <summary>Plans in which lower classes may have been enough are rare; each look walks over all of them.</summary>
    private const int MostExactLooks = 16;

    // Room that others wait for is out of reach, and so is a node that is reserved for later.
    private readonly RoomSurvey _promised = new(books, quota, node => books.HasTimed[node] ? null : views.Promised(node));
    private readonly Dictionary<int, (List<PlacedPod> Pods, RoomSurvey Survey)> _lowers = [];
    private int _exactLooks;

    public void Check()
    {
        var byBeneficiary = new SortedDictionary<int, List<PlacedPod>>();
        foreach (var (evict, workload) in books.Evictions)
        {
            if (!books.Snapshot.TryGetWorkloadIndex(evict.Beneficiary, out var beneficiary)
                || !books.Snapshot.Workloads[beneficiary].IsPending || books.Tenants[beneficiary] is null)
            {
                books.Report("W6", $"{evict.Workload} is evicted for {evict.Beneficiary}, which does not wait");
                continue;
            }

            CheckRight(evict, workload, beneficiary);
            if (!byBeneficiary.TryGetValue(beneficiary, out var victims))
            {
                byBeneficiary.Add(beneficiary, victims = []);
            }

            foreach (var placed in books.PlacedOf(workload))
            {
                if (placed is not null && placed.Eviction == evict)
                {
                    victims.Add(placed);
                }
            }
        }

        foreach (var (beneficiary, victims) in byBeneficiary)
        {
            if (WaitingNeed.BeforePlan(books, beneficiary) is { } need && PlacesOf(need) is { IsEmpty: false } places)
            {
                CheckClasses(need, places, victims);
                CheckNeed(need, places, victims);
            }
        }
    }

    /// <summary>Whether the one may be taken for the other at all.</summary>
    private void CheckRight(Evict evict, int workload, int beneficiary)
    {
        var victim = books.Snapshot.Workloads[workload];
        var isOwn = books.Tenants[workload] == books.Tenants[beneficiary];
        if (!victim.IsManaged || !victim.IsPreemptible)
        {
            books.Report(isOwn ? "W5" : "W4", $"{victim.Id} is evicted for {evict.Beneficiary}, but may not be preempted");
            return;
        }

        if (isOwn)
        {
            if (victim.Priority >= books.Snapshot.Workloads[beneficiary].Priority)
            {
                books.Report("W5", $"{victim.Id} is evicted for {evict.Beneficiary} of the same tenant, which has no higher priority");
            }

            return;
        }

        if (books.Tenants[workload] is not { } tenant)
        {
            books.Report("W4", $"{victim.Id} is evicted for {evict.Beneficiary}, but is no tenant's");
            return;
        }

        standing.Tell(tenant);
        var (stops, isInside) = (false, false);
        foreach (var placed in books.PlacedOf(workload))
        {
            if (placed is not null && placed.Eviction == evict)
            {
                stops |= !placed.IsSurplus;
                isInside |= placed.Standing == SureStanding.Guaranteed;
            }
        }

        // If the core goes, its surplus goes with it, whatever that counts as: it cannot be inside without the core.
        if (isInside)
        {
            books.Report("W4", $"{victim.Id} is evicted for {evict.Beneficiary} of another tenant, but {(stops ? "it" : "a pod of it")} is inside its guarantee");
        }
    }

    /// <summary>Where the plan puts the pods that a workload must start with; empty if it puts others too, or none.</summary>
    private ReadOnlySpan<PlannedPod> PlacesOf(in WaitingNeed need)
    {
        var places = books.PlannedOf(need.Workload, books.Nominated[need.Workload]);
        return places.Length == need.Pods ? places : [];
    }

    /// <summary>W5: would all that is on burst for sure, of lower classes than the highest taken, have been enough?</summary>
    private void CheckClasses(in WaitingNeed need, ReadOnlySpan<PlannedPod> places, List<PlacedPod> victims)
    {
        // Without GPUs there is no claim on what other tenants have.
        if (victims[0].Eviction!.Cause != EvictionCause.Guarantee || need.MilliGpu == 0 || IsBesideFull(need, victim: null))
        {
            return;
        }

        var highest = int.MinValue;
        foreach (var victim in victims)
        {
            highest = Math.Max(highest, books.Snapshot.Workloads[victim.Workload].Priority);
        }

        // With the lower burst of the own tenant gone too there is at least as much room: most often that is not enough.
        if (!_lowers.TryGetValue(highest, out var lower))
        {
            _lowers.Add(highest, lower = LowerThan(highest));
        }

        if (lower.Pods.Count == 0 || Room(lower.Survey, need, places, []) < need.Pods || _exactLooks++ >= MostExactLooks)
        {
            return;
        }

        var tenant = need.Tenant;
        var others = lower.Pods.FindAll(pod => books.Tenants[pod.Workload] != tenant);
        if (Room(_promised, need, places, others) >= need.Pods)
        {
            books.Report("W5", $"priority {highest} is taken for {books.Snapshot.Workloads[need.Workload].Id}, where lower ones are enough");
        }
    }

    /// <summary>What is on burst for sure below a class, and the nodes without it.</summary>
    private (List<PlacedPod> Pods, RoomSurvey Survey) LowerThan(int priority)
    {
        var lower = new List<PlacedPod>();
        var tallies = new NodeTally?[books.Snapshot.Nodes.Length];
        foreach (var placed in books.Placed)
        {
            var workload = books.Snapshot.Workloads[placed.Workload];
            if (workload.Priority < priority && workload is { IsManaged: true, IsPreemptible: true } && placed is { IsGoing: false, IsWithdrawn: false }
                && books.Tenants[placed.Workload] is { } tenant && IsOldEnough(workload))
            {
                standing.Tell(tenant);
                if (placed.Standing == SureStanding.Burst && _promised.Tally(placed.Node) is { } promised)
                {
                    lower.Add(placed);
                    (tallies[placed.Node] ??= promised.Clone()).Give(placed.Pod.Shape, placed.Pod.Placement!.Devices, placed.Owner);
                }
            }
        }

        return (lower, new RoomSurvey(books, quota, node => tallies[node] ?? _promised.Tally(node)));
    }

    private bool IsOldEnough(Workload workload) =>
        workload.MinRuntime <= TimeSpan.Zero
        || (workload.StartedAt is { } start && books.Snapshot.Now - start >= workload.MinRuntime);

    /// <summary>W6: with any one spared, there is no room.</summary>
    private void CheckNeed(in WaitingNeed need, ReadOnlySpan<PlannedPod> places, List<PlacedPod> victims)
    {
        foreach (var unit in Units(victims))
        {
            if ((books.Tenants[unit[0].Workload] == need.Tenant && !IsQuotaAmple(need, unit)) || IsBesideFull(need, books.Tenants[unit[0].Workload]))
            {
                continue;
            }

            var others = victims.FindAll(victim => !unit.Contains(victim));
            if (Room(_promised, need, places, others) >= need.Pods)
            {
                books.Report("W6", $"{books.Snapshot.Workloads[unit[0].Workload].Id} need not go: {books.Snapshot.Workloads[need.Workload].Id} fits without that");
            }
        }
    }

    /// <summary>
    /// What can be spared by itself: a surplus pod, or the core of a workload that stops. Where the core goes, the surplus
    /// has to go with it.
    /// </summary>
    private static List<List<PlacedPod>> Units(List<PlacedPod> victims)
    {
        var cores = new SortedDictionary<int, List<PlacedPod>>();
        foreach (var victim in victims)
        {
            if (!victim.IsSurplus)
            {
                if (!cores.TryGetValue(victim.Workload, out var core))
                {
                    cores.Add(victim.Workload, core = []);
                }

                core.Add(victim);
            }
        }

        var units = new List<List<PlacedPod>>(cores.Values);
        foreach (var victim in victims)
        {
            if (!cores.ContainsKey(victim.Workload))
            {
                units.Add([victim]);
            }
        }

        return units;
    }

    /// <summary>
    /// Whether it cannot have been the quota of the tenant that somebody made way for: even with all who leave still there,
    /// and with idle guarantees that are not lent, it is within its limits.
    /// </summary>
    private bool IsQuotaAmple(in WaitingNeed need, List<PlacedPod> unit)
    {
        if (!books.Snapshot.Workloads[need.Workload].IsPreemptible || unit[0].Eviction!.Cause != EvictionCause.Guarantee)
        {
            for (var flavor = 0; flavor < quota.Width; flavor++)
            {
                if (quota.Headroom(need.Tenant, flavor) < 0 || quota.Withheld(need.Tenant, flavor) > 0
                    || !books.Snapshot.Workloads[need.Workload].IsPreemptible)
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>Whether it can have been the limit of a parent of both that somebody made way for; of a parent of the first, without a second.</summary>
    private bool IsBesideFull(in WaitingNeed need, TenantNode? victim)
    {
        for (var parent = need.Tenant.Parent; parent is not null; parent = parent.Parent)
        {
            if ((victim is null || victim.IsAtOrBelow(parent)) && Enumerable.Range(0, quota.Width).Any(flavor => quota.OwnHeadroom(parent, flavor) < 0))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Pods of the workload that fit in the flavors of its places, with some pods gone and its own places open.</summary>
    private long Room(RoomSurvey survey, in WaitingNeed need, ReadOnlySpan<PlannedPod> places, List<PlacedPod> gone)
    {
        var changed = new SortedDictionary<int, NodeTally>();
        var isUsed = new bool[quota.Width];
        foreach (var place in places)
        {
            isUsed[FlavorOf(place.Node)] = true;
            Change(place.Node)?.Give(place.Pod.Shape, place.Devices, place.Owner);
        }

        foreach (var pod in gone)
        {
            Change(pod.Node)?.Give(pod.Pod.Shape, pod.Pod.Placement!.Devices, pod.Owner);
        }

        var room = 0L;
        var all = survey.Of(need.Shape, need.Tenant);
        for (var flavor = 0; flavor < isUsed.Length; flavor++)
        {
            room += isUsed[flavor] ? all[flavor] : 0;
        }

        foreach (var (node, tally) in changed)
        {
            if (isUsed[FlavorOf(node)])
            {
                room += survey.CountOn(tally, need.Shape, need.Tenant) - survey.OnNode(node, need.Shape, need.Tenant);
            }
        }

        return room;

        NodeTally? Change(int node)
        {
            if (survey.Tally(node) is not { } before)
            {
                return null;
            }

            if (!changed.TryGetValue(node, out var tally))
            {
                changed.Add(node, tally = before.Clone());
            }

            return tally;
        }
    }

    private int FlavorOf(int node) => quota.FlavorOf(node) is >= 0 and var flavor ? flavor : quota.Flavors.Length;
}
