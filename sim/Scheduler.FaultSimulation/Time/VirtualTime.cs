namespace Scheduler.FaultSimulation.Time;

/// <summary>The time of a run, and all that is still to happen in it. Events at the same time happen in the order in which they were made.</summary>
internal sealed class VirtualTime
{
    private readonly PriorityQueue<ScheduledEvent, (long At, long Sequence)> _queue = new();
    private long _sequence;

    /// <summary>The wall time at which every run begins.</summary>
    public static DateTimeOffset Epoch { get; } = new(2026, 1, 5, 8, 0, 0, TimeSpan.Zero);

    /// <summary>Ticks (100 ns) of virtual time, always whole milliseconds. Not zero at the start: zero often stands for "never".</summary>
    public long Now { get; private set; } = TimeSpan.TicksPerSecond;

    /// <summary>
    /// Has the action happen to an actor after a time, in whole milliseconds, rounded up; at once, but not inside this call, if that is
    /// zero or less. Timers of .NET know milliseconds only and round down: in between, a task that waits for a moment would find
    /// that it has not come yet and wait for nothing, for ever.
    /// </summary>
    public ScheduledEvent After(TimeSpan time, Actor actor, Action action)
    {
        var scheduled = new ScheduledEvent(actor, action);
        var milliseconds = (Math.Max(0, time.Ticks) + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond;
        _queue.Enqueue(scheduled, (Now + (milliseconds * TimeSpan.TicksPerMillisecond), _sequence++));
        return scheduled;
    }

    /// <summary>Moves to the next event and lets it happen. False if there is none.</summary>
    public bool RunNext()
    {
        while (_queue.TryDequeue(out var next, out var priority))
        {
            if (next.IsCancelled || next.Actor.IsDead)
                continue;
            if (next.Actor.PausedUntil > priority.At)
            {
                _queue.Enqueue(next, (next.Actor.PausedUntil, priority.Sequence));
                continue;
            }

            Now = Math.Max(Now, priority.At);
            next.Action();
            return true;
        }

        return false;
    }
}

/// <summary>Something that will happen, unless it is cancelled.</summary>
internal sealed class ScheduledEvent(Actor actor, Action action)
{
    public Actor Actor { get; } = actor;

    public Action Action { get; } = action;

    public bool IsCancelled { get; private set; }

    public void Cancel() => IsCancelled = true;
}
