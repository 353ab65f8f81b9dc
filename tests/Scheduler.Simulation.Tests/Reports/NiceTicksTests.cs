using System.Globalization;
using Scheduler.Simulation.Reports;
using Xunit;

namespace Scheduler.Simulation.Tests.Reports;

public class NiceTicksTests
{
    [Theory]
    [InlineData("0", 5, "0 0.001")]
    [InlineData("0.4", 4, "0 0.1 0.2 0.3 0.4")]
    [InlineData("1", 5, "0 0.2 0.4 0.6 0.8 1.0")]
    [InlineData("64", 5, "0 20 40 60 80")]
    [InlineData("24", 4, "0 10 20 30")]
    [InlineData("101", 5, "0 50 100 150")]
    [InlineData("12345", 4, "0 5000 10000 15000")]
    public void Quantities_are_marked_by_steps_of_1_2_and_5(string most, int intervals, string marks)
    {
        var ticks = NiceTicks.Linear(decimal.Parse(most, NumberFormatInfo.InvariantInfo), intervals);

        Assert.Equal(marks.Split(' ').Select(mark => decimal.Parse(mark, NumberFormatInfo.InvariantInfo)), ticks);
    }

    [Fact]
    public void Things_that_are_counted_are_not_marked_by_halves() => Assert.Equal([0m, 1m], NiceTicks.Linear(0.2m, 4, isWhole: true));

    [Theory]
    [InlineData(0, 604_800, 4, "0 2d 4d 6d")]
    [InlineData(0, 604_800, 16, "0 12h 1d 1d12h 2d 2d12h 3d 3d12h 4d 4d12h 5d 5d12h 6d 6d12h 7d")]
    [InlineData(345_600, 518_400, 4, "4d 4d12h 5d 5d12h 6d")]
    [InlineData(100, 4000, 5, "15m 30m 45m 1h")]
    [InlineData(0, 3, 5, "0 1s 2s 3s")]
    [InlineData(0, 31_536_000, 4, "0 112d 224d 336d")]
    public void Times_are_marked_at_whole_units(int from, int to, int intervals, string marks) =>
        Assert.Equal(marks.Split(' '), NiceTicks.Time(from, to, intervals).Select(Wording.Mark));

    [Theory]
    [InlineData(0, "1s 10s")]
    [InlineData(700, "1s 10s 1m 10m 1h")]
    [InlineData(3600, "1s 10s 1m 10m 1h")]
    public void A_logarithmic_axis_reaches_over_the_longest_time(int most, string marks) =>
        Assert.Equal(marks.Split(' '), NiceTicks.LogarithmicTime(most).Select(Wording.Mark));

    [Theory]
    [InlineData(0, "0s")]
    [InlineData(0.25, "0.3s")]
    [InlineData(40, "40s")]
    [InlineData(120, "2m")]
    [InlineData(605, "10m5s")]
    [InlineData(7200, "2h")]
    [InlineData(604_800, "7d")]
    public void A_time_is_told_without_units_of_which_there_are_none(double seconds, string text) => Assert.Equal(text, Wording.Time((decimal)seconds));
}
