namespace Scheduler.Simulation.Checking;

/// <summary>Something that broke an invariant of docs/invariants.md during a simulation.</summary>
/// <param name="Invariant">Its number, such as <c>W3</c>.</param>
/// <param name="At">When, from the beginning.</param>
/// <param name="Event">After which event or cycle, counted from 1.</param>
/// <param name="What">What it was.</param>
/// <param name="Message">What is broken, and where.</param>
/// <param name="Seed">The seed with which it happens again.</param>
public sealed record SimulationViolation(string Invariant, TimeSpan At, long Event, Engine.SimulationEventKind What, string Message, ulong Seed)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Invariant} at {At:c}, event {Event} ({What}), seed {Seed}: {Message}";
}
