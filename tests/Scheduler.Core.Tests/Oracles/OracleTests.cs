using Scheduler.Core.Model;
using Scheduler.TestKit.Clusters;
using Scheduler.TestKit.Oracles;
using Xunit;

namespace Scheduler.Core.Tests.Oracles;

/// <summary>An oracle is believed, so it is checked by means that are simpler still.</summary>
public class OracleTests
{
    [Fact]
    public void The_best_victims_are_those_found_by_trying_every_set()
    {
        var compared = 0;
        for (var seed = 1ul; compared < 15; seed++)
        {
            var value = VictimCase.Make(seed);
            var units = Units(value);
            if (units.Length is < 2 or > 6)
            {
                continue;
            }

            compared++;
            var best = Enumerable.Range(0, 1 << units.Length)
                .Select(set => units.Where((_, index) => (set & (1 << index)) != 0).SelectMany(unit => unit).ToHashSet())
                .Where(victims => PackingOracle.Fits(value.Snapshot, value.Waiting, victims))
                .Select(victims => (VictimPrice?)VictimPrice.Of(value.Snapshot, value.Policy, victims))
                .Min();
            Assert.Equal(best, VictimOracle.Solve(value.Snapshot, value.Policy, value.Waiting)?.Price);
        }
    }

    [Fact]
    public void Single_pods_fit_exactly_where_counting_on_each_node_says_so()
    {
        var compared = 0;
        for (var seed = 1ul; compared < 200; seed++)
        {
            var value = VictimCase.Make(seed);
            if (value.Waiting.Pods.Length == 1)
            {
                compared++;
                Assert.Equal(
                    value.Snapshot.Nodes.Any(node => FitsOn(node, value)),
                    PackingOracle.Fits(value.Snapshot, value.Waiting, new HashSet<PodId>()));
            }
        }
    }

    [Fact]
    public void A_division_by_hand_comes_out_the_same()
    {
        // Ten for three with weights 1, 2, 4: the last is full at 3, the other two share 7 as 1 to 2.
        var shares = FairShareOracle.Fill(10, [(9, 1), (9, 2), (3, 4)]);

        Assert.Equal([new ExactFraction(7, 3), new ExactFraction(14, 3), 3], shares);
        Assert.Equal([2, 5, 3], FairShareOracle.Round(shares, 10));
    }

    [Fact]
    public void Guarantees_come_first_and_what_may_not_be_lent_stays_idle()
    {
        // 8 in all. The idle tenant keeps 3 of its 4; of the other 5, each of the two has its guarantee, and shares the rest.
        var shares = FairShareOracle.Divide(
            [
                new FairShareTenant("idle", 4, null, 1, 1, 0, []),
                new FairShareTenant("one", 1, null, null, 1, 9, []),
                new FairShareTenant("two", 2, 3, null, 1, 9, []),
            ],
            8);

        Assert.Equal([0, 2, 3], shares.Values.Select(share => share.Entitlement));
        Assert.Equal(3, shares["idle"].Withheld);
    }

    [Theory]
    [InlineData(7, 2, 3)]
    [InlineData(-7, 2, -4)]
    [InlineData(-6, 2, -3)]
    [InlineData(0, 5, 0)]
    public void Fractions_are_rounded_down(int numerator, int denominator, int floor) =>
        Assert.Equal(floor, new ExactFraction(numerator, denominator).Floor);

    /// <summary>Everything that can go by itself: surplus pods, and whole workloads with all their pods.</summary>
    private static PodId[][] Units(VictimCase value)
    {
        var mayGo = VictimOracle.MayGo(value.Snapshot, value.Waiting);
        return
        [
            .. value.Snapshot.Workloads.SelectMany(workload => StandingOracle.SurplusOf(workload))
                .Where(pod => mayGo.Contains(pod.Id)).Select(pod => new[] { pod.Id }),
            .. value.Snapshot.Workloads.Where(workload => StandingOracle.CoreOf(workload).Any(pod => mayGo.Contains(pod.Id)))
                .Select(workload => workload.Pods.Select(pod => pod.Id).ToArray()),
        ];
    }

    private static bool FitsOn(Node node, VictimCase value)
    {
        var (waiting, pod) = (value.Waiting, value.Waiting.Pods[0]);
        var here = value.Snapshot.Workloads.SelectMany(workload => workload.Pods.Select(other => (workload, other)))
            .Where(pair => pair.other.Placement?.Node == node.Name).ToArray();
        var isSharing = value.Snapshot.Tenants.Nodes.Single(tenant => tenant.Id == waiting.Tenant).Tenant.SharesDevices;
        var devices = node.Devices.Count(device => device.Health == DeviceHealth.Healthy
            && here.Where(pair => pair.other.Placement!.Devices.Contains(device.Index)).Sum(pair => pair.other.Shape.Gpu.MilliEach)
                + pod.Shape.Gpu.MilliEach <= 1000
            && (isSharing
                || here.All(pair => !pair.other.Placement!.Devices.Contains(device.Index) || pair.workload.Tenant == waiting.Tenant)));
        return devices >= pod.Shape.Gpu.Count
            && here.Sum(pair => pair.other.Shape.Requests.MilliCpu) + pod.Shape.Requests.MilliCpu <= node.Allocatable.MilliCpu
            && pod.Shape.NodeSelector.All(pair => node.Labels[pair.Key] == pair.Value);
    }
}
