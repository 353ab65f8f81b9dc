namespace Scheduler.FaultSimulation.Time;

/// <summary>The clock that one actor sees.</summary>
internal sealed class ActorClock(VirtualTime time, Actor actor) : TimeProvider
{
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => VirtualTime.Epoch.AddTicks(time.Now) + actor.WallOffset;

    public override long GetTimestamp() => time.Now;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ActorTimer(time, actor, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class ActorTimer(VirtualTime time, Actor actor, TimerCallback callback, object? state) : ITimer
    {
        private ScheduledEvent? _next;
        private TimeSpan _period;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _next?.Cancel();
            _period = period;
            _next = dueTime == Timeout.InfiniteTimeSpan ? null : time.After(dueTime, actor, Fire);
            return true;
        }

        public void Dispose() => _next?.Cancel();

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Fire()
        {
            _next = _period > TimeSpan.Zero ? time.After(_period, actor, Fire) : null;
            callback(state);
        }
    }
}
