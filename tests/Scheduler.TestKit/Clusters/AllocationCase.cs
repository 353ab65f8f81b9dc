using System.Globalization;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;

namespace Scheduler.TestKit.Clusters;

/// <summary>
/// A small cluster on which many tenants want more than there is: a question about entitlements. Odd amounts, so that
/// hardly anything divides evenly; at times the cluster does not even cover the guarantees.
/// </summary>
public sealed record AllocationCase(ClusterSnapshot Snapshot, SchedulingPolicy Policy)
{
    /// <summary>A case from a seed; every seed gives one.</summary>
    public static AllocationCase Make(ulong seed)
    {
        var random = new SplitMix64(new SplitMix64(seed ^ 0xA110CA7E).Next());
        var nodes = Enumerable.Range(0, random.Between(2, 6)).Select(index => Clusters.Make.Node(
            string.Create(CultureInfo.InvariantCulture, $"n{index}"), random.Between(2, 8), isCordoned: random.Chance(10),
            quarantined: random.Chance(20) ? [0] : null)).ToArray();
        var tenants = DrawTenants(random);
        var leaves = tenants.Where(tenant => !tenant.Namespaces.IsEmpty).ToArray();
        var waiting = Enumerable.Range(0, random.Between(0, 30)).Select(index => Clusters.Make.Waiting(
            string.Create(CultureInfo.InvariantCulture, $"w{index:00}"), leaves[random.Below(leaves.Length)].Id.Value,
            random.Chance(60) ? Clusters.Make.Shape(fraction: random.Between(1, 999)) : Clusters.Make.Shape(gpus: random.Between(1, 4)),
            pods: random.Between(1, 3), priority: random.Below(3), submittedMinutesAgo: random.Below(60)));
        return new AllocationCase(
            Clusters.Make.Snapshot(nodes, Clusters.Make.Tree(tenants), waiting),
            SchedulingPolicy.Default with { MaxShareOfClusterPermille = random.Chance(20) ? random.Between(200, 1000) : null });
    }

    private static List<Tenant> DrawTenants(SplitMix64 random)
    {
        var leaves = Enumerable.Range(0, random.Between(1, 6))
            .Select(index => Draw(random, $"t{index}") with { Namespaces = [$"t{index}"] }).ToArray();
        var inner = random.Between(0, leaves.Length);
        if (inner == 0)
        {
            return [.. leaves];
        }

        var top = new TenantId("top");
        var below = leaves[..inner].Sum(leaf => leaf.Quotas[0].GuaranteedMilliGpu);
        var quota = Draw(random, "top").Quotas[0];
        return
        [
            new Tenant
            {
                Id = top,
                Weight = random.Between(1, 7),
                Quotas = random.Chance(50) ? [quota with { GuaranteedMilliGpu = below + quota.GuaranteedMilliGpu }] : [],
            },
            .. leaves[..inner].Select(leaf => leaf with { Parent = top }),
            .. leaves[inner..],
        ];
    }

    private static Tenant Draw(SplitMix64 random, string name) => new()
    {
        Id = new TenantId(name),
        Weight = random.Chance(60) ? random.Between(1, 7) : null,
        Quotas =
        [
            new FlavorQuota
            {
                Flavor = FlavorId.Any,
                GuaranteedMilliGpu = random.Chance(25) ? 0 : random.Below(6_000),
                BurstMilliGpu = random.Chance(70) ? random.Below(9_000) : null,
                LendingLimitMilliGpu = random.Chance(30) ? random.Below(3_000) : null,
            },
        ],
    };
}
