using System.Collections.Immutable;

namespace Scheduler.Telemetry.Health;

/// <summary>The XIDs that are in the table unless a configuration says otherwise.</summary>
public static class XidTable
{
    /// <summary>Faults of programs are noted; faults of devices quarantine the device.</summary>
    public static ImmutableSortedDictionary<int, XidRule> Standard { get; } = new Dictionary<int, XidRule>
    {
        [13] = new(FaultAction.Note, "exception in a program's kernel"),
        [31] = new(FaultAction.Note, "a program used an address that is not mapped"),
        [43] = new(FaultAction.Note, "a program's channel was stopped"),
        [45] = new(FaultAction.Note, "a program was ended before its work was done"),
        [68] = new(FaultAction.Note, "exception in the video decoder"),
        [69] = new(FaultAction.Note, "exception in a program's graphics class"),
        [48] = new(FaultAction.QuarantineDevice, "double-bit memory error"),
        [63] = new(FaultAction.QuarantineDevice, "a memory row is to be remapped at the next reset"),
        [64] = new(FaultAction.QuarantineDevice, "remapping a memory row failed"),
        [74] = new(FaultAction.QuarantineDevice, "NVLink error"),
        [79] = new(FaultAction.QuarantineDevice, "the device fell off the bus"),
        [92] = new(FaultAction.QuarantineDevice, "too many single-bit memory errors"),
        [94] = new(FaultAction.QuarantineDevice, "memory error, contained to one program"),
        [95] = new(FaultAction.QuarantineDevice, "memory error, not contained"),
        [119] = new(FaultAction.QuarantineDevice, "the device's system processor does not answer"),
        [120] = new(FaultAction.QuarantineDevice, "error of the device's system processor"),
        [140] = new(FaultAction.QuarantineDevice, "memory error that was not recovered"),
        [143] = new(FaultAction.QuarantineDevice, "the device could not be initialised"),
    }.ToImmutableSortedDictionary();
}
