using Scheduler.Core.Quota;

namespace Scheduler.Core.Forecast;

/// <summary>
/// Who makes way in a forward run, by the rules of the planner's reclaim: burst standing of other tenants for a guarantee, lower
/// priority inside a tenant, and, between borrowers, of the one that has the larger share. Of these the newest that are enough.
/// </summary>
internal sealed class ForwardVictims(ForwardModel model, ForwardNodes nodes, ForwardBooks books, UnitState[] states)
{
    /// <summary>Of each tenant so many are looked at.</summary>
    private const int Looks = 256;

    private readonly List<int> _seen = [];
    private readonly List<int> _chosen = [];
    private readonly Dictionary<int, int> _gain = [];
    private readonly HashSet<int> _useful = [];

    /// <summary>Those that were chosen last.</summary>
    public IReadOnlyList<int> Chosen => _chosen;

    /// <summary>Chooses who makes way for a core.</summary>
    /// <param name="waiting">Whose.</param>
    /// <param name="isGuaranteed">Whether it is inside its tenant's guarantee.</param>
    /// <param name="flavors">Of which flavors quota lets it start.</param>
    /// <param name="now">Seconds from the beginning.</param>
    /// <param name="placed">Pods for which there is room without.</param>
    public bool TryChoose(WaitingClass waiting, bool isGuaranteed, bool[] flavors, long now, int placed)
    {
        _seen.Clear();
        _chosen.Clear();
        _gain.Clear();
        _useful.Clear();
        var need = model.Needs[waiting.Pods[0]];
        if (need.MilliGpu == 0)
        {
            return false;
        }

        var missing = waiting.Pods.Length - placed;
        foreach (var tenant in model.Tree.Nodes)
        {
            if (!tenant.IsLeaf || (tenant.Index != waiting.Tenant && books.Ledger.UsedBurstTotal(tenant.Index) == 0))
            {
                continue;
            }

            missing = Look(waiting, isGuaranteed, flavors, now, tenant, need, missing);
            if (missing <= 0)
            {
                break;
            }
        }

        if (missing > 0)
        {
            return false;
        }

        foreach (var unit in _seen)
        {
            if (states[unit].Places.Exists(place => _useful.Contains(place.Node)))
            {
                _chosen.Add(unit);
            }
        }

        return true;
    }

    private int Look(WaitingClass waiting, bool isGuaranteed, bool[] flavors, long now, TenantNode tenant, in PodNeed need, int missing)
    {
        var running = books.Running(tenant.Index);
        var lost = 0L;
        for (int index = running.Count - 1, looks = 0; index >= 0 && looks < Looks && missing > 0; index--, looks++)
        {
            var unit = running[index].Unit;
            if (!books.IsAlive(running[index]) || !MayTake(waiting, isGuaranteed, now, tenant, unit, lost))
            {
                continue;
            }

            lost += books.MilliGpu(unit);
            _seen.Add(unit);
            foreach (var (node, taken) in states[unit].Places)
            {
                if (!waiting.Groups[0][model.GroupOf[node]] || !flavors[Math.Max(0, model.Nodes[node].Flavor)])
                {
                    continue;
                }

                var before = _gain.GetValueOrDefault(node);
                var after = before + model.Needs[taken].Idle + (model.Needs[taken].Partial > 0 ? 1 : 0);
                _gain[node] = after;
                var each = Math.Max(1, need.Idle);
                var slots = ((nodes.Idle(node) + after) / each) - ((nodes.Idle(node) + before) / each);
                if (slots > 0)
                {
                    _useful.Add(node);
                    missing -= slots;
                }
            }
        }

        return missing;
    }

    private bool MayTake(WaitingClass waiting, bool isGuaranteed, long now, TenantNode tenant, int unit, long lost)
    {
        var victim = model.Units[unit];
        var state = states[unit];
        if (!victim.IsPreemptible || victim.Class < 0 || victim.LeavesAt is not null || now - state.StartedAt < victim.MinRuntimeSeconds)
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
        var mine = books.Ledger.UsedBurstTotal(waiting.Tenant) + waiting.MilliGpu;
        var theirs = books.Ledger.UsedBurstTotal(tenant.Index) - lost - books.MilliGpu(unit);
        return (Int128)mine * tenant.Weight <= (Int128)theirs * model.Tree.Nodes[waiting.Tenant].Weight;
    }
}
