namespace Scheduler.FaultSimulation.Time;

/// <summary>A process on a machine of its own: it can die, stand still, and its wall clock can be wrong.</summary>
internal sealed class Actor(string name)
{
    /// <summary>For the log.</summary>
    public string Name { get; } = name;

    /// <summary>Nothing of a dead process happens any more: no timer, no answer that was on its way.</summary>
    public bool IsDead { get; set; }

    /// <summary>Until when it stands still, in ticks of virtual time. What falls due meanwhile happens then, in its order.</summary>
    public long PausedUntil { get; set; }

    /// <summary>How far its wall clock is ahead; negative if it is behind. The monotonic clock is never wrong.</summary>
    public TimeSpan WallOffset { get; set; }
}
