using Scheduler.Telemetry.Devices;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.Telemetry.Tests.Devices;

/// <summary>Output of real exporters, value by value.</summary>
public class SampleTests
{
    [Fact]
    public void A_device_with_a_pod()
    {
        var reading = Readings.From(Sample("h100-kubernetes.prom"));
        var gpu = Assert.Single(reading.Gpus);
        Assert.Equal(("GPU-a0acdf3c-24b2-4dcd-853c-b19000000000", 0, "NVIDIA H100-20C"), (gpu.Uuid, gpu.Index, gpu.Model));
        Assert.Equal(("00000000:03:00.0", "worker-1", false), (gpu.PciBusId, gpu.Host, gpu.IsMig));
        Assert.Equal([new GpuHolder("default", "cuda-75454ffb9f-jpwkc", "cuda", "", "")], gpu.Holders);
        AssertValues(gpu, new() { [GpuMetric.GpuUtil] = 0, [GpuMetric.XidErrors] = 0, [GpuMetric.FbFree] = 19762 });
        Assert.Equal(0, gpu.Activity);
        Assert.Equal((3, 0, 0, 0), (reading.Body.Samples, reading.Body.MalformedLines, reading.BlankSamples, reading.SamplesWithoutDevice));
    }

    [Fact]
    public void A_device_with_a_mig_instance()
    {
        var reading = Readings.From(Sample("a100-mig.prom"));
        Assert.Equal(2, reading.Gpus.Length);
        var (gpu, instance) = (reading.Gpus[0], reading.Gpus[1]);
        Assert.Equal(("GPU-34319582-d595-d1c7-d1d2-179bcfa61660", 0, "gpu-node-2", "", ""), (gpu.Uuid, gpu.Index, gpu.Host, gpu.MigInstance, gpu.MigProfile));
        Assert.Empty(gpu.Holders);
        AssertValues(gpu, new()
        {
            [GpuMetric.MemoryTemp] = 69,
            [GpuMetric.GpuTemp] = 61,
            [GpuMetric.PowerUsage] = 409.692,
            [GpuMetric.TotalEnergyConsumption] = 319159391,
            [GpuMetric.PcieReplayCounter] = 0,
            [GpuMetric.XidErrors] = 0,
            [GpuMetric.FbFree] = 35690,
            [GpuMetric.FbUsed] = 4845,
            [GpuMetric.GrEngineActive] = 0.99563,
            [GpuMetric.PipeTensorActive] = 0.92926,
            [GpuMetric.DramActive] = 0.690789,
        });
        Assert.Equal((gpu.Uuid, 0, "13", "1g.5gb", true), (instance.Uuid, instance.Index, instance.MigInstance, instance.MigProfile, instance.IsMig));
        AssertValues(instance, new()
        {
            [GpuMetric.XidErrors] = 0,
            [GpuMetric.GrEngineActive] = 0.995687,
            [GpuMetric.PipeTensorActive] = 0.930433,
            [GpuMetric.DramActive] = 0.800339,
        });
        Assert.Equal(0.995687, instance.Activity);
        Assert.Equal((21, 0), (reading.Body.Samples, reading.Body.MalformedLines));
    }

    private static void AssertValues(GpuReading gpu, Dictionary<GpuMetric, double> expected)
    {
        foreach (var metric in Enum.GetValues<GpuMetric>())
        {
            Assert.Equal((metric, expected.TryGetValue(metric, out var value) ? value : null), (metric, gpu[metric]));
        }
    }

    private static string Sample(string name)
    {
        var folder = Repository.SamplesOrNull();
        Assert.SkipWhen(folder is null, "the samples are not there; WEIR_SAMPLES names their folder");
        return File.ReadAllText(Path.Combine(folder, "dcgm", name));
    }
}
