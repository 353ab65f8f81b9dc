using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Simulation.Randomness;

namespace Scheduler.Simulation.Engine;

/// <summary>What breaks, when, and for how long. Each node and each device has a stream of its own.</summary>
public sealed record FaultModel
{
    /// <summary>Nothing breaks.</summary>
    public static readonly FaultModel None = new();

    /// <summary>Time that a node runs until it fails, in seconds; null: nodes do not fail at random.</summary>
    public Distribution? NodeSecondsToFailure { get; init; }

    /// <summary>Time until a failed node is back, in seconds.</summary>
    public Distribution NodeSecondsToRepair { get; init; } = new Distribution.Fixed(3600);

    /// <summary>Time that a GPU runs until it fails, in seconds; null: GPUs do not fail at random.</summary>
    public Distribution? DeviceSecondsToFailure { get; init; }

    /// <summary>Time until a failed GPU is back, in seconds.</summary>
    public Distribution DeviceSecondsToRepair { get; init; } = new Distribution.Fixed(3600);

    /// <summary>Faults at given times.</summary>
    public ImmutableArray<PlannedFault> Planned { get; init; } = [];

    /// <summary>Whether anything breaks at all.</summary>
    public bool IsNone => NodeSecondsToFailure is null && DeviceSecondsToFailure is null && Planned.IsEmpty;
}

/// <summary>A fault at a given time.</summary>
/// <param name="At">When, from the beginning.</param>
/// <param name="Node">The node.</param>
/// <param name="Device">One of its GPUs; null for the node as a whole.</param>
/// <param name="For">Time until it is back.</param>
public sealed record PlannedFault(TimeSpan At, NodeName Node, int? Device, TimeSpan For);
