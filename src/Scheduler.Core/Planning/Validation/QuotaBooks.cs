using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Planning.Validation;

/// <summary>What tenants use, may use and are guaranteed, by plain sums. W2: no plan takes a tenant above its limit.</summary>
internal sealed class QuotaBooks
{
    /// <summary>Stands for "no limit of its own".</summary>
    public const long Unlimited = long.MaxValue;

    private readonly PlanBooks _books;
    private readonly ImmutableArray<TenantNode> _tree;
    private readonly int[] _flavorOf;
    private readonly long[] _placed;
    private readonly long[] _bound;
    private readonly long[] _kept;
    private readonly long[] _capacity;
    private readonly bool _hasLendingLimits;
    private long[][]? _guaranteed;

    public QuotaBooks(PlanBooks books)
    {
        _books = books;
        _tree = books.Snapshot.Tenants.Nodes;
        var flavors = new SortedSet<FlavorId>();
        foreach (var node in books.Snapshot.Nodes)
        {
            if (node.HasGpus)
            {
                flavors.Add(node.Flavor);
            }
        }

        Flavors = [.. flavors];
        _flavorOf = new int[books.Snapshot.Nodes.Length];
        _capacity = new long[Flavors.Length + 1];
        for (var index = 0; index < _flavorOf.Length; index++)
        {
            var node = books.Snapshot.Nodes[index];
            _flavorOf[index] = node.HasGpus ? Flavors.BinarySearch(node.Flavor) : -1;
            if (node.HasGpus)
            {
                _capacity[_flavorOf[index]] += node.HealthyMilliGpu;
                _capacity[^1] += node.HealthyMilliGpu;
            }
        }

        foreach (var tenant in _tree)
        {
            foreach (var limit in tenant.Tenant.Quotas)
            {
                _hasLendingLimits |= limit.LendingLimitMilliGpu is not null;
            }
        }

        _placed = new long[_tree.Length * Width];
        _bound = new long[_placed.Length];
        _kept = new long[_placed.Length];
        foreach (var pod in books.Placed)
        {
            Book(_placed, pod.Workload, pod.Node, pod.Pod);
        }

        foreach (var pod in books.Bound)
        {
            Book(_bound, pod.Workload, pod.Node, pod.Pod);
        }

        foreach (var pod in books.Kept)
        {
            Book(_kept, pod.Workload, pod.Node, pod.Pod);
        }
    }

    /// <summary>The flavors of the cluster, sorted. In arrays by flavor, the total comes last.</summary>
    public ImmutableArray<FlavorId> Flavors { get; }

    /// <summary>Entries by flavor, the total included.</summary>
    public int Width => Flavors.Length + 1;

    /// <summary>The position of a node's flavor, or -1 for a node without GPUs.</summary>
    public int FlavorOf(int node) => _flavorOf[node];

    /// <summary>W2.</summary>
    public void Check()
    {
        foreach (var tenant in _tree)
        {
            for (var flavor = 0; flavor < Width; flavor++)
            {
                var at = (tenant.Index * Width) + flavor;
                var after = _placed[at] + _bound[at];
                if (_bound[at] > 0 && after > Limit(tenant, flavor))
                {
                    var name = flavor == Flavors.Length ? FlavorId.Any : Flavors[flavor];
                    _books.Report("W2", $"tenant {tenant.Id} would use {after} milli-GPU of {name}, above its limit of {Limit(tenant, flavor)}");
                }
            }
        }
    }

    /// <summary>The most that a tenant may use of a flavor, or of all together, by its own quota.</summary>
    public long Limit(TenantNode tenant, int flavor)
    {
        var any = tenant.QuotaFor(FlavorId.Any)?.LimitMilliGpu;
        if (flavor < Flavors.Length)
        {
            return tenant.QuotaFor(Flavors[flavor])?.LimitMilliGpu ?? (any is null && tenant.IsLeaf ? 0 : Unlimited);
        }

        return tenant.Parent is null && _books.Policy.MaxShareOfClusterPermille is { } permille
            ? Math.Min(any ?? Unlimited, (long)((Int128)_capacity[^1] * permille / 1000))
            : any ?? Unlimited;
    }

    /// <summary>
    /// What is left below the limits of a tenant and all above it, with everything that the plan puts and keeps, and with
    /// whoever leaves still there.
    /// </summary>
    public long Headroom(TenantNode tenant, int flavor)
    {
        var headroom = Unlimited;
        for (var node = tenant; node is not null; node = node.Parent)
        {
            headroom = Math.Min(headroom, OwnHeadroom(node, flavor));
        }

        return headroom;
    }

    /// <summary>The same below the limit of the tenant alone.</summary>
    public long OwnHeadroom(TenantNode tenant, int flavor)
    {
        var at = (tenant.Index * Width) + flavor;
        return Limit(tenant, flavor) is var limit && limit == Unlimited ? Unlimited : limit - _placed[at] - _bound[at] - _kept[at];
    }

