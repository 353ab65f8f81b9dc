using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Forecast;

/// <summary>
/// Who makes way in a forward run, by the rules of the planner's reclaim: burst standing of other tenants for a guarantee, lower
/// priority inside a tenant, and, between borrowers, of the one that has the larger share. Of these, of the tenant that
/// has the most first, the lowest priority and then the newest that are enough.
/// </summary>
internal sealed class ForwardVictims(ForwardModel model, ForwardNodes nodes, ForwardBooks books, UnitState[] states)
{
    /// <summary>Of each tenant so many are looked at.</summary>
    private const int Looks = 256;

    private readonly List<int> _seen = [];
    private readonly List<int> _chosen = [];
    private readonly (int Search, int Devices, int Partial, bool IsUseful)[] _gain = new (int, int, int, bool)[model.Nodes.Length];
    private int _search;

    /// <summary>Those that were chosen last.</summary>
    public IReadOnlyList<int> Chosen => _chosen;

    /// <summary>Chooses who makes way for a core.</summary>
    /// <param name="waiting">Whose.</param>
    /// <param name="isGuaranteed">Whether it is inside its tenant's guarantee.</param>
    /// <param name="flavors">Of which flavors quota lets it start; null: of all.</param>
    /// <param name="now">Seconds from the beginning.</param>
    /// <param name="placed">Pods for which there is room without.</param>
    public bool TryChoose(WaitingClass waiting, bool isGuaranteed, bool[]? flavors, long now, int placed)
    {
        _seen.Clear();
        _chosen.Clear();
        _search++;
        var need = model.Needs[waiting.Form.Pods[0]];
        if (need.MilliGpu == 0)
        {
            return false;
        }

        var missing = waiting.Form.Pods.Length - placed;
        missing = Look(waiting, isGuaranteed, flavors, now, model.Tree.Nodes[waiting.Tenant], need, missing);
        foreach (var tenant in books.ByBurst)
        {
            if (tenant == waiting.Tenant)
            {
                continue;
            }

            // The others have less still.
            if (missing <= 0 || !books.MayTakeFrom(tenant, waiting, isGuaranteed))
            {
                break;
            }

            missing = Look(waiting, isGuaranteed, flavors, now, model.Tree.Nodes[tenant], need, missing);
        }

        if (missing > 0)
        {
            return false;
        }

        foreach (var unit in _seen)
        {
            if (states[unit].Places.Exists(place => _gain[place.Node] is { IsUseful: true } gain && gain.Search == _search))
            {
                _chosen.Add(unit);
            }
        }

        return true;
    }

    /// <summary>Looks for places in what a tenant has: its lowest priority first, of that the newest.</summary>
    private int Look(WaitingClass waiting, bool isGuaranteed, bool[]? flavors, long now, TenantNode tenant, in PodNeed need, int missing)
    {
        var running = books.Running(tenant.Index);
        var lost = 0L;
        var looks = 0;
        var priority = books.LowestPriority(tenant.Index, isBurstOnly: tenant.Index != waiting.Tenant || !isGuaranteed);
        while (priority != int.MaxValue && missing > 0 && looks < Looks && (tenant.Index != waiting.Tenant || priority < waiting.Priority))
        {
            var next = int.MaxValue;
            for (var index = running.Count - 1; index >= 0 && missing > 0 && looks < Looks; index--)
            {
                var unit = running[index].Unit;
                var own = model.Units[unit].Priority;
                if (own != priority)
                {
                    next = own > priority ? Math.Min(next, own) : next;
                    continue;
                }

                looks++;
                if (books.IsAlive(running[index]) && MayTake(waiting, isGuaranteed, now, tenant, unit, lost))
                {
                    lost += states[unit].MilliGpu;
                    _seen.Add(unit);
                    missing -= Gain(waiting, flavors, need, unit);
                }
            }

            priority = next;
        }

        return missing;
    }

    /// <summary>For how many more pods there is room if one more makes way.</summary>
    private int Gain(WaitingClass waiting, bool[]? flavors, in PodNeed need, int unit)
    {
        var places = 0;
        foreach (var (node, taken) in states[unit].Places)
        {
            if (!waiting.Form.Groups[0][model.GroupOf[node]] || flavors?[Math.Max(0, model.Nodes[node].Flavor)] is false)
            {
                continue;
            }

            ref var gain = ref _gain[node];
            if (gain.Search != _search)
            {
                gain = (_search, 0, 0, false);
            }

            var before = Room(need, nodes.Idle(node) + gain.Devices, nodes.Partial(node) + gain.Partial);
            gain.Devices += model.Needs[taken].Idle;
            gain.Partial += model.Needs[taken].Partial;
            var more = Room(need, nodes.Idle(node) + gain.Devices, nodes.Partial(node) + gain.Partial) - before;
            gain.IsUseful |= more > 0;
            places += more;
        }

        return places;
    }

    /// <summary>Pods for which there is room in idle devices and milli-GPU beside them.</summary>
    private static int Room(in PodNeed need, int idle, int partial) => need.Idle > 0
        ? (idle + (partial / GpuRequest.MilliPerDevice)) / need.Idle
        : (idle * Math.Max(1, GpuRequest.MilliPerDevice / need.Partial)) + (partial / need.Partial);

    private bool MayTake(WaitingClass waiting, bool isGuaranteed, long now, TenantNode tenant, int unit, long lost)
    {
        var victim = model.Units[unit];
        var state = states[unit];
        if (!victim.MayMakeWay || state.MilliGpu == 0 || now - state.StartedAt < victim.MinRuntimeSeconds)
        {
            return false;
        }

        if (victim.Tenant == waiting.Tenant)
        {
            return victim.Priority < waiting.Priority && (isGuaranteed || !state.IsGuaranteed);
        }

        return !state.IsGuaranteed && (isGuaranteed || (model.Policy.HasFairShareReclaim && HasLargerShare(waiting, tenant, unit, lost)));
    }

    /// <summary>Whether the victim's tenant still has, without it, at least the share that the other has then.</summary>
    private bool HasLargerShare(WaitingClass waiting, TenantNode tenant, int unit, long lost)
    {
        var mine = books.Ledger.UsedBurstTotal(waiting.Tenant) + waiting.Form.MilliGpu;
        var theirs = books.Ledger.UsedBurstTotal(tenant.Index) - lost - states[unit].MilliGpu;
        return (Int128)mine * tenant.Weight <= (Int128)theirs * model.Tree.Nodes[waiting.Tenant].Weight;
    }
}
