using Scheduler.Core.Ordering;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Forecast;

/// <summary>Who uses what in a forward run, and on which side of its tenant's guarantee.</summary>
internal sealed class ForwardBooks
{
    private readonly ForwardModel _model;
    private readonly UnitState[] _states;
    private readonly QuotaLedger _ledger;
    private readonly List<(int Unit, int Run)>[] _running;
    private readonly int[] _alive;
    private readonly bool[] _isFreed;
    private readonly bool[] _flavors;
    private readonly int[] _order;
    private readonly Func<int, long> _usedGuaranteed;
    private readonly Func<int, long> _usedBurst;
    private readonly Reclaimable[] _reclaimable;
    private readonly bool[] _isStale;
    private readonly int[] _byBurst;
    private bool _isAnyStale;

    public ForwardBooks(ForwardModel model, UnitState[] states)
    {
        (_model, _states) = (model, states);
        _ledger = new QuotaLedger(model.Tree, model.Quota.Flavors, model.Policy.MaxShareOfClusterPermille);
        _ledger.SetCapacity(model.Quota.Capacity);
        var tenants = model.Tree.Nodes.Length;
        _running = [.. Enumerable.Range(0, tenants).Select(_ => new List<(int, int)>())];
        _alive = new int[tenants];
        _isFreed = new bool[tenants];
        _reclaimable = new Reclaimable[tenants];
        _isStale = new bool[tenants];
        _byBurst = [.. Enumerable.Range(0, tenants)];
        (_usedGuaranteed, _usedBurst) = (_ledger.UsedGuaranteedTotal, _ledger.UsedBurstTotal);
        _flavors = new bool[model.Quota.Flavors.Length];
        _order = [.. Enumerable.Range(0, model.FirstWaiting).OrderByDescending(unit => model.Units[unit].RanSeconds)];
    }

    /// <summary>Usage.</summary>
    public QuotaLedger Ledger => _ledger;

    /// <summary>What runs of a tenant, the first to start first; entries of earlier runs mean nothing.</summary>
    public List<(int Unit, int Run)> Running(int tenant) => _running[tenant];

    /// <summary>Whether an entry of <see cref="Running"/> still holds.</summary>
    public bool IsAlive((int Unit, int Run) entry) => _states[entry.Unit].IsRunning && _states[entry.Unit].Run == entry.Run;

    /// <summary>Forgets all. What runs at the beginning is expected to be added then, each once.</summary>
    public void Reset()
    {
        _ledger.ClearUsage();
        Array.Clear(_alive);
        Array.Clear(_isFreed);
        Array.Fill(_isStale, true);
        _isAnyStale = true;
        foreach (var running in _running)
        {
            running.Clear();
        }

        foreach (var unit in _order)
        {
            if (_model.Units[unit].Tenant is >= 0 and var tenant)
            {
                _running[tenant].Add((unit, 1));
            }
        }
    }

    /// <summary>A unit runs.</summary>
    public void Add(int unit, bool isGuaranteed)
    {
        var tenant = _model.Units[unit].Tenant;
        if (tenant < 0)
        {
            return;
        }

        var state = _states[unit];
        state.IsGuaranteed = isGuaranteed;
        state.MilliGpu = 0;
        foreach (var (_, need) in state.Places)
        {
            state.MilliGpu += _model.Needs[need].MilliGpu;
        }

        _alive[tenant]++;
        Stale(tenant);
        if (unit >= _model.FirstWaiting || state.Run > 1)
        {
            _running[tenant].Add((unit, state.Run));
        }

        Book(tenant, unit, sign: 1, isGuaranteed);
    }

    /// <summary>A unit runs no more.</summary>
    public void Remove(int unit)
    {
        var tenant = _model.Units[unit].Tenant;
        if (tenant < 0)
        {
            return;
        }

        Book(tenant, unit, sign: -1, _states[unit].IsGuaranteed);
        _isFreed[tenant] |= _states[unit].IsGuaranteed;
        Stale(tenant);
        if (--_alive[tenant] * 2 < _running[tenant].Count - 16)
        {
            _running[tenant].RemoveAll(entry => !IsAlive(entry));
        }
    }

