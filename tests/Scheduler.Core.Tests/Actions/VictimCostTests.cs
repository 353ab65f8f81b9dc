using System.Collections.Immutable;
using Scheduler.Core.Actions.Victims;
using Scheduler.Core.Planning;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Core.Tests.Actions;

public class VictimCostTests
{
    private static readonly VictimCost Base = new(1, 100, 2, 50);

    public static TheoryData<string> Parts => ["budgets", "work", "disturbed", "rank"];

    private static VictimCost Dearer(string part, VictimCost cost) => part switch
    {
        "budgets" => cost with { BudgetViolations = cost.BudgetViolations + 1 },
        "work" => cost with { LostMilliGpuSeconds = cost.LostMilliGpuSeconds + 1 },
        "disturbed" => cost with { Disturbed = cost.Disturbed + 1 },
        _ => cost with { Rank = cost.Rank + 1 },
    };

    [Theory, MemberData(nameof(Parts))]
    public void A_cost_is_compared_from_left_to_right(string part)
    {
        // Whatever comes after the part that differs is cheaper, and does not count.
        var dear = Dearer(part, Base) with { Rank = part == "rank" ? 51 : 0, Disturbed = part is "budgets" or "work" ? 0 : Dearer(part, Base).Disturbed };
        dear = part == "budgets" ? dear with { LostMilliGpuSeconds = 0 } : dear;
        Assert.True(dear.CompareTo(Base) > 0);
        Assert.True(Base.CompareTo(dear) < 0);
        Assert.True(VictimCost.ComparePerGain(dear, 1, Base, 1) > 0);
        Assert.True(VictimCost.ComparePerGain(Base, 1, dear, 1) < 0);
        Assert.Equal(0, Base.CompareTo(Base));
        Assert.Equal(0, VictimCost.ComparePerGain(Base, 3, Base, 3));
    }

    [Fact]
    public void What_gains_more_is_cheaper_for_each_gain_but_for_budgets()
    {
        // 100 for 3 against 67 for 2: 33⅓ against 33½.
        var (three, two) = (new VictimCost(0, 100, 0, 0), new VictimCost(0, 67, 0, 0));
        Assert.True(VictimCost.ComparePerGain(three, 3, two, 2) < 0);
        Assert.True(VictimCost.ComparePerGain(two, 2, three, 3) > 0);
        Assert.Equal(0, VictimCost.ComparePerGain(new(0, 50, 0, 0), 1, new(0, 100, 0, 0), 2));

        Assert.True(VictimCost.ComparePerGain(new(0, 0, 4, 0), 3, new(0, 0, 3, 0), 2) < 0);
        Assert.True(VictimCost.ComparePerGain(new(0, 0, 3, 0), 2, new(0, 0, 4, 0), 3) > 0);
        Assert.Equal(0, VictimCost.ComparePerGain(new(0, 0, 2, 0), 1, new(0, 0, 4, 0), 2));

        Assert.True(VictimCost.ComparePerGain(new(0, 0, 0, 100), 3, new(0, 0, 0, 67), 2) < 0);
        Assert.True(VictimCost.ComparePerGain(new(0, 0, 0, 67), 2, new(0, 0, 0, 100), 3) > 0);

        Assert.True(VictimCost.ComparePerGain(new(2, 0, 0, 0), 100, new(1, 1000, 9, 9), 1) > 0);
    }

    [Theory]
    [InlineData(1, "plain")]
    [InlineData(2, "covered")]
    [InlineData(3, "covered")]
    public void A_budget_is_counted_over_all_pods_that_go(int allowed, string expected)
    {
        // The covered one has lost less work; but two of its pods go, and its budget may not let them.
        var covered = Make.Waiting("covered", "borrower", Make.Shape(1), pods: 2, submittedMinutesAgo: 10).RunningOn("a") with { DisruptionBudget = "budget" };
        var plain = Make.Waiting("plain", "borrower", Make.Shape(1), pods: 2, submittedMinutesAgo: 100).RunningOn("b");
        var wanted = Make.Waiting("wanted", "owner", Make.Shape(2));
        var cluster = new LivingCluster(
            [Make.Node("a", 2), Make.Node("b", 2)], Make.Tree(Make.Tenant("owner", 4), Make.Tenant("borrower", 0, 4)), [covered, plain, wanted])
        {
            Budgets = Budget(allowed),
        };
        Assert.Equal(expected, Assert.Single(cluster.Cycle().Decisions.OfType<Evict>()).Workload.Value);
    }

    private static ImmutableSortedDictionary<string, int> Budget(int allowed) =>
        ImmutableSortedDictionary<string, int>.Empty.Add("budget", allowed);
}
