using Scheduler.SimulatedCluster.Controllers;
using Xunit;

namespace Scheduler.Simulation.Tests.Cluster;

public sealed class RetryQueueTests
{
    private static readonly DateTimeOffset Now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly RetryQueue<string> _retries = new();

    [Fact]
    public void Refusals_of_one_key_do_not_multiply_its_retries()
    {
        for (var refusal = 0; refusal < 10; refusal++)
            _retries.Add(Now.AddSeconds(1 + refusal), "a");
        Assert.Equal(1, _retries.Count);
        Assert.True(_retries.TryTake(Now.AddSeconds(1), out var key));
        Assert.Equal("a", key);
        Assert.False(_retries.TryTake(Now.AddHours(1), out _));
    }

    [Fact]
    public void An_earlier_wish_takes_the_place_of_a_later_one_and_a_key_that_was_taken_can_wish_again()
    {
        _retries.Add(Now.AddHours(1), "a");
        _retries.Add(Now.AddSeconds(2), "b");
        _retries.Add(Now.AddSeconds(1), "a");
        Assert.Equal(2, _retries.Count);
        Assert.Equal(TimeSpan.FromSeconds(1), _retries.UntilNext(Now));
        Assert.True(_retries.TryTake(Now.AddSeconds(1), out var key));
        Assert.Equal("a", key);
        _retries.Add(Now.AddHours(2), "a");
        Assert.Equal(2, _retries.Count);
    }
}
