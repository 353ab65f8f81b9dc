using System.Collections.Immutable;
using Scheduler.Simulation.CapacityPlanning;
using Scheduler.Simulation.Scenarios;
using Xunit;

namespace Scheduler.Simulation.Tests.CapacityPlanning;

public class FrontierTests
{
    private static readonly ImmutableArray<Goal> Goals = [Sample.Goal("p95 wait < 10m")];

    private static ImmutableArray<Setting> Settings(string knob) => new SettingSpace(Sample.Scenario(), [Sample.Knob(knob)]).All();

    [Fact]
    public void Bisection_finds_what_the_grid_finds_wherever_the_boundary_lies()
    {
        for (var count = 1; count <= 20; count++)
        {
            var settings = Settings($"nodes.h100=1..{count}");
            for (var boundary = 1; boundary <= count + 1; boundary++)
            {
                var (byGrid, byBisection) = (new Pretended(nodes => nodes >= boundary ? 300 : 900), new Pretended(nodes => nodes >= boundary ? 300 : 900));
                var grid = Frontier.Grid(settings, byGrid, TestContext.Current.CancellationToken);
                var bisection = Frontier.Bisect(settings, Goals, byBisection, mayRunAll: true, TestContext.Current.CancellationToken);

                Assert.Equal(grid.Answer?.Setting.Nodes.Length, bisection.Answer?.Setting.Nodes.Length);
                Assert.Equal(boundary <= count ? boundary : null, bisection.Answer?.Setting.Nodes.Length);
                Assert.InRange(byBisection.Settings, 1, Frontier.MostByBisection(count));
                Assert.Equal(SearchMethod.Bisection, bisection.Method);
            }
        }
    }

    [Theory]
    [InlineData(true, nameof(SearchMethod.GridAfterBisection), 8)]
    [InlineData(false, nameof(SearchMethod.BisectionInDoubt), 4)]
    public void Where_more_makes_it_worse_bisection_is_not_trusted(bool mayRunAll, string expected, int settings)
    {
        var sweep = new Pretended(nodes => nodes is >= 3 and <= 6 ? 100 : 500);
        var frontier = Frontier.Bisect(Settings("nodes.h100=1..8"), Goals, sweep, mayRunAll, TestContext.Current.CancellationToken);

        Assert.Equal((expected, settings), (frontier.Method.ToString(), sweep.Settings));
    }

    [Theory]
    [InlineData("nodes.h100=1..20", "p95 wait < 10m", true)]
    [InlineData("nodes.h100=1..20", "every guarantee within 10m", true)]
    [InlineData("nodes.h100=1..3", "p95 wait < 10m", false)]
    [InlineData("nodes.h100=1..20", "utilisation > 50%", false)]
    [InlineData("nodes.h100=1..20", "lost GPU-hours < 5", false)]
    [InlineData("guaranteed.search=0..16:1", "p95 wait of tenant search < 10m", true)]
    [InlineData("guaranteed.search=0..16:1", "p95 wait of tenant guests < 10m", false)]
    [InlineData("burstFactor=0..20:1", "mean wait < 10m", false)]
    public void Bisection_is_for_one_knob_of_which_more_can_only_help_and_where_it_saves_runs(string knob, string goal, bool expected)
    {
        var parsed = Sample.Knob(knob);
        Assert.Equal(expected, Frontier.UsesBisection([parsed], [Sample.Goal(goal)], parsed.Count));
    }

    [Fact]
    public void Simulated_bisection_and_grid_answer_the_same()
    {
        var grid = Sample.Plan(["p95 wait of tenant search < 30m"], ["nodes.h100=2..9"], runsAll: true).Run();
        var bisection = Sample.Plan(["p95 wait of tenant search < 30m"], ["nodes.h100=2..9"]).Run();

        Assert.True(grid.IsEnough);
        Assert.Equal((SearchMethod.Grid, SearchMethod.Bisection), (grid.Search, bisection.Search));
        Assert.Equal(8, grid.Settings.Length);
        Assert.True(bisection.Settings.Length < 8);
        Assert.Equal(grid.Answer, bisection.Answer);
        Assert.InRange(grid.Chosen!.Value, 1, 6);
    }

