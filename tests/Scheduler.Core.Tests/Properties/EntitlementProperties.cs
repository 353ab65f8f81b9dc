using FsCheck;
using FsCheck.Fluent;
using Scheduler.Core.Quota;

namespace Scheduler.Core.Tests.Properties;

/// <summary>
/// W12: entitlements are exact weighted max-min. Whole milli-GPU are given out by largest remainder, which may take one
/// milli from somebody when more is shared (Balinski, Young: Fair Representation, 1982, on the Alabama paradox); a
/// property that this touches says by how much.
/// </summary>
public class EntitlementProperties
{
    [Cases]
    public Property W12_entitlements_equal_the_exact_division(DivisionCase division)
    {
        var computed = division.Computed();
        var expected = division.Expected();
        var wrong = computed.Where(pair => expected[pair.Key].Entitlement != pair.Value)
            .Select(pair => $"{pair.Key} gets {pair.Value}, not {expected[pair.Key].Entitlement}").ToArray();
        return (wrong.Length == 0).Label(string.Join("; ", wrong));
    }

    [Cases]
    public Property W12_nothing_is_given_twice_and_no_limit_is_passed(DivisionCase division)
    {
        var computed = division.Computed();
        var tooMuch = division.Claims
            .Where(claim => computed[claim.Id] > Math.Min(division.LimitOf(claim) ?? long.MaxValue, DemandBelow(division, claim)))
                .Select(claim => $"{claim.Id} gets {computed[claim.Id]} of {DemandBelow(division, claim)}, limit {division.LimitOf(claim)}")
                .ToArray();
        var sums = division.Claims
            .Where(claim => !division.IsLeaf(claim) && division.ChildrenOf(claim.Id).Sum(child => computed[child.Id]) > computed[claim.Id])
            .Select(claim => $"below {claim.Id}, which gets {computed[claim.Id]}, more is given out").ToArray();
        return (division.ChildrenOf(null).Sum(claim => computed[claim.Id]) <= division.Capacity).Label("more than there is")
            .And((tooMuch.Length == 0).Label(string.Join("; ", tooMuch)))
            .And((sums.Length == 0).Label(string.Join("; ", sums)));
    }

    [Cases]
    public Property W12_what_is_left_is_of_use_to_nobody(DivisionCase division)
    {
        // Pareto: who lacks something shares a level that is used up, all the way to the capacity or to a limit.
        var computed = division.Computed();
        var shares = division.Expected();
        var withheld = division.ChildrenOf(null).Sum(claim => shares[claim.Id].Withheld);
        var lacking = division.Claims
            .Where(claim => division.IsLeaf(claim) && computed[claim.Id] < shares[claim.Id].Usable && !IsUsedUp(claim)).ToArray();
        return (lacking.Length == 0).Label($"{lacking.FirstOrDefault()?.Id} could have more");

        bool IsUsedUp(Claim claim)
        {
            var given = division.ChildrenOf(claim.Parent).Sum(sibling => computed[sibling.Id]);
            if (claim.Parent is not { } parentId)
            {
                return given == division.Capacity - withheld;
            }

            var parent = division.Claims.Single(other => other.Id == parentId);
            return given == computed[parentId] && (computed[parentId] == division.LimitOf(parent) || IsUsedUp(parent));
        }
    }

    [Cases]
    public Property W12_nobody_envies_a_sibling_its_burst(DivisionCase division)
    {
        // Who lacks something has as much burst for its weight as any sibling, up to the one milli of rounding on each side.
        var computed = division.Computed();
        var shares = division.Expected();
        var envious = (from claim in division.Claims
                       where computed[claim.Id] < shares[claim.Id].Usable
                       from other in division.ChildrenOf(claim.Parent)
                       where (BurstOf(claim) + 1) * other.Weight < (BurstOf(other) - 1) * claim.Weight
                       select $"{claim.Id} envies {other.Id}").ToArray();
        return (envious.Length == 0).Label(string.Join("; ", envious));

        long BurstOf(Claim claim) => computed[claim.Id] - shares[claim.Id].Base;
    }

