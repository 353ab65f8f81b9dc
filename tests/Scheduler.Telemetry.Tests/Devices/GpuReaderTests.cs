using Scheduler.Telemetry.Devices;
using Xunit;

namespace Scheduler.Telemetry.Tests.Devices;

public class GpuReaderTests
{
    [Theory]
    [InlineData("Hostname")]
    [InlineData("hostname")]
    public void The_host_is_read_in_both_spellings(string label) =>
        Assert.Equal("n1", Assert.Single(Readings.From($"DCGM_FI_DEV_GPU_TEMP{{gpu=\"3\",{label}=\"n1\"}} 50").Gpus).Host);

    [Fact]
    public void Every_value_of_the_table_is_read()
    {
        foreach (var (name, metric) in GpuMetrics.ByName)
        {
            Assert.Equal(7, Assert.Single(Readings.From($"{name}{{gpu=\"0\"}} 7").Gpus)[metric]);
        }

        Assert.Equal(GpuMetrics.Count, Enum.GetValues<GpuMetric>().Length);
        Assert.Equal(GpuMetrics.Count, GpuMetrics.ByName.Values.Distinct().Count());
    }

    [Fact]
    public void Labels_that_Prometheus_has_renamed_win_over_its_own()
    {
        var reading = Readings.From("""
            DCGM_FI_DEV_GPU_TEMP{gpu="0",namespace="monitoring",pod="exporter-x",container="exporter",exported_namespace="vision",exported_pod="train-0",exported_container="main"} 50
            DCGM_FI_DEV_GPU_TEMP{gpu="1",namespace="monitoring",pod="exporter-x",container="exporter"} 40
            """);
        Assert.Equal([new GpuHolder("vision", "train-0", "main", "", "")], reading.Gpus[0].Holders);
        Assert.Empty(reading.Gpus[1].Holders);
    }

    [Fact]
    public void An_empty_pod_is_an_idle_device() =>
        Assert.Empty(Assert.Single(Readings.From("DCGM_FI_DEV_GPU_TEMP{gpu=\"0\",namespace=\"\",pod=\"\",container=\"\"} 50").Gpus).Holders);

    [Fact]
    public void A_shared_device_has_all_its_pods_once_and_one_value()
    {
        var reading = Readings.From("""
            DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="G",namespace="a",pod="p",container="c",pod_uid="u1",vgpu="0"} 60
            DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="G",namespace="a",pod="q",container="c",pod_uid="u2",vgpu="1"} 60
            DCGM_FI_DEV_GPU_TEMP{gpu="0",UUID="G",namespace="a",pod="p",container="c",pod_uid="u1",vgpu="0"} 50
            DCGM_FI_DEV_GPU_TEMP{gpu="0",UUID="G",namespace="a",pod="q",container="c",pod_uid="u2",vgpu="1"} 50
            """);
        var gpu = Assert.Single(reading.Gpus);
        Assert.Equal([new GpuHolder("a", "p", "c", "u1", "0"), new GpuHolder("a", "q", "c", "u2", "1")], gpu.Holders);
        Assert.Equal((60, 50, 0.6), (gpu[GpuMetric.GpuUtil], gpu[GpuMetric.GpuTemp], gpu.Activity));
    }

    [Theory]
    [InlineData("9223372036854775794")]
    [InlineData("9223372036854775792")]
    [InlineData("2147483632")]
    [InlineData("2147483634")]
    [InlineData("140737488355328")]
    [InlineData("140737488355330.000000")]
    [InlineData("NaN")]
    [InlineData("+Inf")]
    public void A_mark_for_no_value_is_no_value(string text)
    {
        var reading = Readings.From($"DCGM_FI_DEV_GPU_TEMP{{gpu=\"0\"}} {text}\nDCGM_FI_DEV_FB_USED{{gpu=\"0\"}} 2147483631");
        var gpu = Assert.Single(reading.Gpus);
        Assert.Null(gpu[GpuMetric.GpuTemp]);
        Assert.Equal(2147483631, gpu[GpuMetric.FbUsed]);
        Assert.Equal(1, reading.BlankSamples);
    }

    [Fact]
    public void Counts_of_xids_are_kept_by_code()
    {
        var reading = Readings.From("""
            DCGM_EXP_XID_ERRORS_COUNT{gpu="0",xid="31",window_size_in_ms="300000"} 4
            DCGM_EXP_XID_ERRORS_COUNT{gpu="0",xid="79",window_size_in_ms="300000"} 1
            DCGM_EXP_XID_ERRORS_COUNT{gpu="0",xid="none",window_size_in_ms="300000"} 1
            """);
        Assert.Equal([new XidCount(31, 4), new XidCount(79, 1)], Assert.Single(reading.Gpus).XidCounts);
    }

    [Theory]
    [InlineData("gpu=\"5\"", 5)]
    [InlineData("device=\"nvidia5\"", 5)]
    [InlineData("gpu=\"x\",device=\"nvidia5\"", 5)]
    [InlineData("UUID=\"G\"", null)]
    [InlineData("UUID=\"G\",device=\"nvidia+5\"", null)]
    [InlineData("UUID=\"G\",gpu=\"-5\"", null)]
    public void The_number_comes_from_gpu_or_device(string labels, int? index) =>
        Assert.Equal(index, Assert.Single(Readings.From($"DCGM_FI_DEV_GPU_TEMP{{{labels}}} 50").Gpus).Index);

    [Fact]
    public void What_names_no_device_or_is_unknown_is_left_out()
    {
        var reading = Readings.From("DCGM_FI_DEV_GPU_TEMP{Hostname=\"n\"} 50\nDCGM_FI_DEV_GPU_TEMP 50\nnode_load1 3\n");
        Assert.Empty(reading.Gpus);
        Assert.Equal((2, 3), (reading.SamplesWithoutDevice, reading.Body.Samples));
    }

    [Fact]
    public void Limits_hold_and_what_is_beyond_them_is_counted()
    {
        var limits = new ReadingLimits { MaxGpus = 2, MaxHolders = 1, MaxXidCounts = 1, MaxLabelBytes = 8 };
        var reading = Readings.From("""
            DCGM_FI_DEV_GPU_TEMP{gpu="0",pod="p"} 50
            DCGM_FI_DEV_GPU_TEMP{gpu="0",pod="q"} 50
            DCGM_FI_DEV_GPU_TEMP{gpu="1"} 51
            DCGM_FI_DEV_GPU_TEMP{gpu="2"} 52
            DCGM_FI_DEV_FB_USED{gpu="0",UUID="123456789"} 1
            DCGM_EXP_XID_ERRORS_COUNT{gpu="1",xid="31"} 4
            DCGM_EXP_XID_ERRORS_COUNT{gpu="1",xid="79"} 1
            """, limits);
        Assert.Equal([50, 51], reading.Gpus.Select(gpu => gpu[GpuMetric.GpuTemp]));
        Assert.Equal("p", Assert.Single(reading.Gpus[0].Holders).Pod);
        Assert.Equal(4, reading.SamplesBeyondLimits);
    }
}
