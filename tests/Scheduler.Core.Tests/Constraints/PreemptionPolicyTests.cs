using Scheduler.Core.Planning;
using Scheduler.TestKit.Clusters;
using Xunit;
using static Scheduler.Core.Tests.Constraints.ConstraintCluster;

namespace Scheduler.Core.Tests.Constraints;

public class PreemptionPolicyTests
{
    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    public void Nobody_is_sent_away_for_a_pod_that_never_preempts(bool mayPreempt, int evictions)
    {
        var tree = Make.Tree(Make.Tenant("t", 1), Make.Tenant("b", 0, burst: 1));
        var snapshot = Make.Snapshot(
            [Node("n", "a", gpus: 1)], tree,
            Make.Waiting("v", "b", Make.Shape(gpus: 1)).RunningOn("n"), App("w", "x") with { MayPreempt = mayPreempt });

        Assert.Equal(evictions, Plan(snapshot).Decisions.OfType<Evict>().Count());
    }
}
