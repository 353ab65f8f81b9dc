using System.Globalization;

namespace Scheduler.Simulation.CapacityPlanning;

/// <summary>A mistake in a goal or a knob.</summary>
/// <param name="Text">All of it, as it was given.</param>
/// <param name="Column">Where, counted from 1.</param>
/// <param name="Message">What is wrong and how to mend it.</param>
internal sealed record GrammarError(string Text, int Column, string Message)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"\"{Text}\", column {Column}: {Message}");
}
