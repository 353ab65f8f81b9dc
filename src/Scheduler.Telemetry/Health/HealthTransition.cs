namespace Scheduler.Telemetry.Health;

/// <summary>A change of state, or a fault of a program that changes none: then both states are the same.</summary>
/// <param name="Device">The device's number; null for the node as a whole.</param>
/// <param name="From">The state before.</param>
/// <param name="To">The state after.</param>
/// <param name="Cause">Why, in one word.</param>
/// <param name="Reason">Why, in words.</param>
/// <param name="At">When.</param>
public sealed record HealthTransition(int? Device, HealthState From, HealthState To, string Cause, string Reason, DateTimeOffset At);
