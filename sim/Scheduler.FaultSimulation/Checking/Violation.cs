using System.Globalization;

namespace Scheduler.FaultSimulation.Checking;

/// <summary>Something that must never be.</summary>
/// <param name="Rule">An invariant of docs/invariants.md, or a word of the fault simulation's own.</param>
/// <param name="What">What was seen.</param>
/// <param name="Seconds">When, in virtual seconds since the start.</param>
internal sealed record Violation(string Rule, string What, double Seconds)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Rule} at {Seconds:0.000} s: {What}");
}
