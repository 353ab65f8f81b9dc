using Scheduler.Simulation.Randomness;
using Xunit;

namespace Scheduler.Simulation.Tests.Randomness;

public class RandomStreamTests
{
    [Fact]
    public void SplitMix64_fills_the_state_as_published()
    {
        // The first outputs of SplitMix64 for the seed 1234567, as the reference implementation prints them.
        var seed = 1234567UL;
        ulong[] expected = [6457827717110365317, 3203168211198807973, 9817491932198370423];
        foreach (var value in expected)
        {
            seed += 0x9E3779B97F4A7C15;
            Assert.Equal(value, RandomStream.Mix(seed));
        }
    }

    [Fact]
    public void Streams_of_one_seed_and_purpose_are_equal_and_all_others_differ()
    {
        var streams = new RandomStreams(42);
        Assert.Equal(Take(streams.Open("arrivals")), Take(new RandomStreams(42).Open("arrivals")));
        ulong[][] others = [Take(streams.Open("arrivals", 1)), Take(streams.Open("durations")), Take(new RandomStreams(43).Open("arrivals"))];
        Assert.All(others, other => Assert.NotEqual(Take(streams.Open("arrivals")), other));

        static ulong[] Take(RandomStream stream) => [.. Enumerable.Range(0, 8).Select(_ => stream.NextBits())];
    }

    [Fact]
    public void Below_is_even()
    {
        var random = new RandomStream(1);
        var counts = new int[7];
        for (var draw = 0; draw < 70_000; draw++)
        {
            counts[random.Below(7)]++;
        }

        Assert.All(counts, count => Assert.InRange(count, 9_600, 10_400));
    }

    public static TheoryData<Distribution> Distributions() =>
    [
        new Distribution.Fixed(5),
        new Distribution.Uniform(2, 8),
        new Distribution.Exponential(5),
        new Distribution.Lognormal(3, 0.8),
        new Distribution.Weibull(4, 1.5),
        new Distribution.Weibull(4, 0.7),
        new Distribution.Empirical([new(0, 1), new(0.5, 2), new(1, 10)]),
    ];

    [Theory]
    [MemberData(nameof(Distributions))]
    public void Means_of_many_draws_are_the_mean(Distribution distribution)
    {
        var random = new RandomStream(20261124);
        var sum = 0.0;
        const int Draws = 200_000;
        for (var draw = 0; draw < Draws; draw++)
        {
            var value = distribution.Sample(random);
            Assert.True(value >= 0);
            sum += value;
        }

        Assert.InRange(sum / Draws / distribution.Mean, 0.985, 1.015);
    }
}