    [Cases]
    public Property W12_each_is_at_least_as_well_off_as_alone_with_its_guarantee(DivisionCase division)
    {
        var computed = division.Computed();
        var scaled = Entitlements.ScaleGuarantees(
            division.Tree, division.Capacity,
            [.. division.Tree.Nodes.Select(node => division.Claims.Single(claim => claim.Id == node.Id.Value))
                .Select(claim => Math.Min(division.GuaranteedOf(claim), division.LimitOf(claim) ?? long.MaxValue))]);
        var worse = division.Tree.Nodes
            .Where(node => node.IsLeaf && computed[node.Id.Value] < Math.Min(scaled[node.Index], division.Expected()[node.Id.Value].Usable))
            .Select(node => $"{node.Id} gets {computed[node.Id.Value]} of {scaled[node.Index]}").ToArray();
        return (worse.Length == 0).Label(string.Join("; ", worse));
    }

    [Cases]
    public Property W12_overstating_demand_gains_nothing(DivisionCase division, PositiveInt more)
    {
        var honest = division.Computed();
        var gains = division.Claims.Where(division.IsLeaf)
            .Where(claim => Math.Min(claim.Demand, division.With(claim with { Demand = claim.Demand + more.Get }).Computed()[claim.Id])
                > honest[claim.Id])
            .Select(claim => claim.Id).ToArray();
        return (gains.Length == 0).Label($"{string.Join(", ", gains)} gain by asking for {more.Get} more");
    }

    [Cases]
    public Property W12_more_capacity_takes_from_nobody(DivisionCase division, PositiveInt more)
    {
        // Up to one milli of rounding at each level of the tree. Where guarantees are scaled, these are rounded as well, and
        // below a tenant at its limit the statement is another: there, what capacity brings back of one guarantee can only
        // come from a sibling's burst.
        var before = division.Computed();
        var after = (division with { Capacity = division.Capacity + more.Get }).Computed();
        var isScaled = division.ChildrenOf(null).Sum(division.GuaranteedOf) > division.Capacity;
        var losers = division.Claims
            .Where(claim => after[claim.Id] < before[claim.Id] - division.PathTo(claim).Sum(RoundingAt))
            .Where(claim => !isScaled || !division.PathTo(claim).SkipLast(1).Any(above => after[above.Id] == division.LimitOf(above)))
            .Select(claim => $"{claim.Id} falls from {before[claim.Id]} to {after[claim.Id]}").ToArray();
        return (losers.Length == 0).Label(string.Join("; ", losers));

        int RoundingAt(Claim claim) => isScaled ? 1 + division.ChildrenOf(claim.Parent).Count() : 1;
    }

    [Cases]
    public Property W12_more_weight_takes_nothing_from_its_owner(DivisionCase division, PositiveInt more)
    {
        // A weight counts among siblings only, so that one rounding is all there is.
        var before = division.Computed();
        var losers = division.Claims
            .Where(claim => division.With(claim with { Weight = claim.Weight + more.Get }).Computed()[claim.Id] < before[claim.Id] - 1)
            .Select(claim => claim.Id).ToArray();
        return (losers.Length == 0).Label($"{string.Join(", ", losers)} lose by more weight");
    }

    [Cases]
    public Property W12_the_order_of_the_tenants_changes_nothing(DivisionCase division, int seed)
    {
        var claims = division.Claims.ToArray();
        new Random(seed).Shuffle(claims);
        return (division with { Claims = [.. claims] }).Computed().SequenceEqual(division.Computed()).Label("the shares differ");
    }

    private static long DemandBelow(DivisionCase division, Claim claim) =>
        division.IsLeaf(claim) ? claim.Demand : division.ChildrenOf(claim.Id).Sum(child => DemandBelow(division, child));
}
