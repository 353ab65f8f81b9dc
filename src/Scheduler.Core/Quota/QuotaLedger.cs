using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Core.Quota;

/// <summary>
/// What every tenant uses, by flavor, in milli-GPU, kept along the tree: what a leaf uses, all above it use. Answers
/// whether a further use stays inside limits and guarantees. Dense: tenants and flavors are small integers.
/// </summary>
internal sealed class QuotaLedger
{
    /// <summary>Stands for "no limit of its own".</summary>
    public const long Unlimited = long.MaxValue;

    private readonly TenantTree _tree;
    private readonly int? _maxSharePermille;
    private readonly int _flavorCount;
    private readonly long[] _used;
    private readonly long[] _usedGuaranteed;
    private readonly long[] _usedTotal;
    private readonly long[] _usedGuaranteedTotal;
    private readonly long[] _limit;
    private readonly long[] _limitTotal;
    private readonly long[] _lending;
    private readonly long[] _lendingTotal;
    private readonly long[] _withheld;
    private readonly bool _hasLendingLimits;
    private long[] _guaranteed;
    private long[] _guaranteedTotal;

    /// <param name="tree">The tenants.</param>
    /// <param name="flavors">The flavors of the cluster, sorted.</param>
    /// <param name="maxSharePermille">The most of the cluster that a tenant at the top may use; null for no such cap.</param>
    public QuotaLedger(TenantTree tree, ImmutableArray<FlavorId> flavors, int? maxSharePermille)
    {
        _tree = tree;
        _maxSharePermille = maxSharePermille;
        Flavors = flavors;
        _flavorCount = flavors.Length;
        Capacity = new long[_flavorCount];
        var tenants = tree.Nodes.Length;
        _used = new long[tenants * _flavorCount];
        _usedGuaranteed = new long[tenants * _flavorCount];
        _usedTotal = new long[tenants];
        _usedGuaranteedTotal = new long[tenants];
        _limit = new long[tenants * _flavorCount];
        _limitTotal = new long[tenants];
        _lending = new long[tenants * _flavorCount];
        _lendingTotal = new long[tenants];
        _withheld = new long[tenants];
        _guaranteed = new long[tenants * _flavorCount];
        _guaranteedTotal = new long[tenants];
        foreach (var tenant in tree.Nodes)
        {
            var any = tenant.QuotaFor(FlavorId.Any);
            _lendingTotal[tenant.Index] = any?.LendingLimitMilliGpu ?? Unlimited;
            for (var flavor = 0; flavor < _flavorCount; flavor++)
            {
                var quota = tenant.QuotaFor(flavors[flavor]);
                _limit[Index(tenant.Index, flavor)] = quota?.LimitMilliGpu ?? (any is not null || !tenant.IsLeaf ? Unlimited : 0);
                _lending[Index(tenant.Index, flavor)] = quota?.LendingLimitMilliGpu ?? Unlimited;
            }

            HasFlavorQuotas |= tenant.Tenant.Quotas.Any(quota => quota.Flavor != FlavorId.Any);
            _hasLendingLimits |= tenant.Tenant.Quotas.Any(quota => quota.LendingLimitMilliGpu is not null);
        }
    }

    /// <summary>
    /// Tells what there is to share out. Where it does not cover the guarantees, they are scaled down.
    /// </summary>
    /// <param name="capacity">Healthy milli-GPU by flavor.</param>
    /// <returns>Whether a guarantee is other than before.</returns>
    public bool SetCapacity(ReadOnlySpan<long> capacity)
    {
        capacity.CopyTo(Capacity);
        CapacityTotal = Capacity.Sum();
        var total = Entitlements.ScaleGuarantees(
            _tree, CapacityTotal, [.. _tree.Nodes.Select(tenant => tenant.TotalGuaranteedMilliGpu)]);
        var byFlavor = new long[_guaranteed.Length];
        var cap = _maxSharePermille is { } permille ? (long)((Int128)CapacityTotal * permille / 1000) : Unlimited;
        foreach (var tenant in _tree.Nodes)
        {
            var limit = tenant.QuotaFor(FlavorId.Any)?.LimitMilliGpu ?? Unlimited;
            _limitTotal[tenant.Index] = tenant.Parent is null ? Math.Min(limit, cap) : limit;
        }

        for (var flavor = 0; flavor < _flavorCount; flavor++)
        {
            ScaleFlavor(flavor, byFlavor);
        }

        var hasChanged = !total.AsSpan().SequenceEqual(_guaranteedTotal) || !byFlavor.AsSpan().SequenceEqual(_guaranteed);
        (_guaranteed, _guaranteedTotal) = (byFlavor, total);
        return hasChanged;
    }

