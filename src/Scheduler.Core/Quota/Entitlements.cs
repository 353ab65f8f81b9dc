namespace Scheduler.Core.Quota;

/// <summary>
/// What each tenant may have now: its guarantee as far as it has demand, and a fair share of what others leave. Exact,
/// and independent of the order of the input.
/// </summary>
/// <remarks>
/// With demand d, guarantee g, limit l at each tenant: base = min(d, g); the pool is what is left of the capacity after
/// all bases and after the idle guarantees that may not be lent; it is shared by weighted max-min over min(d, l) − base.
/// A limit below the guarantee, as a cap on shares of the cluster may set it, lowers the guarantee with it: otherwise more
/// would be given out below a tenant than it has, and what it cannot use would be withheld from others.
/// An inner tenant's entitlement is divided among its children in the same way.
/// </remarks>
internal static class Entitlements
{
    /// <summary>
    /// The guarantees, scaled down by largest remainder where the capacity (or, further down, the parent's scaled
    /// guarantee) does not cover them.
    /// </summary>
    public static long[] ScaleGuarantees(TenantTree tree, long capacity, ReadOnlySpan<long> guaranteed)
    {
        var scaled = guaranteed.ToArray();
        ScaleSiblings([.. tree.Nodes.Where(node => node.Parent is null)], capacity, scaled);
        foreach (var node in tree.Nodes)
        {
            if (!node.IsLeaf)
            {
                ScaleSiblings([.. node.Children], scaled[node.Index], scaled);
            }
        }

        return scaled;
    }

    /// <summary>The entitlement of every tenant.</summary>
    public static long[] Compute(TenantTree tree, EntitlementProblem problem)
    {
        var guaranteed = ScaleGuarantees(
            tree, problem.Capacity, [.. problem.Guaranteed.Select((amount, index) => Math.Min(amount, problem.Limit[index]))]);
        var demand = new long[tree.Nodes.Length];
        var basis = new long[tree.Nodes.Length];
        var unlent = new long[tree.Nodes.Length];
        for (var index = tree.Nodes.Length - 1; index >= 0; index--)
        {
            SumUp(tree.Nodes[index], problem, guaranteed, demand, basis, unlent);
        }

        var entitlement = new long[tree.Nodes.Length];
        Share([.. tree.Nodes.Where(node => node.Parent is null)], problem.Capacity);
        foreach (var node in tree.Nodes)
        {
            if (!node.IsLeaf)
            {
                // What the node is entitled to comes on top of what its own children keep idle.
                Share([.. node.Children], entitlement[node.Index] + node.Children.Sum(child => unlent[child.Index]));
            }
        }

        return entitlement;

        void Share(TenantNode[] siblings, long amount)
        {
            var pool = amount;
            var caps = new long[siblings.Length];
            var weights = new long[siblings.Length];
            for (var position = 0; position < siblings.Length; position++)
            {
                var index = siblings[position].Index;
                pool -= basis[index] + unlent[index];
                caps[position] = demand[index] - basis[index];
                weights[position] = problem.Weight[index];
            }

            var shares = new long[siblings.Length];
            WaterFilling.Fill(Math.Max(0, pool), caps, weights, shares);
            for (var position = 0; position < siblings.Length; position++)
            {
                var index = siblings[position].Index;
                entitlement[index] = basis[index] + shares[position];
            }
        }
    }

    /// <summary>From the leaves up: usable demand, the part of it inside the guarantee, and what must stay idle.</summary>
    private static void SumUp(
        TenantNode node, EntitlementProblem problem, long[] guaranteed, long[] demand, long[] basis, long[] unlent)
    {
        var index = node.Index;
        var wanted = node.IsLeaf ? problem.Demand[index] : node.Children.Sum(child => demand[child.Index]);
        var unlentBelow = node.Children.Sum(child => unlent[child.Index]);
        demand[index] = Math.Min(wanted, problem.Limit[index]);
        basis[index] = Math.Min(demand[index], Math.Max(0, guaranteed[index] - unlentBelow));
        var idle = guaranteed[index] - basis[index];
        unlent[index] = problem.Lending[index] == QuotaLedger.Unlimited
            ? unlentBelow
            : Math.Max(unlentBelow, idle - problem.Lending[index]);
    }

    private static void ScaleSiblings(TenantNode[] siblings, long available, long[] guaranteed)
    {
        if (siblings.Sum(node => guaranteed[node.Index]) <= available)
        {
            return;
        }

        var shares = new long[siblings.Length];
        WaterFilling.Divide(Math.Max(0, available), [.. siblings.Select(node => guaranteed[node.Index])], shares);
        for (var position = 0; position < siblings.Length; position++)
        {
            guaranteed[siblings[position].Index] = shares[position];
        }
    }
}
