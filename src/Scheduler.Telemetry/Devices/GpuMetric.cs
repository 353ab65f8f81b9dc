using System.Collections.Frozen;

namespace Scheduler.Telemetry.Devices;

/// <summary>The values of a device that Weir uses. The names are those of the exporter, without their prefixes.</summary>
public enum GpuMetric
{
    /// <summary>Temperature of the device in °C.</summary>
    GpuTemp,

    /// <summary>Temperature of its memory in °C.</summary>
    MemoryTemp,

    /// <summary>Power in watts.</summary>
    PowerUsage,

    /// <summary>Energy since the driver was loaded, in mJ.</summary>
    TotalEnergyConsumption,

    /// <summary>How busy, 0 to 100. MIG instances have none: see <see cref="GrEngineActive"/>.</summary>
    GpuUtil,

    /// <summary>Share of time in which the engine is busy, 0 to 1.</summary>
    GrEngineActive,

    /// <summary>Share of cycles in which a multiprocessor has work, 0 to 1.</summary>
    SmActive,

    /// <summary>Share of cycles in which the tensor pipe is busy, 0 to 1.</summary>
    PipeTensorActive,

    /// <summary>Share of cycles in which memory is busy, 0 to 1.</summary>
    DramActive,

    /// <summary>Memory free, in MiB.</summary>
    FbFree,

    /// <summary>Memory used, in MiB.</summary>
    FbUsed,

    /// <summary>Memory that the driver keeps, in MiB.</summary>
    FbReserved,

    /// <summary>The last XID. It stays until the next one.</summary>
    XidErrors,

    /// <summary>Rows remapped for errors that could not be corrected.</summary>
    UncorrectableRemappedRows,

    /// <summary>Rows remapped for errors that could be corrected.</summary>
    CorrectableRemappedRows,

    /// <summary>Whether a remap has failed.</summary>
    RowRemapFailure,

    /// <summary>Double-bit errors since the driver was loaded.</summary>
    EccDbeVolTotal,

    /// <summary>Double-bit errors in the life of the device.</summary>
    EccDbeAggTotal,

    /// <summary>Time throttled for heat, a counter.</summary>
    ThermalViolation,

    /// <summary>Time throttled for power, a counter.</summary>
    PowerViolation,

    /// <summary>PCIe transfers that had to be repeated.</summary>
    PcieReplayCounter,
}

/// <summary>The exporter's names of the values.</summary>
public static class GpuMetrics
{
    /// <summary>How many values there are.</summary>
    public const int Count = (int)GpuMetric.PcieReplayCounter + 1;

    /// <summary>The series with one value for each XID that occurred in a window.</summary>
    public const string XidCounts = "DCGM_EXP_XID_ERRORS_COUNT";

    /// <summary>Each value's series.</summary>
    public static FrozenDictionary<string, GpuMetric> ByName { get; } = new Dictionary<string, GpuMetric>(StringComparer.Ordinal)
    {
        ["DCGM_FI_DEV_GPU_TEMP"] = GpuMetric.GpuTemp,
        ["DCGM_FI_DEV_MEMORY_TEMP"] = GpuMetric.MemoryTemp,
        ["DCGM_FI_DEV_POWER_USAGE"] = GpuMetric.PowerUsage,
        ["DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"] = GpuMetric.TotalEnergyConsumption,
        ["DCGM_FI_DEV_GPU_UTIL"] = GpuMetric.GpuUtil,
        ["DCGM_FI_PROF_GR_ENGINE_ACTIVE"] = GpuMetric.GrEngineActive,
        ["DCGM_FI_PROF_SM_ACTIVE"] = GpuMetric.SmActive,
        ["DCGM_FI_PROF_PIPE_TENSOR_ACTIVE"] = GpuMetric.PipeTensorActive,
        ["DCGM_FI_PROF_DRAM_ACTIVE"] = GpuMetric.DramActive,
        ["DCGM_FI_DEV_FB_FREE"] = GpuMetric.FbFree,
        ["DCGM_FI_DEV_FB_USED"] = GpuMetric.FbUsed,
        ["DCGM_FI_DEV_FB_RESERVED"] = GpuMetric.FbReserved,
        ["DCGM_FI_DEV_XID_ERRORS"] = GpuMetric.XidErrors,
        ["DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS"] = GpuMetric.UncorrectableRemappedRows,
        ["DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS"] = GpuMetric.CorrectableRemappedRows,
        ["DCGM_FI_DEV_ROW_REMAP_FAILURE"] = GpuMetric.RowRemapFailure,
        ["DCGM_FI_DEV_ECC_DBE_VOL_TOTAL"] = GpuMetric.EccDbeVolTotal,
        ["DCGM_FI_DEV_ECC_DBE_AGG_TOTAL"] = GpuMetric.EccDbeAggTotal,
        ["DCGM_FI_DEV_THERMAL_VIOLATION"] = GpuMetric.ThermalViolation,
        ["DCGM_FI_DEV_POWER_VIOLATION"] = GpuMetric.PowerViolation,
        ["DCGM_FI_DEV_PCIE_REPLAY_COUNTER"] = GpuMetric.PcieReplayCounter,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, GpuMetric>.AlternateLookup<ReadOnlySpan<char>> Lookup = ByName.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Finds a series by its name in bytes.</summary>
    internal static bool TryFind(ReadOnlySpan<byte> name, out GpuMetric metric)
    {
        metric = default;
        Span<char> letters = stackalloc char[64];
        return name.Length <= letters.Length
            && System.Text.Ascii.ToUtf16(name, letters, out var length) == System.Buffers.OperationStatus.Done
            && Lookup.TryGetValue(letters[..length], out metric);
    }

    /// <summary>
    /// Whether a value is one of the marks for "no value": the exporter prints them as huge numbers, one group for each
    /// type, 32 bits, 64 bits and floating point.
    /// </summary>
    public static bool IsBlank(double value) => !double.IsFinite(value)
        || value is (>= 2_147_483_632 and <= 2_147_483_647)
            or (>= 140_737_488_355_328 and <= 140_737_488_355_343)
            or >= 9_223_372_036_854_700_000;
}