    /// <summary>Forgets all usage.</summary>
    public void ClearUsage()
    {
        Array.Clear(_used);
        Array.Clear(_usedGuaranteed);
        Array.Clear(_usedTotal);
        Array.Clear(_usedGuaranteedTotal);
    }

    /// <summary>Healthy milli-GPU by flavor.</summary>
    public long[] Capacity { get; }

    /// <summary>Healthy milli-GPU of all flavors.</summary>
    public long CapacityTotal { get; private set; }

    /// <summary>Whether any tenant has a quota on a flavor by its name: without one, all flavors are alike.</summary>
    public bool HasFlavorQuotas { get; }

    /// <summary>The flavors of the cluster, sorted; a flavor's number is its position.</summary>
    public ImmutableArray<FlavorId> Flavors { get; }

    /// <summary>In use by the tenant and all below it, of one flavor.</summary>
    public long Used(int tenant, int flavor) => _used[Index(tenant, flavor)];

    /// <summary>In use with guaranteed standing, of one flavor.</summary>
    public long UsedGuaranteed(int tenant, int flavor) => _usedGuaranteed[Index(tenant, flavor)];

    /// <summary>In use by the tenant and all below it, of all flavors.</summary>
    public long UsedTotal(int tenant) => _usedTotal[tenant];

    /// <summary>In use with guaranteed standing, of all flavors.</summary>
    public long UsedGuaranteedTotal(int tenant) => _usedGuaranteedTotal[tenant];

    /// <summary>In use beyond the guarantee.</summary>
    public long UsedBurstTotal(int tenant) => _usedTotal[tenant] - _usedGuaranteedTotal[tenant];

    /// <summary>The guarantee on all flavors together, scaled down where capacity has failed.</summary>
    public long GuaranteedTotal(int tenant) => _guaranteedTotal[tenant];

    /// <summary>The limit on all flavors together, or <see cref="Unlimited"/>.</summary>
    public long LimitTotal(int tenant) => _limitTotal[tenant];

    /// <summary>The limit on one flavor, or <see cref="Unlimited"/>. 0 where a leaf has no quota that covers the flavor.</summary>
    public long Limit(int tenant, int flavor) => _limit[Index(tenant, flavor)];

    /// <summary>The guarantee on one flavor by its name, or <see cref="Unlimited"/> where only <c>*</c> bounds it.</summary>
    public long Guaranteed(int tenant, int flavor) => _guaranteed[Index(tenant, flavor)];

    /// <summary>Books a use (or, negative, gives it back) on a tenant and all above it.</summary>
    public void Book(int tenant, int flavor, long milliGpu)
    {
        for (var node = _tree.Nodes[tenant]; node is not null; node = node.Parent)
        {
            _used[Index(node.Index, flavor)] += milliGpu;
            _usedTotal[node.Index] += milliGpu;
        }
    }

    /// <summary>Counts a booked use inside the guarantee (or, negative, on burst again).</summary>
    public void BookGuaranteed(int tenant, int flavor, long milliGpu)
    {
        for (var node = _tree.Nodes[tenant]; node is not null; node = node.Parent)
        {
            _usedGuaranteed[Index(node.Index, flavor)] += milliGpu;
            _usedGuaranteedTotal[node.Index] += milliGpu;
        }
    }

    /// <summary>
    /// The lowest tenant of the chain that a further use would take above its limit, or null if it stays inside.
    /// </summary>
    public TenantNode? FirstOverLimit(int tenant, int flavor, long milliGpu)
    {
        for (var node = _tree.Nodes[tenant]; node is not null; node = node.Parent)
        {
            if (IsOverLimit(node.Index, flavor, milliGpu, milliGpu))
            {
                return node;
            }
        }

        return null;
    }

