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

    public QuotaLedger(TenantTree tree, ImmutableArray<FlavorId> flavors, long capacityMilliGpu, int? maxSharePermille)
    {
        _tree = tree;
        Flavors = flavors;
        _flavorCount = flavors.Length;
        var tenants = tree.Nodes.Length;
        _used = new long[tenants * _flavorCount];
        _usedGuaranteed = new long[tenants * _flavorCount];
        _usedTotal = new long[tenants];
        _usedGuaranteedTotal = new long[tenants];
        _limit = new long[tenants * _flavorCount];
        _guaranteed = new long[tenants * _flavorCount];
        _limitTotal = new long[tenants];
        _guaranteedTotal = new long[tenants];
        foreach (var tenant in tree.Nodes)
        {
            var any = tenant.QuotaFor(FlavorId.Any);
            _limitTotal[tenant.Index] = any?.LimitMilliGpu ?? Unlimited;
            _guaranteedTotal[tenant.Index] = tenant.TotalGuaranteedMilliGpu;
            if (tenant.Parent is null && maxSharePermille is { } permille)
            {
                var cap = (long)((Int128)capacityMilliGpu * permille / 1000);
                _limitTotal[tenant.Index] = Math.Min(_limitTotal[tenant.Index], cap);
            }

            for (var flavor = 0; flavor < _flavorCount; flavor++)
            {
                var quota = tenant.QuotaFor(flavors[flavor]);
                var index = Index(tenant.Index, flavor);
                _limit[index] = quota?.LimitMilliGpu ?? (any is null && tenant.IsLeaf ? 0 : Unlimited);
                _guaranteed[index] = quota?.GuaranteedMilliGpu ?? (any is null && tenant.IsLeaf ? 0 : Unlimited);
            }
        }
    }

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

    /// <summary>The guarantee on all flavors together.</summary>
    public long GuaranteedTotal(int tenant) => _guaranteedTotal[tenant];

    /// <summary>The limit on all flavors together, or <see cref="Unlimited"/>.</summary>
    public long LimitTotal(int tenant) => _limitTotal[tenant];

    /// <summary>The limit on one flavor, or <see cref="Unlimited"/>. 0 where a leaf has no quota that covers the flavor.</summary>
    public long Limit(int tenant, int flavor) => _limit[Index(tenant, flavor)];

    /// <summary>Books a use (or, negative, gives it back) on a tenant and all above it.</summary>
    public void Book(int tenant, int flavor, long milliGpu, bool isGuaranteed)
    {
        for (var node = _tree.Nodes[tenant]; node is not null; node = node.Parent)
        {
            _used[Index(node.Index, flavor)] += milliGpu;
            _usedTotal[node.Index] += milliGpu;
            if (isGuaranteed)
            {
                _usedGuaranteed[Index(node.Index, flavor)] += milliGpu;
                _usedGuaranteedTotal[node.Index] += milliGpu;
            }
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

    /// <summary>Whether a further use of the leaf fits inside its guarantee, beside what has guaranteed standing already.</summary>
    public bool FitsGuarantee(int tenant, int flavor, long milliGpu)
    {
        var guaranteed = _guaranteed[Index(tenant, flavor)];
        return (guaranteed == Unlimited || _usedGuaranteed[Index(tenant, flavor)] + milliGpu <= guaranteed)
            && _usedGuaranteedTotal[tenant] + milliGpu <= _guaranteedTotal[tenant];
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
                var used = flavor < 0 ? _usedGuaranteedTotal[node.Index] : _usedGuaranteed[Index(node.Index, flavor)];
                withheld += Math.Max(0, quota.GuaranteedMilliGpu - used - lending);
            }
        }

        return withheld;
    }

    private int Index(int tenant, int flavor) => (tenant * _flavorCount) + flavor;
}
