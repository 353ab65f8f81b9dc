using System.Globalization;
using System.Text;
using Scheduler.Telemetry.Devices;
using Scheduler.Telemetry.Exposition;

namespace Scheduler.Benchmarks.Measuring;

/// <summary>What reading the exporters of a cluster costs.</summary>
/// <param name="Nodes">Exporters.</param>
/// <param name="Gpus">Devices of each.</param>
/// <param name="BodyBytes">Bytes of one exporter's body.</param>
/// <param name="MegabytesPerSecond">Bytes in one second of processor time, in units of 10^6; the median of the rounds.</param>
/// <param name="CoreShare">Share of one core that scraping all of them every interval takes, without the network.</param>
/// <param name="AllocatedBytesPerBody">Memory given to the collector's care for one body.</param>
internal sealed record TelemetryFigures(int Nodes, int Gpus, long BodyBytes, double MegabytesPerSecond, double CoreShare, long AllocatedBytesPerBody);

/// <summary>
/// Parses one body for each node and collects its devices, as a scrape does. Processor time is what counts, not the clock
/// on the wall: other work on the machine then changes little.
/// </summary>
internal static class TelemetryMeasurement
{
    private const int PieceBytes = 64 * 1024;

    /// <summary>The exporter's series by default.</summary>
    private static readonly string[] Series =
    [
        "DCGM_FI_DEV_SM_CLOCK", "DCGM_FI_DEV_MEM_CLOCK", "DCGM_FI_DEV_MEMORY_TEMP", "DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_POWER_USAGE",
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_MEM_COPY_UTIL",
        "DCGM_FI_DEV_ENC_UTIL", "DCGM_FI_DEV_DEC_UTIL", "DCGM_FI_DEV_XID_ERRORS", "DCGM_FI_DEV_FB_FREE", "DCGM_FI_DEV_FB_USED",
        "DCGM_FI_DEV_FB_RESERVED", "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL", "DCGM_FI_DEV_VGPU_LICENSE_STATUS",
        "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", "DCGM_FI_DEV_ROW_REMAP_FAILURE",
        "DCGM_FI_PROF_GR_ENGINE_ACTIVE", "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "DCGM_FI_PROF_DRAM_ACTIVE", "DCGM_FI_PROF_PCIE_TX_BYTES",
        "DCGM_FI_PROF_PCIE_RX_BYTES",
    ];

    public static TelemetryFigures Measure(int nodes, int gpus, int intervalSeconds, int rounds)
    {
        var body = Body(gpus);
        Read(body, gpus, nodes);
        var seconds = new List<double>();
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        for (var round = 0; round < rounds; round++)
        {
            var start = Environment.CpuUsage.TotalTime;
            Read(body, gpus, nodes);
            seconds.Add((Environment.CpuUsage.TotalTime - start).TotalSeconds);
        }

        allocated = (GC.GetAllocatedBytesForCurrentThread() - allocated) / ((long)rounds * nodes);
        var median = seconds.Order().ElementAt(rounds / 2);
        if (median <= 0)
        {
            throw new Commands.MeasurementException("--nodes: too few for the processor's clock; take more");
        }

        return new TelemetryFigures(
            nodes, gpus, body.Length, Math.Round((double)body.Length * nodes / median / 1e6, 1), Math.Round(median / intervalSeconds, 5), allocated);
    }

    private static void Read(byte[] body, int gpus, int nodes)
    {
        for (var node = 0; node < nodes; node++)
        {
            var reader = new GpuReader(ReadingLimits.Default);
            var parser = new ExpositionParser<GpuReader>(reader, ExpositionLimits.Default);
            for (var from = 0; from < body.Length; from += PieceBytes)
            {
                parser.Read(body.AsSpan(from, Math.Min(PieceBytes, body.Length - from)));
            }

            var reading = reader.Finish(parser.Finish());
            if (reading.Gpus.Length != gpus || reading.Body.MalformedLines > 0 || reading.Gpus[^1].Holders.Length != 1)
            {
                throw new Commands.MeasurementException($"the body was not read as it is: {reading.Body.FirstProblem}");
            }
        }
    }

    private static byte[] Body(int gpus)
    {
        var text = new StringBuilder();
        foreach (var name in Series)
        {
            text.Append(CultureInfo.InvariantCulture, $"# HELP {name} One of the exporter's series.\n# TYPE {name} gauge\n");
            for (var gpu = 0; gpu < gpus; gpu++)
            {
                var value = name.Contains("PROF", StringComparison.Ordinal) ? "0.995630" : (1215 + gpu).ToString(CultureInfo.InvariantCulture);
                text.Append(CultureInfo.InvariantCulture, $"{name}{{gpu=\"{gpu}\",UUID=\"GPU-34319582-d595-d1c7-d1d2-179bcfa6{gpu:x4}\",pci_bus_id=\"00000000:{gpu:x2}:00.0\",")
                    .Append(CultureInfo.InvariantCulture, $"device=\"nvidia{gpu}\",modelName=\"NVIDIA H100 80GB HBM3\",Hostname=\"gpu-node-17\",DCGM_FI_DRIVER_VERSION=\"580.95.05\",")
                    .Append(CultureInfo.InvariantCulture, $"container=\"main\",namespace=\"vision\",pod=\"train-{gpu}-abcde\"}} {value}\n");
            }
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