    /// <summary>What a guarantee has room for again counts inside it, the first to start first.</summary>
    public void Promote()
    {
        for (var tenant = 0; tenant < _isFreed.Length; tenant++)
        {
            if (!_isFreed[tenant])
            {
                continue;
            }

            _isFreed[tenant] = false;
            foreach (var entry in _ledger.UsedBurstTotal(tenant) > 0 ? _running[tenant] : [])
            {
                var state = _states[entry.Unit];
                if (IsAlive(entry) && !state.IsGuaranteed && FitsGuarantee(tenant, FlavorOf(entry.Unit), state.MilliGpu))
                {
                    Stale(tenant);
                    state.IsGuaranteed = true;
                    BookGuaranteed(tenant, entry.Unit, sign: 1);
                }
            }
        }
    }

    /// <summary>Of which flavors quota lets a core start.</summary>
    /// <param name="waiting">Whose.</param>
    /// <param name="isGuaranteed">Whether it is to count inside the guarantee.</param>
    /// <param name="flavors">Of which; null: of all.</param>
    public bool Allows(WaitingClass waiting, bool isGuaranteed, out bool[]? flavors)
    {
        flavors = null;
        var milliGpu = waiting.Form.MilliGpu;
        if (milliGpu == 0)
        {
            return _flavors.Length > 0;
        }

        if (!_ledger.HasFlavorQuotas)
        {
            return _flavors.Length > 0 && Allows(waiting.Tenant, 0, milliGpu, isGuaranteed);
        }

        var (any, all) = (false, true);
        for (var flavor = 0; flavor < _flavors.Length; flavor++)
        {
            _flavors[flavor] = Allows(waiting.Tenant, flavor, milliGpu, isGuaranteed);
            any |= _flavors[flavor];
            all &= _flavors[flavor];
        }

        flavors = all ? null : _flavors;
        return any;
    }

    /// <summary>The lowest priority of what a tenant may have to send away; <see cref="int.MaxValue"/> if there is nothing.</summary>
    public int LowestPriority(int tenant, bool isBurstOnly)
    {
        if (_isAnyStale)
        {
            Refresh();
        }

        return isBurstOnly ? _reclaimable[tenant].LowestOfBurst : _reclaimable[tenant].Lowest;
    }

    /// <summary>Tenants, those first that keep the largest share of burst without the smallest that may be sent away.</summary>
    public ReadOnlySpan<int> ByBurst
    {
        get
        {
            if (_isAnyStale)
            {
                Refresh();
            }

            return _byBurst;
        }
    }

    /// <summary>
    /// Whether anybody could make way for a core, as far as sums tell: false is certain, true is worth a search.
    /// </summary>
    public bool MayHaveVictims(WaitingClass waiting, bool isGuaranteed)
    {
        var richest = ByBurst;
        ref readonly var own = ref _reclaimable[waiting.Tenant];
        if ((isGuaranteed ? own.Lowest : own.LowestOfBurst) < waiting.Priority)
        {
            return true;
        }

        var other = richest[0] != waiting.Tenant ? richest[0] : richest.Length > 1 ? richest[1] : -1;
        return other >= 0 && MayTakeFrom(other, waiting, isGuaranteed);
    }

    /// <summary>The same of one other tenant. If not, then of none that follows it in <see cref="ByBurst"/> either.</summary>
    public bool MayTakeFrom(int other, WaitingClass waiting, bool isGuaranteed)
    {
        var left = _reclaimable[other].BurstWithoutSmallest;
        if (left < 0 || isGuaranteed)
        {
            return left >= 0;
        }

        var mine = _ledger.UsedBurstTotal(waiting.Tenant) + waiting.Form.MilliGpu;
        return _model.Policy.HasFairShareReclaim && (Int128)mine * Weight(other) <= (Int128)left * Weight(waiting.Tenant);
    }

    /// <summary>Whose turn is first: as in the planner, but on burst leaf against leaf.</summary>
    public int Compare(TenantNode a, TenantNode b, bool isGuaranteed) => isGuaranteed
        ? TenantOrder.CompareGuaranteed(_usedGuaranteed, _ledger, a, b)
        : TenantOrder.CompareSiblings(_usedBurst, a, b);