    [Fact]
    public void The_same_plan_gives_the_same_bytes_whatever_runs_at_a_time()
    {
        string[] goals = ["p95 wait of tenant search < 30m", "utilisation > 40%", "every guarantee within 10m", "lost GPU-hours < 4"];
        string[] knobs = ["nodes.h100=2..4", "burst.guests=0..16:16"];
        var alone = Sample.Plan(goals, knobs);
        var together = Sample.Plan(goals, knobs);
        var (first, second) = (alone.Run(mostAtATime: 1), together.Run(mostAtATime: 8));

        Assert.Equal(first.ToJson(), second.ToJson());
        Assert.Equal(FrontierPlot.Draw(alone, first.Frontier), FrontierPlot.Draw(together, second.Frontier));
    }

    [Fact]
    public void All_settings_meet_the_same_jobs()
    {
        var setups = Sample.Plan(["mean wait < 1m"], ["nodes.h100=2..4"]).MakeSetups(out _);

        Assert.Equal([1UL, 2, 3, 4], setups.Select(setup => setup.Seed));
        Assert.NotEqual(setups[0].Jobs.Length, setups[1].Jobs.Length);
    }

    [Fact]
    public void Jobs_that_can_never_start_make_a_setting_not_enough()
    {
        // A gang of 24 GPUs on a cluster of 16.
        var scenario = Sample.Scenario() with { Horizon = null };
        scenario = scenario with
        {
            Generators =
            [
                .. scenario.Generators.Select(generator => generator with
                {
                    Arrivals = new Arrivals.Burst(1),
                    Shapes = [.. generator.Shapes.Select(shape => generator.Name == "batch" ? shape with { Pods = 3, MinMember = 3 } : shape)],
                }),
            ],
        };
        var plan = new CapacityPlan(scenario, [Sample.Goal("p50 wait of tenant guests < 10d")], [Sample.Knob("nodes.h100=2..3")]) { Seed = 1, Seeds = 2 };
        var report = plan.Run();

        Assert.Equal([Verdict.NotEnough, Verdict.Enough], report.Settings.Select(setting => setting.Verdict));
        Assert.Null(report.Settings[0].Figures[0].Mean);
        Assert.StartsWith("3 nodes of group h100 are enough", report.Answer, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_that_is_enough_is_said_with_what_came_closest()
    {
        var report = Sample.Plan(["p95 wait of tenant search < 1s"], ["nodes.h100=1..2"]).Run();

        Assert.False(report.IsEnough);
        Assert.Equal(1, report.Chosen);
        Assert.Contains("No setting is enough. nodes.h100=2 comes closest", report.Answer, StringComparison.Ordinal);
        Assert.Contains("beyond the goal of < 1s", report.Answer, StringComparison.Ordinal);
    }

    [Fact]
    public void More_runs_than_may_be_made_are_refused_with_how_to_ask_for_them()
    {
        var plan = Sample.Plan(["utilisation > 1%"], ["nodes.h100=1..50", "burst.search=0..19:1"]);

        Assert.Equal(
            "the knobs have 50 × 20 = 1000 settings, which with 4 seeds is 4000 runs, and at most 1000 are made; take greater steps or fewer seeds, or ask for more with --max-runs 4000",
            Assert.Single(plan.Check()));
    }

    /// <summary>Waits that depend on the number of nodes only.</summary>
    private sealed class Pretended(Func<int, double> wait) : ISweep
    {
        public int Settings { get; private set; }

        public ImmutableArray<SettingResult> Run(ImmutableArray<Setting> settings, CancellationToken stop)
        {
            Settings += settings.Length;
            return [.. settings.Select(setting =>
            {
                var estimate = Estimate.Of([wait(setting.Nodes.Length) - 5, wait(setting.Nodes.Length) + 5]);
                return SettingResult.Of(setting, Goals, [estimate]);
            })];
        }
    }
}
