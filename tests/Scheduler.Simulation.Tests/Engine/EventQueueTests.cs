using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Randomness;
using Xunit;

namespace Scheduler.Simulation.Tests.Engine;

public class EventQueueTests
{
    [Fact]
    public void Earlier_events_come_first_and_equal_times_keep_the_order_in_which_they_were_put_in()
    {
        var queue = new EventQueue<int>();
        queue.Enqueue(5, 1);
        queue.Enqueue(3, 2);
        queue.Enqueue(5, 3);
        queue.Enqueue(3, 4);
        queue.Enqueue(4, 5);

        Assert.Equal([2, 4, 5, 1, 3], Drain(queue).Select(pair => pair.Event));
    }

    [Fact]
    public void Any_mix_of_putting_in_and_taking_out_keeps_the_order()
    {
        var random = new RandomStream(seed: 7);
        var queue = new EventQueue<int>();
        var expected = new List<(long At, int Event)>();
        var now = 0L;
        for (var number = 0; number < 20_000; number++)
        {
            if (random.Chance(0.6))
            {
                var at = now + random.Below(50);
                queue.Enqueue(at, number);
                expected.Add((at, number));
            }
            else if (queue.TryDequeue(out now, out var happening))
            {
                var first = expected.MinBy(pair => (pair.At, pair.Event));
                Assert.Equal(first, (now, happening));
                expected.Remove(first);
            }
        }

        Assert.Equal(expected.OrderBy(pair => (pair.At, pair.Event)), Drain(queue));
    }

    private static List<(long At, int Event)> Drain(EventQueue<int> queue)
    {
        var drained = new List<(long, int)>();
        while (queue.TryDequeue(out var at, out var happening))
        {
            drained.Add((at, happening));
        }

        return drained;
    }
}
