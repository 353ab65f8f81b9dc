using Scheduler.Simulation.CapacityPlanning;
using Xunit;

namespace Scheduler.Simulation.Tests.CapacityPlanning;

public class GoalParserTests
{
    [Theory]
    [InlineData("p95 wait of tenant search < 10m", "p95 wait of tenant search", 600)]
    [InlineData("mean wait<1h30m", "mean wait", 5400)]
    [InlineData("max wait of tenant a.b < 500ms", "max wait of tenant a.b", 0.5)]
    [InlineData("p50 wait < 1s", "p50 wait", 1)]
    [InlineData("p99 wait < 2d", "p99 wait", 172_800)]
    [InlineData("every guarantee within 5m", "longest time to guarantee", 300)]
    [InlineData("utilisation > 70%", "utilisation", 70)]
    [InlineData("utilisation>62.5 %", "utilisation", 62.5)]
    [InlineData("lost gpu-hours < 12.5", "lost GPU-hours", 12.5)]
    public void Goals_of_every_form_are_read(string text, string name, double threshold)
    {
        var goal = GoalParser.Parse(text, out var error);

        Assert.Null(error);
        Assert.Equal((name, threshold), (goal!.Name, goal.Threshold));
    }

    [Theory]
    [InlineData("", 1, "is empty; a goal is 'p95 wait of tenant NAME < 10m'")]
    [InlineData("p97 wait < 10m", 1, "'p97' begins no goal; did you mean 'p")]
    [InlineData("utilization > 70%", 1, "did you mean 'utilisation'?")]
    [InlineData("p95 weight < 10m", 5, "write 'wait' here")]
    [InlineData("p95 wait of search < 10m", 13, "write 'tenant' here")]
    [InlineData("p95 wait of tenant < 10m", 20, "the tenant's name is missing")]
    [InlineData("p95 wait > 10m", 10, "'>' is not '<'; write '<' here")]
    [InlineData("p95 wait <= 10m", 10, "'<=' is not '<'")]
    [InlineData("p95 wait < ten", 12, "'ten' is not a duration such as 500ms, 30s, 1h30m or 2d")]
    [InlineData("p95 wait < 0s", 12, "above zero")]
    [InlineData("p95 wait <", 11, "the bound is missing; write a duration")]
    [InlineData("p95 wait", 9, "ends too soon; write '<' here")]
    [InlineData("p95 wait < 10m and p50 wait < 1m", 16, "Give each goal an option of its own")]
    [InlineData("every guarantee in 5m", 17, "write 'within' here")]
    [InlineData("utilisation > 170%", 15, "'170' is not a percentage")]
    [InlineData("utilisation > 70", 17, "ends too soon; write '%' here")]
    [InlineData("lost GPU-hours < -3", 18, "'-3' is not a number of GPU-hours above 0")]
    public void A_mistake_has_its_place_and_a_remedy(string text, int column, string message)
    {
        Assert.Null(GoalParser.Parse(text, out var error));
        Assert.Equal(column, error!.Column);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }
}
