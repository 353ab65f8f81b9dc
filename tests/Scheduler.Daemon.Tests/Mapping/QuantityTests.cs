using Scheduler.Daemon.Kubernetes.Mapping;

namespace Scheduler.Daemon.Tests.Mapping;

public class QuantityTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("100m", 100)]
    [InlineData("0.1", 100)]
    [InlineData(".5", 500)]
    [InlineData("1.", 1000)]
    [InlineData("1", 1000)]
    [InlineData("2.5", 2500)]
    [InlineData("+3", 3000)]
    [InlineData("0.0001", 1)]
    [InlineData("1u", 1)]
    [InlineData("1500000n", 2)]
    [InlineData("1e-3", 1)]
    [InlineData("2k", 2_000_000)]
    [InlineData("100.0000000000000000000000001m", 101)]
    public void Cpu_is_milli_rounded_up(string text, long milli) => Assert.Equal(milli, Quantity.Parse(text).MilliCeiling);

    [Theory]
    [InlineData("1Ki", 1024)]
    [InlineData("1.5Gi", 1_610_612_736)]
    [InlineData("2e3", 2000)]
    [InlineData("2E3", 2000)]
    [InlineData("1E", 1_000_000_000_000_000_000)]
    [InlineData("7Ei", 8_070_450_532_247_928_832)]
    [InlineData("500M", 500_000_000)]
    [InlineData("128974848", 128_974_848)]
    [InlineData("129e6", 129_000_000)]
    [InlineData("123Mi", 128_974_848)]
    [InlineData("0.1Ki", 103)]
    [InlineData("100m", 1)]
    [InlineData("1n", 1)]
    [InlineData("0.00000000000001", 1)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("-1500m", -1)]
    public void Bytes_are_whole_rounded_up(string text, long bytes) => Assert.Equal(bytes, Quantity.Parse(text).UnitsCeiling);

    [Theory]
    [InlineData("")]
    [InlineData(" 1")]
    [InlineData("1 Gi")]
    [InlineData("Gi")]
    [InlineData("1gi")]
    [InlineData("1K")]
    [InlineData("1.2.3")]
    [InlineData("1e")]
    [InlineData("1e999")]
    [InlineData("0x10")]
    [InlineData("--1")]
    [InlineData("١")]
    [InlineData("8Ei")]
    [InlineData("9223372036854775808")]
    [InlineData("NaN")]
    public void What_is_no_quantity_is_refused(string text) => Assert.False(Quantity.TryParse(text, out _));

    [Fact]
    public void The_largest_quantity_in_thousandths_does_not_wrap_around() =>
        Assert.Equal(long.MaxValue, Quantity.Parse("9223372036854775807").MilliCeiling);

    [Fact]
    public void Fractions_of_containers_add_up_before_they_are_rounded() =>
        Assert.Equal(1, (Quantity.Parse("0.4m") + Quantity.Parse("0.4m")).MilliCeiling);
}

public class DurationsTests
{
    [Theory]
    [InlineData("90s", 90)]
    [InlineData("1h30m", 5400)]
    [InlineData("4h", 14_400)]
    [InlineData("2d", 172_800)]
    [InlineData("1d12h", 129_600)]
    [InlineData("1.5h", 5400)]
    [InlineData("0", 0)]
    [InlineData("1500ms", 1.5)]
    [InlineData("3650d", 315_360_000)]
    public void Durations_are_read(string text, double seconds)
    {
        Assert.True(Durations.TryParse(text, out var duration));
        Assert.Equal(TimeSpan.FromSeconds(seconds), duration);
    }

    [Theory]
    [InlineData("")]
    [InlineData("4")]
    [InlineData("h")]
    [InlineData("4 h")]
    [InlineData("-4h")]
    [InlineData("4w")]
    [InlineData("3651d")]
    [InlineData("1h30")]
    [InlineData("1.2.3s")]
    [InlineData("99999999999999999999s")]
    public void What_is_no_duration_is_refused(string text) => Assert.False(Durations.TryParse(text, out _));

    [Theory]
    [InlineData("90s", "1m30s")]
    [InlineData("26h", "1d2h")]
    [InlineData("0", "0s")]
    [InlineData("250ms", "250ms")]
    public void Durations_are_written_as_they_are_read(string text, string written)
    {
        Assert.True(Durations.TryParse(text, out var duration));
        Assert.Equal(written, Durations.Format(duration));
        Assert.True(Durations.TryParse(written, out var again));
        Assert.Equal(duration, again);
    }
}
