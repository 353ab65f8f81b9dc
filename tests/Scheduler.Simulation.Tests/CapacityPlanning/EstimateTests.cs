using System.Collections.Immutable;
using Scheduler.Simulation.CapacityPlanning;
using Xunit;

namespace Scheduler.Simulation.Tests.CapacityPlanning;

public class EstimateTests
{
    /// <summary>From the printed table of two-sided 95 % points.</summary>
    [Theory]
    [InlineData(1, 12.706)]
    [InlineData(2, 4.303)]
    [InlineData(3, 3.182)]
    [InlineData(4, 2.776)]
    [InlineData(5, 2.571)]
    [InlineData(9, 2.262)]
    [InlineData(10, 2.228)]
    [InlineData(30, 2.042)]
    [InlineData(120, 1.980)]
    [InlineData(999, 1.962)]
    public void Quantiles_are_those_of_the_printed_table(int degrees, double expected) =>
        Assert.Equal(expected, StudentT.TwoSidedQuantile(0.95, degrees), 0.0005);

    [Fact]
    public void The_interval_is_what_a_hand_works_out()
    {
        // Mean 5; squared deviations 9 + 1 + 1 + 9 = 20, variance 20/3, standard error sqrt(20/12) = 1.29099; times 3.18245.
        var estimate = Estimate.Of([2, 4, 6, 8]);

        Assert.Equal(5, estimate.Mean, 1e-12);
        Assert.Equal(4.10852, estimate.HalfWidth, 0.00001);
        Assert.Equal((0.89148, 9.10852), (Math.Round(estimate.Low, 5), Math.Round(estimate.High, 5)));
    }

    [Fact]
    public void Equal_values_leave_no_doubt_and_one_without_end_leaves_no_mean()
    {
        Assert.Equal((3, 0), (Estimate.Of([3, 3, 3]).Mean, Estimate.Of([3, 3, 3]).HalfWidth));
        Assert.Equal(double.PositiveInfinity, Estimate.Of([3, double.PositiveInfinity]).Low);
    }

    // The interval of 2, 4, 6, 8 is from 0.89 to 9.11.
    [Theory]
    [InlineData("p95 wait < 10s", nameof(Verdict.Enough))]
    [InlineData("p95 wait < 9s", nameof(Verdict.Unclear))]
    [InlineData("p95 wait < 5s", nameof(Verdict.Unclear))]
    [InlineData("p95 wait < 1s", nameof(Verdict.Unclear))]
    [InlineData("p95 wait < 800ms", nameof(Verdict.NotEnough))]
    [InlineData("every guarantee within 10s", nameof(Verdict.Enough))]
    [InlineData("lost GPU-hours < 0.5", nameof(Verdict.NotEnough))]
    [InlineData("utilisation > 0.5%", nameof(Verdict.Enough))]
    [InlineData("utilisation > 5%", nameof(Verdict.Unclear))]
    [InlineData("utilisation > 10%", nameof(Verdict.NotEnough))]
    public void A_goal_is_met_only_if_the_whole_interval_meets_it(string goal, string expected) =>
        Assert.Equal(expected, Sample.Goal(goal).Judge(Estimate.Of([2, 4, 6, 8])).ToString());

    [Fact]
    public void The_worst_goal_decides()
    {
        var setting = new SettingSpace(Sample.Scenario(), [Sample.Knob("nodes.h100=2")]).All()[0];
        ImmutableArray<Goal> goals = [Sample.Goal("p95 wait < 10s"), Sample.Goal("p50 wait < 5s"), Sample.Goal("utilisation > 10%")];
        var estimate = Estimate.Of([2, 4, 6, 8]);

        Assert.Equal(Verdict.Enough, SettingResult.Of(setting, goals[..1], [estimate]).Verdict);
        Assert.Equal(Verdict.Unclear, SettingResult.Of(setting, goals[..2], [estimate, estimate]).Verdict);
        Assert.Equal(Verdict.NotEnough, SettingResult.Of(setting, goals, [estimate, estimate, estimate]).Verdict);
    }
}