    /// <summary>
    /// The guarantees, scaled down where the healthy capacity does not cover them, by tenant and flavor, the total last. On
    /// a flavor without a quota of its name <see cref="Unlimited"/> if <c>*</c> covers it, else 0.
    /// </summary>
    public long Guaranteed(int tenant, int flavor) => (_guaranteed ??= Guarantees())[flavor][tenant];

    /// <summary>
    /// Milli-GPU that the burst of a tenant must leave alone: idle guarantees that others do not lend. At least what the
    /// planner may have withheld at any moment of the cycle.
    /// </summary>
    public long Withheld(TenantNode asking, int flavor)
    {
        if (!_hasLendingLimits)
        {
            return 0;
        }

        var withheld = new long[_tree.Length];
        var all = 0L;
        for (var index = _tree.Length - 1; index >= 0; index--)
        {
            var tenant = _tree[index];
            var quota = tenant.QuotaFor(flavor == Flavors.Length ? FlavorId.Any : Flavors[flavor]);
            if (quota?.LendingLimitMilliGpu is { } lending && !asking.IsAtOrBelow(tenant))
            {
                var at = (index * Width) + flavor;
                withheld[index] = Math.Max(withheld[index], Guaranteed(index, flavor) - _placed[at] - _bound[at] - lending);
            }

            if (tenant.Parent is { } parent)
            {
                withheld[parent.Index] += Math.Max(0, withheld[index]);
            }
            else
            {
                all += Math.Max(0, withheld[index]);
            }
        }

        return all;
    }

    private void Book(long[] sums, int workload, int node, Pod pod)
    {
        if (!pod.Shape.Gpu.IsAny || _flavorOf[node] < 0)
        {
            return;
        }

        for (var tenant = _books.Tenants[workload]; tenant is not null; tenant = tenant.Parent)
        {
            sums[(tenant.Index * Width) + _flavorOf[node]] += pod.Shape.Gpu.MilliGpu;
            sums[(tenant.Index * Width) + Flavors.Length] += pod.Shape.Gpu.MilliGpu;
        }
    }

    private long[][] Guarantees()
    {
        var guaranteed = new long[Width][];
        for (var flavor = 0; flavor < Width; flavor++)
        {
            var scaled = new long[_tree.Length];
            foreach (var tenant in _tree)
            {
                scaled[tenant.Index] = flavor == Flavors.Length ? tenant.TotalGuaranteedMilliGpu : GuaranteedBelow(tenant, Flavors[flavor]);
            }

            Scale(scaled, parent: null, _capacity[flavor]);
            foreach (var tenant in _tree)
            {
                if (!tenant.IsLeaf)
                {
                    Scale(scaled, tenant, scaled[tenant.Index]);
                }
            }

            guaranteed[flavor] = scaled;
        }

        for (var flavor = 0; flavor < Flavors.Length; flavor++)
        {
            foreach (var tenant in _tree)
            {
                if (tenant.QuotaFor(Flavors[flavor]) is null)
                {
                    guaranteed[flavor][tenant.Index] = tenant.QuotaFor(FlavorId.Any) is not null || !tenant.IsLeaf ? Unlimited : 0;
                }
            }
        }

        return guaranteed;
    }

    private static long GuaranteedBelow(TenantNode tenant, FlavorId flavor)
    {
        if (tenant.QuotaFor(flavor) is { } quota)
        {
            return quota.GuaranteedMilliGpu;
        }

        var sum = 0L;
        foreach (var child in tenant.Children)
        {
            sum += GuaranteedBelow(child, flavor);
        }

        return sum;
    }

    /// <summary>Largest remainder among the tenants below one: whole parts first, the rest one by one, ties by id.</summary>
    private void Scale(long[] amounts, TenantNode? parent, long available)
    {
        var siblings = new List<int>();
        Int128 sum = 0;
        foreach (var tenant in _tree)
        {
            if (tenant.Parent == parent)
            {
                siblings.Add(tenant.Index);
                sum += amounts[tenant.Index];
            }
        }

        if (sum <= available)
        {
            return;
        }

        var remainders = new List<(Int128 Remainder, int Order, int Tenant)>();
        var left = available;
        for (var order = 0; order < siblings.Count; order++)
        {
            var (share, remainder) = Int128.DivRem((Int128)amounts[siblings[order]] * available, sum);
            amounts[siblings[order]] = (long)share;
            left -= (long)share;
            remainders.Add((remainder, order, siblings[order]));
        }

        remainders.Sort((a, b) => a.Remainder != b.Remainder ? b.Remainder.CompareTo(a.Remainder) : a.Order.CompareTo(b.Order));
        for (var index = 0; index < left; index++)
        {
            amounts[remainders[index].Tenant]++;
        }
    }
}
