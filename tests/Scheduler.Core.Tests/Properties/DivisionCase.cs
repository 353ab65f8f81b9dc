using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.TestKit.Clusters;
using Scheduler.TestKit.Oracles;

namespace Scheduler.Core.Tests.Properties;

/// <summary>A tenant and what it asks for; amounts in milli-GPU, chosen so that hardly anything divides evenly.</summary>
public sealed record Claim(string Id, string? Parent, int Guaranteed, int? Burst, int? Lending, int Weight, int Demand);

/// <summary>A generated division: who shares how much. Inner tenants guarantee at least what is guaranteed below them.</summary>
/// <param name="Capacity">What there is, in milli-GPU; often less than is guaranteed.</param>
/// <param name="Cap">The most that a tenant at the top may have, or null: as the cap on shares of the cluster sets it.</param>
/// <param name="Claims">The tenants, parents first.</param>
public sealed record DivisionCase(int Capacity, int? Cap, ImmutableArray<Claim> Claims)
{
    public TenantTree Tree => Make.Tree(Claims.Select(claim => new Tenant
    {
        Id = new TenantId(claim.Id),
        Parent = claim.Parent is null ? null : new TenantId(claim.Parent),
        Weight = claim.Weight,
        Quotas =
        [
            new FlavorQuota
            {
                Flavor = FlavorId.Any,
                GuaranteedMilliGpu = GuaranteedOf(claim),
                BurstMilliGpu = claim.Burst,
                LendingLimitMilliGpu = claim.Lending,
            },
        ],
    }));

    /// <summary>The entitlements by id, as the code under test computes them.</summary>
    public SortedDictionary<string, long> Computed()
    {
        var tree = Tree;
        var problem = new EntitlementProblem(tree.Nodes.Length) { Capacity = Capacity };
        foreach (var node in tree.Nodes)
        {
            var claim = Claims.Single(claim => claim.Id == node.Id.Value);
            problem.Guaranteed[node.Index] = node.TotalGuaranteedMilliGpu;
            problem.Limit[node.Index] = LimitOf(claim) ?? QuotaLedger.Unlimited;
            problem.Lending[node.Index] = claim.Lending ?? QuotaLedger.Unlimited;
            problem.Weight[node.Index] = claim.Weight;
            problem.Demand[node.Index] = claim.Demand;
        }

        var entitlements = Entitlements.Compute(tree, problem);
        return new SortedDictionary<string, long>(
            tree.Nodes.ToDictionary(node => node.Id.Value, node => entitlements[node.Index]), StringComparer.Ordinal);
    }

    /// <summary>The same from the oracle.</summary>
    public IReadOnlyDictionary<string, FairShare> Expected() => FairShareOracle.Divide(OracleTenants(parent: null), Capacity);

    public IEnumerable<Claim> ChildrenOf(string? parent) => Claims.Where(claim => claim.Parent == parent);

    public bool IsLeaf(Claim claim) => !ChildrenOf(claim.Id).Any();

    /// <summary>From the top down to the tenant itself.</summary>
    public IEnumerable<Claim> PathTo(Claim claim) =>
        claim.Parent is null ? [claim] : PathTo(Claims.Single(other => other.Id == claim.Parent)).Append(claim);

    public long GuaranteedOf(Claim claim) => claim.Guaranteed + ChildrenOf(claim.Id).Sum(GuaranteedOf);

    /// <summary>Guarantee and burst; at the top not more than the cap. Null: no limit.</summary>
    public long? LimitOf(Claim claim)
    {
        var own = claim.Burst is { } burst ? GuaranteedOf(claim) + burst : 3 * GuaranteedOf(claim);
        return claim.Parent is null && Cap is { } cap ? Math.Min(own, cap) : own;
    }

    public DivisionCase With(Claim changed) =>
        this with { Claims = [.. Claims.Select(claim => claim.Id == changed.Id ? changed : claim)] };