    private bool Allows(int tenant, int flavor, long milliGpu, bool isGuaranteed) =>
        _ledger.FirstOverLimit(tenant, flavor, milliGpu) is null && (!isGuaranteed || FitsGuarantee(tenant, flavor, milliGpu));

    private long Weight(int tenant) => _model.Tree.Nodes[tenant].Weight;

    private void Stale(int tenant) => _isStale[tenant] = _isAnyStale = true;

    /// <summary>Sums anew what has changed, and sorts; nearly all is in order already.</summary>
    private void Refresh()
    {
        for (var tenant = 0; tenant < _isStale.Length; tenant++)
        {
            if (_isStale[tenant])
            {
                _reclaimable[tenant] = Sum(tenant);
                _isStale[tenant] = false;
            }
        }

        for (var index = 1; index < _byBurst.Length; index++)
        {
            var tenant = _byBurst[index];
            var place = index;
            for (; place > 0 && IsRicher(tenant, _byBurst[place - 1]); place--)
            {
                _byBurst[place] = _byBurst[place - 1];
            }

            _byBurst[place] = tenant;
        }

        _isAnyStale = false;
    }

    private bool IsRicher(int a, int b)
    {
        var (burstA, burstB) = (_reclaimable[a].BurstWithoutSmallest, _reclaimable[b].BurstWithoutSmallest);
        if (burstA < 0 || burstB < 0)
        {
            return burstA == burstB ? a < b : burstA > burstB;
        }

        var order = ((Int128)burstA * Weight(b)).CompareTo((Int128)burstB * Weight(a));
        return order != 0 ? order > 0 : a < b;
    }

    private Reclaimable Sum(int tenant)
    {
        var (lowest, lowestOfBurst, smallest) = (int.MaxValue, int.MaxValue, long.MaxValue);
        foreach (var entry in _running[tenant])
        {
            var state = _states[entry.Unit];
            if (!IsAlive(entry) || state.MilliGpu == 0 || !_model.Units[entry.Unit].MayMakeWay)
            {
                continue;
            }

            var priority = _model.Units[entry.Unit].Priority;
            lowest = Math.Min(lowest, priority);
            if (!state.IsGuaranteed)
            {
                lowestOfBurst = Math.Min(lowestOfBurst, priority);
                smallest = Math.Min(smallest, state.MilliGpu);
            }
        }

        return new Reclaimable(lowest, lowestOfBurst, smallest == long.MaxValue ? -1 : _ledger.UsedBurstTotal(tenant) - smallest);
    }

    private bool FitsGuarantee(int tenant, int flavor, long milliGpu) =>
        _ledger.UsedGuaranteedTotal(tenant) + milliGpu <= _ledger.GuaranteedTotal(tenant)
        && (_ledger.Guaranteed(tenant, flavor) == QuotaLedger.Unlimited
            || _ledger.UsedGuaranteed(tenant, flavor) + milliGpu <= _ledger.Guaranteed(tenant, flavor));

    private int FlavorOf(int unit) => _states[unit].Places is [var first, ..] ? Math.Max(0, _model.Nodes[first.Node].Flavor) : 0;

    private void Book(int tenant, int unit, int sign, bool isGuaranteed)
    {
        foreach (var (node, need) in _states[unit].Places)
        {
            _ledger.Book(tenant, Math.Max(0, _model.Nodes[node].Flavor), sign * _model.Needs[need].MilliGpu);
        }

        if (isGuaranteed)
        {
            BookGuaranteed(tenant, unit, sign);
        }
    }

    private void BookGuaranteed(int tenant, int unit, int sign)
    {
        foreach (var (node, need) in _states[unit].Places)
        {
            _ledger.BookGuaranteed(tenant, Math.Max(0, _model.Nodes[node].Flavor), sign * _model.Needs[need].MilliGpu);
        }
    }

    /// <summary>What a tenant could lose.</summary>
    /// <param name="Lowest">The lowest priority of what may be sent away.</param>
    /// <param name="LowestOfBurst">The same of what is beyond the guarantee.</param>
    /// <param name="BurstWithoutSmallest">Burst use without the smallest that may be sent away; -1 if there is none.</param>
    private readonly record struct Reclaimable(int Lowest, int LowestOfBurst, long BurstWithoutSmallest);
}