    /// <summary>
    /// Whether a further use by a tenant, or by one below it, takes it above its own limit. The total is another number where what is
    /// given back beside is not all of that flavor.
    /// </summary>
    public bool IsOverLimit(int tenant, int flavor, long milliGpu, long totalMilliGpu)
    {
        var (limit, limitTotal) = (_limit[Index(tenant, flavor)], _limitTotal[tenant]);
        return (limit != Unlimited && _used[Index(tenant, flavor)] + milliGpu > limit)
            || (limitTotal != Unlimited && _usedTotal[tenant] + totalMilliGpu > limitTotal);
    }

    /// <summary>Whether failed hardware holds a tenant's guarantee below what is configured.</summary>
    public bool IsDegraded(TenantNode tenant)
    {
        if (_guaranteedTotal[tenant.Index] < tenant.TotalGuaranteedMilliGpu)
        {
            return true;
        }

        for (var flavor = 0; flavor < _flavorCount; flavor++)
        {
            if (tenant.QuotaFor(Flavors[flavor]) is { } quota && _guaranteed[Index(tenant.Index, flavor)] < quota.GuaranteedMilliGpu)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether uses by flavor fit inside the leaf's guarantee, beside what is counted there (the total last).</summary>
    public bool FitsGuarantee(int tenant, ReadOnlySpan<long> beside, ReadOnlySpan<long> uses)
    {
        var total = 0L;
        for (var flavor = 0; flavor < uses.Length; flavor++)
        {
            var guaranteed = _guaranteed[Index(tenant, flavor)];
            if (uses[flavor] != 0 && guaranteed != Unlimited && beside[flavor] + uses[flavor] > guaranteed)
            {
                return false;
            }

            total += uses[flavor];
        }

        return beside[^1] + total <= _guaranteedTotal[tenant];
    }

    /// <summary>
    /// Milli-GPU that a tenant's burst must leave alone: unused guarantees that others do not lend. What an inner tenant
    /// does not lend is kept from those outside it, not from those below it. Of one flavor; -1 asks for all together.
    /// </summary>
    public long Withheld(int asking, int flavor)
    {
        if (!_hasLendingLimits)
        {
            return 0;
        }

        Array.Clear(_withheld);
        var all = 0L;
        for (var index = _tree.Nodes.Length - 1; index >= 0; index--)
        {
            var node = _tree.Nodes[index];
            if (!_tree.Nodes[asking].IsAtOrBelow(node))
            {
                _withheld[index] = Math.Max(_withheld[index], OwnUnlent(index, flavor));
            }

            if (node.Parent is { } parent)
            {
                _withheld[parent.Index] += _withheld[index];
            }
            else
            {
                all += _withheld[index];
            }
        }

        return all;
    }

    private long OwnUnlent(int tenant, int flavor)
    {
        var lending = flavor < 0 ? _lendingTotal[tenant] : _lending[Index(tenant, flavor)];
        var guaranteed = flavor < 0 ? _guaranteedTotal[tenant] : _guaranteed[Index(tenant, flavor)];
        if (lending == Unlimited || guaranteed == Unlimited)
        {
            return 0;
        }

        var used = flavor < 0 ? _usedTotal[tenant] : _used[Index(tenant, flavor)];
        return Math.Max(0, guaranteed - used - lending);
    }

    private void ScaleFlavor(int flavor, long[] byFlavor)
    {
        var named = new long[_tree.Nodes.Length];
        foreach (var tenant in _tree.Nodes)
        {
            named[tenant.Index] = TenantValidation.GuaranteedBelow(tenant, Flavors[flavor]);
        }

        var scaled = Entitlements.ScaleGuarantees(_tree, Capacity[flavor], named);
        foreach (var tenant in _tree.Nodes)
        {
            var isOpen = tenant.QuotaFor(FlavorId.Any) is not null || !tenant.IsLeaf;
            byFlavor[Index(tenant.Index, flavor)] =
                tenant.QuotaFor(Flavors[flavor]) is not null ? scaled[tenant.Index] : isOpen ? Unlimited : 0;
        }
    }

    private int Index(int tenant, int flavor) => (tenant * _flavorCount) + flavor;
}
