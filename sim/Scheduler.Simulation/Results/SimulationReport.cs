using System.Collections.Immutable;
using Scheduler.Simulation.Checking;

namespace Scheduler.Simulation.Results;

/// <summary>What came of a scenario under one scheduler or several, on the same jobs and the same faults.</summary>
/// <param name="Scenario">Its name.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Results">By scheduler, in the order in which they were asked for.</param>
/// <param name="Violations">What broke an invariant; null if nothing was checked.</param>
public sealed record SimulationReport(
    string Scenario, ulong Seed, ImmutableArray<SimulationResult> Results, ImmutableArray<ViolationReport>? Violations);

/// <summary>Something that broke an invariant.</summary>
/// <param name="Scheduler">Who decided.</param>
/// <param name="Invariant">The number in docs/invariants.md.</param>
/// <param name="AtSeconds">When, from the beginning.</param>
/// <param name="Event">After which event or cycle, counted from 1.</param>
/// <param name="Message">What is broken.</param>
public sealed record ViolationReport(string Scheduler, string Invariant, decimal AtSeconds, long Event, string Message)
{
    /// <summary>As it is reported.</summary>
    public static ViolationReport Of(string scheduler, SimulationViolation violation)
    {
        ArgumentNullException.ThrowIfNull(violation);
        return new ViolationReport(scheduler, violation.Invariant, Figures.Seconds(violation.At), violation.Event, violation.Message);
    }
}