    public override string ToString()
    {
        var text = new StringBuilder().AppendLine(CultureInfo.InvariantCulture, $"capacity {Capacity}, cap {Cap}");
        foreach (var claim in Claims)
        {
            text.AppendLine(CultureInfo.InvariantCulture,
                $"  {claim.Id} in {claim.Parent ?? "-"} guaranteed={GuaranteedOf(claim)} limit={LimitOf(claim)} "
                + $"lending={claim.Lending} weight={claim.Weight} demand={claim.Demand}");
        }

        return text.ToString();
    }

    private ImmutableArray<FairShareTenant> OracleTenants(string? parent) =>
    [
        .. ChildrenOf(parent).Select(claim => new FairShareTenant(
            claim.Id, GuaranteedOf(claim), LimitOf(claim), claim.Lending, claim.Weight, claim.Demand, OracleTenants(claim.Id))),
    ];
}

/// <summary>How <see cref="DivisionCase"/>s are made and shrunk.</summary>
public static class DivisionCases
{
    public static Arbitrary<DivisionCase> Arbitrary() => Arb.From(Generator, Shrink);

    private static Gen<DivisionCase> Generator =>
        from inner in Gen.Choose(0, 3)
        from leaves in Gen.Choose(1, 6)
        from innerClaims in Gen.CollectToArray(Enumerable.Range(0, inner), index => ClaimGen($"i{index}", index, isLeaf: false))
        from leafClaims in Gen.CollectToArray(Enumerable.Range(0, leaves), index => ClaimGen($"t{index}", inner, isLeaf: true))
        from capacity in Gen.Choose(0, 20_000)
        from cap in Gen.Choose(-20_000, 8_000)
        select WithoutEmpty(new DivisionCase(capacity, cap < 0 ? null : cap, [.. innerClaims, .. leafClaims]));

    /// <summary>A tenant under one of the inner tenants before it, or at the top.</summary>
    private static Gen<Claim> ClaimGen(string id, int parents, bool isLeaf) =>
        from parent in Gen.Choose(-1, parents - 1)
        from guaranteed in Gen.Choose(-1_000, 4_000)
        from burst in Gen.Choose(-4_000, 9_000)
        from lending in Gen.Choose(-3_000, 2_000)
        from weight in Gen.Choose(1, 7)
        from demand in Gen.Choose(-1_000, 9_000)
        select new Claim(
            id, parent < 0 ? null : $"i{parent}", Math.Max(0, guaranteed) / (isLeaf ? 1 : 4), burst < 0 ? null : burst,
            lending < 0 ? null : lending, weight, isLeaf ? Math.Max(0, demand) : 0);

    /// <summary>An inner tenant without anybody below would be a leaf, which has demand.</summary>
    private static DivisionCase WithoutEmpty(DivisionCase value)
    {
        var empty = value.Claims.FirstOrDefault(claim => claim.Id[0] == 'i' && value.IsLeaf(claim));
        return empty is null ? value : WithoutEmpty(value with { Claims = value.Claims.Remove(empty) });
    }

    private static IEnumerable<DivisionCase> Shrink(DivisionCase value)
    {
        foreach (var claim in value.Claims.Where(claim => value.IsLeaf(claim) && value.Claims.Length > 1))
        {
            yield return WithoutEmpty(value with { Claims = value.Claims.Remove(claim) });
        }

        foreach (var claim in value.Claims)
        {
            Claim[] simpler =
            [
                claim with { Parent = null }, claim with { Weight = 1 }, claim with { Lending = null }, claim with { Burst = 9_999 },
                claim with { Guaranteed = claim.Guaranteed / 2 }, claim with { Guaranteed = claim.Guaranteed / 1000 * 1000 },
                claim with { Demand = claim.Demand / 2 }, claim with { Demand = claim.Demand / 1000 * 1000 },
            ];
            foreach (var other in simpler.Where(other => other != claim))
            {
                yield return WithoutEmpty(value.With(other));
            }
        }

        if (value.Cap is not null)
        {
            yield return value with { Cap = null };
        }

        foreach (var capacity in new[] { value.Capacity / 2, value.Capacity / 1000 * 1000 }.Where(capacity => capacity != value.Capacity))
        {
            yield return value with { Capacity = capacity };
        }
    }
}
