namespace Scheduler.SimulatedCluster.Exporters;

/// <summary>What a series is computed from.</summary>
internal sealed record DeviceState(SimulatedDevice Device, DeviceFaults Faults, double Millijoules)
{
    private const double IdleCelsius = 32;
    private const double LoadCelsius = 45;
    private const double IdleWatts = 70;
    private const double LoadWatts = 560;
    private const double IdleMebibytes = 4;
    private const double ContextMebibytes = 520;

    public double Level => Device.Level;

    public double Celsius => Faults.Celsius ?? Math.Round(IdleCelsius + (LoadCelsius * Level));

    /// <summary>A pod that holds a device has a context there at least; a busy one fills most of the memory.</summary>
    public double UsedMebibytes => Device.Holders.Count == 0
        ? IdleMebibytes
        : Math.Round(Math.Min(Device.MemoryMebibytes, ContextMebibytes + (0.8 * Device.MemoryMebibytes * Level)));

    public static double Watts(double level) => IdleWatts + (LoadWatts * level);
}

/// <summary>One of the series that the exporter publishes by default: names, types and meanings are those of dcgm-exporter.</summary>
/// <param name="Name">The series.</param>
/// <param name="Help">What it says.</param>
/// <param name="Value">From the device's state.</param>
internal sealed record ExporterSeries(string Name, string Help, Func<DeviceState, double> Value)
{
    public bool IsCounter { get; init; }

    /// <summary>Whether MIG instances have it, too.</summary>
    public bool HasMig { get; init; } = true;

    /// <summary>Whether it carries the code and the words of an XID.</summary>
    public bool IsXid { get; init; }

    public static IReadOnlyList<ExporterSeries> All { get; } =
    [
        new("DCGM_FI_DEV_SM_CLOCK", "SM clock frequency (in MHz).", state => state.Level > 0 ? 1980 : 345),
        new("DCGM_FI_DEV_MEM_CLOCK", "Memory clock frequency (in MHz).", _ => 2619),
        new("DCGM_FI_DEV_MEMORY_TEMP", "Memory temperature (in C).", state => state.Celsius + 8),
        new("DCGM_FI_DEV_GPU_TEMP", "GPU temperature (in C).", state => state.Celsius),
        new("DCGM_FI_DEV_POWER_USAGE", "Power draw (in W).", state => DeviceState.Watts(state.Level)),
        new("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "Total energy consumption since boot (in mJ).", state => state.Millijoules) { IsCounter = true },
        new("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "Total number of PCIe retries.", _ => 0) { IsCounter = true },
        new("DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %).", state => Math.Round(100 * state.Level)) { HasMig = false },
        new("DCGM_FI_DEV_MEM_COPY_UTIL", "Memory utilization (in %).", state => Math.Round(60 * state.Level)) { HasMig = false },
        new("DCGM_FI_DEV_ENC_UTIL", "Encoder utilization (in %).", _ => 0) { HasMig = false },
        new("DCGM_FI_DEV_DEC_UTIL", "Decoder utilization (in %).", _ => 0) { HasMig = false },
        new("DCGM_FI_DEV_XID_ERRORS", "Value of the last XID error encountered.", state => state.Faults.Xid) { IsXid = true },
        new("DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB).", state => state.Device.MemoryMebibytes - state.UsedMebibytes),
        new("DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB).", state => state.UsedMebibytes),
        new("DCGM_FI_DEV_FB_RESERVED", "Framebuffer memory reserved (in MiB).", _ => 0),
        new("DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL", "Total number of NVLink bandwidth counters for all lanes.", _ => 0) { IsCounter = true },
        new("DCGM_FI_DEV_VGPU_LICENSE_STATUS", "vGPU License status", _ => 0),
        new("DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", "Number of remapped rows for uncorrectable errors", state => state.Faults.HasFailedRemap ? 1 : 0) { IsCounter = true },
        new("DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", "Number of remapped rows for correctable errors", _ => 0) { IsCounter = true },
        new("DCGM_FI_DEV_ROW_REMAP_FAILURE", "Whether remapping of rows has failed", state => state.Faults.HasFailedRemap ? 1 : 0),
        new("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "Ratio of time the graphics engine is active.", state => state.Level),
        new("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "Ratio of cycles the tensor (HMMA) pipe is active.", state => 0.6 * state.Level),
        new("DCGM_FI_PROF_DRAM_ACTIVE", "Ratio of cycles the device memory interface is active sending or receiving data.", state => 0.5 * state.Level),
        new("DCGM_FI_PROF_PCIE_TX_BYTES", "The rate of data transmitted over the PCIe bus (in bytes per second).", state => Math.Round(33e6 * state.Level)),
        new("DCGM_FI_PROF_PCIE_RX_BYTES", "The rate of data received over the PCIe bus (in bytes per second).", state => Math.Round(98e6 * state.Level)),
    ];
}
