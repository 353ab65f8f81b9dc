using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Simulation.Schedulers;
using Xunit;

namespace Scheduler.Simulation.Tests.Checking;

public sealed class ScenarioShrinkerTests(ITestOutputHelper output)
{
    [Fact]
    public void A_planted_fault_is_left_in_a_scenario_of_one_job_and_the_nodes_of_its_guarantee()
    {
        var setup = RandomSetups.Make(20261124);
        var shrinker = new ScenarioShrinker(() => new StartsTwice());
        Assert.Contains(shrinker.Run(setup), violation => violation.Invariant == "W1");
        Assert.True(setup.Jobs.Length > 4 && setup.Nodes.Length > 1 && setup.Tenants.Nodes.Length > 1, "there is nothing to leave out");

        var small = shrinker.Shrink(setup, "W1");

        Assert.Contains(shrinker.Run(small), violation => violation.Invariant == "W1");
        Assert.Single(small.Jobs);
        var guaranteed = small.Tenants.Nodes[0].Tenant.Quotas.Sum(quota => quota.GuaranteedMilliGpu);
        Assert.True(small.Nodes.Length < setup.Nodes.Length);
        Assert.True(small.Nodes.Length == 1 || small.Nodes.All(node => guaranteed > small.Nodes.Sum(other => other.InstalledMilliGpu) - node.InstalledMilliGpu), "a node is left that the guarantee does not need");
        Assert.Single(small.Tenants.Nodes);
        Assert.True(small.Faults.IsNone);
        var text = SetupText.Write(small);
        output.WriteLine(text);
        Assert.Contains("seed 20261124", text, StringComparison.Ordinal);
        Assert.Contains($"job {small.Jobs[0].Workload.Id} of {small.Tenants.Nodes[0].Tenant.Id}", text, StringComparison.Ordinal);
        Assert.Contains($"node {small.Nodes[0].Name}: ", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_fault_that_takes_two_jobs_keeps_two()
    {
        var shrinker = new ScenarioShrinker(() => new StartsTwice(besides: 1));
        var setup = RandomSetups.Make(20261124);

        var small = shrinker.Shrink(setup, "W1");

        Assert.Equal(2, small.Jobs.Length);
        Assert.Contains(shrinker.Run(small), violation => violation.Invariant == "W1");
    }

    /// <summary>Starts what it starts a second time, where enough else runs: nothing may be given out twice (W1).</summary>
    private sealed class StartsTwice(int besides = 0) : IScheduler
    {
        private readonly WeirScheduler _weir = new(SchedulingPolicy.Default);

        public string Name => "starts-twice";

        public SchedulingPolicy? Promises => null;

        public Plan Decide(ClusterSnapshot snapshot)
        {
            var plan = _weir.Decide(snapshot);
            var running = snapshot.Workloads.Count(workload => workload.StartedAt is not null);
            return running < besides ? plan : plan with { Decisions = plan.Decisions.AddRange(plan.Decisions.OfType<Bind>()) };
        }
    }
}
