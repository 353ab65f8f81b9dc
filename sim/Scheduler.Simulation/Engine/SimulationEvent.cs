namespace Scheduler.Simulation.Engine;

/// <summary>Something that is to happen.</summary>
/// <param name="Kind">What.</param>
/// <param name="Subject">Number of the job, or of the node.</param>
/// <param name="Detail">Number of the device, or <see cref="WholeNode"/>; of no meaning for jobs.</param>
/// <param name="Version">What the job's run, forecast or notice must still be; else the event has no meaning any more.</param>
internal readonly record struct SimulationEvent(SimulationEventKind Kind, int Subject, int Detail = 0, int Version = 0)
{
    /// <summary>The fault is that of a node, not of a device.</summary>
    public const int WholeNode = -1;

    /// <summary>The fault was planned, and another does not follow.</summary>
    public const int Planned = 1;
}
