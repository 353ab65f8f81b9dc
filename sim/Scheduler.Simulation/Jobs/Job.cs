using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Simulation.Jobs;

/// <summary>
/// A workload with what only the simulation knows: how long it will really run. What the scheduler is told of it is
/// <see cref="Workload"/>, with all pods pending.
/// </summary>
public sealed record Job
{
    /// <summary>As submitted: pods pending, <see cref="Workload.ExpectedDuration"/> as its owner declared it or null.</summary>
    public required Workload Workload { get; init; }

    /// <summary>
    /// When it is submitted, from the beginning of the simulation. Negative for what was there before: it counts as waiting, or running,
    /// since then.
    /// </summary>
    public required TimeSpan SubmitAt { get; init; }

    /// <summary>How much running it needs on the fewest nodes that can hold it, without preemptions.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>The same where its pods lie on more nodes than they need; null: no difference.</summary>
    public TimeSpan? SpreadDuration { get; init; }

    /// <summary>What it repeats, such as the name of a training program: durations are learned by it. Null: nothing to learn.</summary>
    public string? Application { get; init; }

    /// <summary>Writes a checkpoint after each so much running; null: none unless told to leave.</summary>
    public TimeSpan? CheckpointEvery { get; init; }

    /// <summary>How long writing a checkpoint takes once it is told to leave; null: it does not save on notice.</summary>
    public TimeSpan? CheckpointOnNotice { get; init; }

    /// <summary>How long it takes to start again after it was interrupted, before it makes progress.</summary>
    public TimeSpan RestartTime { get; init; }

    /// <summary>The run in which the simulation finds it; null for a job that does not run at the beginning.</summary>
    public EarlierRun? Earlier { get; init; }
}

/// <summary>A run that began before the simulation, and goes on in it.</summary>
/// <param name="Since">When it began, counted from the beginning of the simulation: zero or negative.</param>
/// <param name="Saved">When it last wrote a checkpoint, counted likewise; null if it has not.</param>
/// <param name="Places">Where its pods lie, at least the fewest with which it runs.</param>
public sealed record EarlierRun(TimeSpan Since, TimeSpan? Saved, ImmutableDictionary<PodId, PodPlacement> Places);
