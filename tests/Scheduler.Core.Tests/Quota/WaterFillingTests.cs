using Scheduler.Core.Quota;
using Xunit;

namespace Scheduler.Core.Tests.Quota;

/// <summary>By hand; EntitlementProperties hold it against exact fractions.</summary>
public class WaterFillingTests
{
    [Theory]
    [InlineData(10, new long[] { 10, 10 }, new long[] { 1, 1 }, new long[] { 5, 5 })]
    [InlineData(10, new long[] { 2, 10 }, new long[] { 1, 1 }, new long[] { 2, 8 })]
    [InlineData(10, new long[] { 5, 5 }, new long[] { 1, 1 }, new long[] { 5, 5 })]
    [InlineData(10, new long[] { 3, 4 }, new long[] { 1, 1 }, new long[] { 3, 4 })]
    [InlineData(10, new long[] { 0, 10 }, new long[] { 9, 1 }, new long[] { 0, 10 })]
    [InlineData(10, new long[] { 10, 10, 10 }, new long[] { 1, 1, 1 }, new long[] { 4, 3, 3 })]
    [InlineData(10, new long[] { 10, 10 }, new long[] { 1, 3 }, new long[] { 3, 7 })]
    [InlineData(11, new long[] { 10, 10 }, new long[] { 1, 3 }, new long[] { 3, 8 })]
    [InlineData(0, new long[] { 10 }, new long[] { 1 }, new long[] { 0 })]
    public void Fills_by_weight_up_to_the_caps(long pool, long[] caps, long[] weights, long[] expected)
    {
        long[] shares = [.. caps.Select(_ => 99L)];
        WaterFilling.Fill(pool, caps, weights, shares);
        Assert.Equal(expected, shares);
    }

    [Theory]
    [InlineData(10, new long[] { 1, 1, 1 }, new long[] { 4, 3, 3 })]
    [InlineData(10, new long[] { 0, 1 }, new long[] { 0, 10 })]
    [InlineData(7, new long[] { 0, 0 }, new long[] { 0, 0 })]
    [InlineData(7, new long[] { }, new long[] { })]
    [InlineData(5, new long[] { 2, 3, 5 }, new long[] { 1, 2, 2 })]
    public void Divides_by_largest_remainder(long amount, long[] weights, long[] expected)
    {
        long[] shares = [.. weights.Select(_ => 99L)];
        WaterFilling.Divide(amount, weights, shares);
        Assert.Equal(expected, shares);
    }
}
