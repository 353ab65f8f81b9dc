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
    private readonly int _flavorCount;
    private readonly long[] _used;
    private readonly long[] _usedGuaranteed;
    private readonly long[] _usedTotal;
    private readonly long[] _usedGuaranteedTotal;
    private readonly long[] _limit;
    private readonly long[] _guaranteed;
    private readonly long[] _limitTotal;
    private readonly long[] _guaranteedTotal;

    /// <param name="tree">The tenants.</param>
    /// <param name="flavors">The flavors of the cluster, sorted.</param>
    /// <param name="capacity">Healthy milli-GPU by flavor: where it does not cover the guarantees, they are scaled down.</param>
    /// <param name="maxSharePermille">The most of the cluster that a tenant at the top may use; null for no such cap.</param>
    public QuotaLedger(
        TenantTree tree, ImmutableArray<FlavorId> flavors, IReadOnlyDictionary<FlavorId, long> capacity, int? maxSharePermille)
    {
        _tree = tree;
        Flavors = flavors;
        Capacity = [.. flavors.Select(flavor => capacity.TryGetValue(flavor, out var milli) ? milli : 0)];
        CapacityTotal = Capacity.Sum();
        _flavorCount = flavors.Length;
        var tenants = tree.Nodes.Length;
        _used = new long[tenants * _flavorCount];
        _usedGuaranteed = new long[tenants * _flavorCount];
        _usedTotal = new long[tenants];
        _usedGuaranteedTotal = new long[tenants];
        _limit = new long[tenants * _flavorCount];
        _guaranteed = new long[tenants * _flavorCount];
        _limitTotal = new long[tenants];
        _guaranteedTotal = Entitlements.ScaleGuarantees(
            tree, CapacityTotal, [.. tree.Nodes.Select(tenant => tenant.TotalGuaranteedMilliGpu)]);
        var cap = maxSharePermille is { } permille ? (long)((Int128)CapacityTotal * permille / 1000) : Unlimited;
        foreach (var tenant in tree.Nodes)
        {
            var limit = tenant.QuotaFor(FlavorId.Any)?.LimitMilliGpu ?? Unlimited;
            _limitTotal[tenant.Index] = tenant.Parent is null ? Math.Min(limit, cap) : limit;
        }

        for (var flavor = 0; flavor < _flavorCount; flavor++)
        {
            LoadFlavor(flavor);
        }
    }

    /// <summary>Healthy milli-GPU by flavor.</summary>
    public long[] Capacity { get; }

    /// <summary>Healthy milli-GPU of all flavors.</summary>
    public long CapacityTotal { get; }

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
            var limit = _limit[Index(node.Index, flavor)];
            var limitTotal = _limitTotal[node.Index];
            if ((limit != Unlimited && _used[Index(node.Index, flavor)] + milliGpu > limit)
                || (limitTotal != Unlimited && _usedTotal[node.Index] + milliGpu > limitTotal))
            {
                return node;
            }
        }

        return null;
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
    /// Milli-GPU that burst must leave alone: unused guarantees that their tenants do not lend, except those of the asking
    /// tenant. Of one flavor; -1 asks for all flavors together.
    /// </summary>
    public long Withheld(int exceptTenant, int flavor)
    {
        var withheld = 0L;
        foreach (var node in _tree.Nodes)
        {
            if (!node.IsLeaf || node.Index == exceptTenant)
            {
                continue;
            }

            var quota = node.QuotaFor(flavor < 0 ? FlavorId.Any : Flavors[flavor]);
            if (quota?.LendingLimitMilliGpu is { } lending)
            {
                var used = flavor < 0 ? _usedTotal[node.Index] : _used[Index(node.Index, flavor)];
                var guaranteed = flavor < 0 ? _guaranteedTotal[node.Index] : _guaranteed[Index(node.Index, flavor)];
                withheld += Math.Max(0, guaranteed - used - lending);
            }
        }

        return withheld;
    }

    private void LoadFlavor(int flavor)
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
            var quota = tenant.QuotaFor(Flavors[flavor]);
            var index = Index(tenant.Index, flavor);
            _limit[index] = quota?.LimitMilliGpu ?? (isOpen ? Unlimited : 0);
            _guaranteed[index] = quota is not null ? scaled[tenant.Index] : isOpen ? Unlimited : 0;
        }
    }

    private int Index(int tenant, int flavor) => (tenant * _flavorCount) + flavor;
}
