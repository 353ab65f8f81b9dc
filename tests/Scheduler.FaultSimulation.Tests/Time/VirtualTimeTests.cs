using Scheduler.FaultSimulation.Time;

namespace Scheduler.FaultSimulation.Tests.Time;

public class VirtualTimeTests
{
    private readonly VirtualTime _time = new();
    private readonly Actor _a = new("a");
    private readonly Actor _b = new("b");
    private readonly List<string> _happened = [];

    [Fact]
    public void Events_come_in_the_order_of_their_time_and_at_one_time_in_the_order_they_were_made()
    {
        Note(20, _a, "late");
        Note(10, _a, "first");
        Note(10, _a, "second");

        RunAll();

        Assert.Equal(["first", "second", "late"], _happened);
    }

    [Fact]
    public void A_part_of_a_millisecond_is_rounded_up()
    {
        var start = _time.Now;
        _time.After(TimeSpan.FromMicroseconds(1), _a, () => { });

        RunAll();

        Assert.Equal(TimeSpan.TicksPerMillisecond, _time.Now - start);
    }

    [Fact]
    public void Nothing_happens_to_the_dead()
    {
        Note(10, _a, "a");
        Note(10, _b, "b");
        _a.IsDead = true;

        RunAll();

        Assert.Equal(["b"], _happened);
    }

    [Fact]
    public void What_falls_due_while_an_actor_stands_still_happens_after_that_in_its_order()
    {
        Note(10, _a, "a at 10");
        Note(15, _b, "b at 15");
        Note(20, _a, "a at 20");
        Note(40, _a, "a at 40");
        _a.PausedUntil = _time.Now + (30 * TimeSpan.TicksPerMillisecond);

        RunAll();

        Assert.Equal(["b at 15", "a at 10", "a at 20", "a at 40"], _happened);
    }

    [Fact]
    public void A_wall_clock_that_jumps_moves_no_timer_and_no_timestamp()
    {
        var clock = new ActorClock(_time, _a);
        var (wall, stamp) = (clock.GetUtcNow(), clock.GetTimestamp());
        using var timer = clock.CreateTimer(_ => _happened.Add("timer"), null, TimeSpan.FromMilliseconds(5), Timeout.InfiniteTimeSpan);

        _a.WallOffset = TimeSpan.FromHours(1);
        RunAll();

        Assert.Equal(["timer"], _happened);
        Assert.Equal(TimeSpan.FromMilliseconds(5), clock.GetElapsedTime(stamp));
        Assert.Equal(TimeSpan.FromHours(1) + TimeSpan.FromMilliseconds(5), clock.GetUtcNow() - wall);
    }

    [Fact]
    public void A_pool_of_many_workers_is_refused() =>
        Assert.Contains("must have 1", Assert.Throws<InvalidOperationException>(PoolIdle.CheckPool).Message, StringComparison.Ordinal);

    private void Note(int milliseconds, Actor actor, string what) => _time.After(TimeSpan.FromMilliseconds(milliseconds), actor, () => _happened.Add(what));

    private void RunAll()
    {
        while (_time.RunNext())
        {
        }
    }
}
