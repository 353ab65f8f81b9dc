using Scheduler.Input;

namespace Scheduler.Cli.Tests.Input;

public sealed class TextParsingTests
{
    [Theory]
    [InlineData("30s", 30_000)]
    [InlineData("500ms", 500)]
    [InlineData("1h30m", 5_400_000)]
    [InlineData("1.5h", 5_400_000)]
    [InlineData("2d", 172_800_000)]
    [InlineData("0", 0)]
    public void A_duration_is_read(string text, long milliseconds)
    {
        Assert.True(DurationText.TryParse(text, out var duration));
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), duration);
    }

    [Theory]
    [InlineData("")]
    [InlineData("30")]
    [InlineData("s")]
    [InlineData("-3s")]
    [InlineData("3 s")]
    [InlineData("5x")]
    [InlineData("1.2.3s")]
    [InlineData("99999d")]
    public void What_is_no_duration_is_refused(string text) => Assert.False(DurationText.TryParse(text, out _));

    [Theory]
    [InlineData(45, "45s")]
    [InlineData(200, "3m20s")]
    [InlineData(7_500, "2h5m")]
    [InlineData(200_000, "2d7h")]
    [InlineData(-5, "0s")]
    public void A_waiting_time_is_short(int seconds, string expected) => Assert.Equal(expected, DurationText.Short(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData("8", 8000)]
    [InlineData("0.5", 500)]
    [InlineData("500m", 500)]
    [InlineData("1k", 1_000_000)]
    [InlineData("-4", -4000)]
    public void An_amount_of_GPUs_is_read_in_thousandths(string text, long milli)
    {
        Assert.True(AmountText.TryMilli(text, out var read));
        Assert.Equal(milli, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("eight")]
    [InlineData("0.0005")]
    [InlineData("1 2")]
    [InlineData("8GPU")]
    [InlineData("99999999999999999999999999")]
    public void What_is_no_amount_is_refused(string text) => Assert.False(AmountText.TryMilli(text, out _));

    [Theory]
    [InlineData("16Gi", 16L << 30)]
    [InlineData("1073741824Ki", 1L << 40)]
    [InlineData("1M", 1_000_000)]
    [InlineData("512", 512)]
    public void Memory_is_read_in_bytes(string text, long bytes)
    {
        Assert.True(AmountText.TryBytes(text, out var read));
        Assert.Equal(bytes, read);
    }

    [Theory]
    [InlineData("guarantee", "guaranteed")]
    [InlineData("gauranteed", "guaranteed")]
    [InlineData("Burst", "burst")]
    [InlineData("namespace", "namespaces")]
    [InlineData("colour", null)]
    public void The_word_that_was_meant_is_found(string written, string? meant) =>
        Assert.Equal(meant, Suggestion.Nearest(written, ["guaranteed", "burst", "lendingLimit", "namespaces", "flavor"]));
}
