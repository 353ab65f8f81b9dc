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

    public ForwardBooks(ForwardModel model, UnitState[] states)
    {
        (_model, _states) = (model, states);
        _ledger = new QuotaLedger(model.Tree, model.Quota.Flavors, model.Policy.MaxShareOfClusterPermille);
        _ledger.SetCapacity(model.Quota.Capacity);
        var tenants = model.Tree.Nodes.Length;
        _running = [.. Enumerable.Range(0, tenants).Select(_ => new List<(int, int)>())];
        _alive = new int[tenants];
        _isFreed = new bool[tenants];
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
        _alive[tenant]++;
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
                if (IsAlive(entry) && !state.IsGuaranteed && FitsGuarantee(tenant, FlavorOf(entry.Unit), MilliGpu(entry.Unit)))
                {
                    state.IsGuaranteed = true;
                    BookGuaranteed(tenant, entry.Unit, sign: 1);
                }
            }
        }
    }

    /// <summary>Milli-GPU of a unit that runs.</summary>
    public long MilliGpu(int unit)
    {
        var milliGpu = 0L;
        foreach (var (_, need) in _states[unit].Places)
        {
            milliGpu += _model.Needs[need].MilliGpu;
        }

        return milliGpu;
    }

    /// <summary>Of which flavors quota lets a core start.</summary>
    public bool Allows(WaitingClass waiting, bool isGuaranteed, out bool[] flavors)
    {
        flavors = _flavors;
        var any = false;
        for (var flavor = 0; flavor < _flavors.Length; flavor++)
        {
            _flavors[flavor] = waiting.MilliGpu == 0
                || (_ledger.FirstOverLimit(waiting.Tenant, flavor, waiting.MilliGpu) is null
                    && (!isGuaranteed || FitsGuarantee(waiting.Tenant, flavor, waiting.MilliGpu)));
            any |= _flavors[flavor];
        }

        return any;
    }

    /// <summary>Whose turn is first: as in the planner, but on burst leaf against leaf.</summary>
    public int Compare(TenantNode a, TenantNode b, bool isGuaranteed) => isGuaranteed
        ? TenantOrder.CompareGuaranteed(_ledger.UsedGuaranteedTotal, _ledger, a, b)
        : TenantOrder.CompareSiblings(_ledger.UsedBurstTotal, a, b);

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
}
