using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Scheduler.Core.Model;

namespace Scheduler.Core.Quota;

/// <summary>
/// The tenants of a cluster as a valid tree: no unknown parents, no cycles, guarantees of children covered by their
/// parents, every namespace owned once. Made by <see cref="TryCreate"/> only, so that whoever holds one need not check.
/// </summary>
public sealed class TenantTree
{
    /// <summary>A cluster without tenants: every workload waits with <c>TenantUnknown</c>.</summary>
    public static readonly TenantTree Empty = new([], Node.NoLabels);

    private readonly ImmutableArray<TenantNode> _nodes;
    private readonly Dictionary<TenantId, TenantNode> _byId;
    private readonly Dictionary<string, TenantId> _byNamespace;

    private TenantTree(ImmutableArray<Tenant> sorted, ImmutableSortedDictionary<string, string> namespaces)
    {
        _byId = new Dictionary<TenantId, TenantNode>(sorted.Length);
        _byNamespace = new Dictionary<string, TenantId>(StringComparer.Ordinal);
        foreach (var (name, tenant) in namespaces)
        {
            _byNamespace[name] = new TenantId(tenant);
        }

        var children = sorted.Where(tenant => tenant.Parent is not null).ToLookup(tenant => tenant.Parent!.Value);
        var order = ImmutableArray.CreateBuilder<TenantNode>(sorted.Length);
        foreach (var tenant in sorted.Where(tenant => tenant.Parent is null))
        {
            Add(tenant, parent: null);
        }

        _nodes = order.ToImmutable();

        void Add(Tenant tenant, TenantNode? parent)
        {
            var node = new TenantNode(tenant, order.Count, parent);
            order.Add(node);
            _byId[tenant.Id] = node;
            foreach (var child in children[tenant.Id])
            {
                Add(child, node);
            }

            node.Seal(order.Skip(node.Index + 1).Where(other => other.Parent == node));
        }
    }

    /// <summary>Every tenant, parents before their children, siblings by id. The position is <see cref="TenantNode.Index"/>.</summary>
    public ImmutableArray<TenantNode> Nodes => _nodes;

    /// <summary>Finds a tenant.</summary>
    public bool TryGet(TenantId id, [NotNullWhen(true)] out TenantNode? node) => _byId.TryGetValue(id, out node);

    /// <summary>The tenant that owns a namespace, or null.</summary>
    public TenantId? OwnerOf(string namespaceName) =>
        _byNamespace.TryGetValue(namespaceName, out var tenant) ? tenant : null;

    /// <summary>
    /// Checks tenants and makes the tree of them. Reports every mistake at once, in a stable order.
    /// </summary>
    /// <param name="tenants">The tenants, in any order.</param>
    /// <param name="tree">The tree, or null if there are errors.</param>
    /// <param name="errors">Every mistake, empty if there is none.</param>
    public static bool TryCreate(
        IEnumerable<Tenant> tenants, [NotNullWhen(true)] out TenantTree? tree, out ImmutableArray<ConfigurationError> errors)
    {
        ImmutableArray<Tenant> sorted = [.. tenants.OrderBy(tenant => tenant.Id)];
        errors = TenantValidation.Check(sorted, out var namespaces);
        tree = errors.IsEmpty ? new TenantTree(sorted, namespaces) : null;
        return tree is not null;
    }

    /// <summary>
    /// Checks that the guarantees at the top of the tree fit into a cluster.
    /// </summary>
    /// <param name="capacityMilliGpu">Installed milli-GPU by flavor, failed devices included.</param>
    public ImmutableArray<ConfigurationError> CheckCapacity(IReadOnlyDictionary<FlavorId, long> capacityMilliGpu) =>
        TenantValidation.CheckCapacity(this, capacityMilliGpu);
}

/// <summary>A tenant at its place in the tree.</summary>
public sealed class TenantNode
{
    internal TenantNode(Tenant tenant, int index, TenantNode? parent)
    {
        Tenant = tenant;
        Index = index;
        Parent = parent;
    }

    /// <summary>The tenant as configured.</summary>
    public Tenant Tenant { get; }

    /// <summary>Its name.</summary>
    public TenantId Id => Tenant.Id;

    /// <summary>Position in <see cref="TenantTree.Nodes"/>.</summary>
    public int Index { get; }

    /// <summary>The tenant above, or null.</summary>
    public TenantNode? Parent { get; }

    /// <summary>The tenants below, by id.</summary>
    public ImmutableArray<TenantNode> Children { get; private set; } = [];

    /// <summary>Whether it owns workloads rather than tenants.</summary>
    public bool IsLeaf => Children.IsEmpty;

    /// <summary>Whether another tenant is this one or above it.</summary>
    public bool IsAtOrBelow(TenantNode other)
    {
        for (var above = this; above is not null; above = above.Parent)
        {
            if (above == other)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether the tenant or one above it is suspended.</summary>
    public bool IsSuspended => Tenant.IsSuspended || (Parent?.IsSuspended ?? false);

    /// <summary>
    /// The guarantee on all flavors together, in milli-GPU: that of <c>*</c> if there is one, else the sum of those by
    /// flavor, and for an inner tenant at least the sum of its children's.
    /// </summary>
    public long TotalGuaranteedMilliGpu { get; private set; }

    /// <summary>The quota on a flavor by its name, or null.</summary>
    public FlavorQuota? QuotaFor(FlavorId flavor)
    {
        foreach (var quota in Tenant.Quotas)
        {
            if (quota.Flavor == flavor)
            {
                return quota;
            }
        }

        return null;
    }

    /// <summary>Share of the burst pool: as configured, else the guarantee in whole GPUs, at least 1.</summary>
    public long Weight => Tenant.Weight ?? Math.Max(1, TotalGuaranteedMilliGpu / GpuRequest.MilliPerDevice);

    internal void Seal(IEnumerable<TenantNode> children)
    {
        Children = [.. children];
        var below = Children.Sum(child => child.TotalGuaranteedMilliGpu);
        TotalGuaranteedMilliGpu = QuotaFor(FlavorId.Any)?.GuaranteedMilliGpu
            ?? Math.Max(below, Tenant.Quotas.Sum(quota => quota.GuaranteedMilliGpu));
    }
}
