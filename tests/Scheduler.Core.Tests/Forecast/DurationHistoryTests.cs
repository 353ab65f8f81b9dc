using Scheduler.Core.Forecast;
using Scheduler.Core.Model;
using Xunit;

namespace Scheduler.Core.Tests.Forecast;

/// <summary>What is drawn from what was learned.</summary>
public class DurationHistoryTests
{
    private static readonly DurationKind Kind = new(new TenantId("a"), "a", GpuRequest.Whole(1), 1);

    private readonly DurationHistory _history = new();

    [Fact]
    public void Of_a_kind_of_which_nothing_is_known_nobody_knows_the_end()
    {
        Learn(Kind, 100, times: 20);

        var other = _history.SourceOf(Kind with { Tenant = new TenantId("b"), Owner = "b" }, declared: null, []);

        Assert.False(other.IsKnown);
        Assert.Equal(DurationSource.Unknown, other.DrawRemaining(0, sample: 0, salt: 1));
    }

    [Fact]
    public void What_was_declared_is_believed_until_there_is_a_record()
    {
        var source = _history.SourceOf(Kind, TimeSpan.FromSeconds(600), []);

        Assert.Equal(600, source.DrawRemaining(0, 0, 1));
        Assert.Equal(200, source.DrawRemaining(400, 0, 1));
    }

    [Fact]
    public void Who_always_takes_half_of_what_it_declares_is_expected_to_do_so_again()
    {
        for (var run = 0; run < DurationHistory.LeastObservations; run++)
        {
            _history.Learn(Kind, TimeSpan.FromSeconds(50), declared: TimeSpan.FromSeconds(100));
        }

        Assert.Equal(300, _history.SourceOf(Kind, TimeSpan.FromSeconds(600), []).DrawRemaining(0, 0, 1));
    }

    [Fact]
    public void What_ran_longer_than_the_short_ones_is_one_of_the_long_ones()
    {
        Learn(Kind, 100, times: 90);
        Learn(Kind, 1000, times: 10);
        var source = _history.SourceOf(Kind, declared: null, []);

        Assert.All(Enumerable.Range(0, 50), sample => Assert.Equal(500, source.DrawRemaining(500, sample, (ulong)sample)));
    }

    [Fact]
    public void What_outlived_all_that_is_known_goes_on_about_as_long_again()
    {
        Learn(Kind, 100, times: 20);
        var source = _history.SourceOf(Kind, declared: null, []);

        var draws = Enumerable.Range(0, 999).Select(sample => source.DrawRemaining(1000, sample, 7)).Order().ToArray();

        Assert.InRange(draws[499], 800, 1250);
        Assert.True(draws[^1] > 5000, $"the longest of 999 is {draws[^1]} s");
    }

    [Fact]
    public void Too_little_of_a_kind_is_filled_up_with_what_its_tenant_runs()
    {
        Learn(Kind with { Gpu = GpuRequest.Whole(4) }, 1000, times: 20);
        Learn(Kind, 10, times: 1);

        Assert.Equal(1000 - 20, _history.SourceOf(Kind, declared: null, []).DrawRemaining(20, 0, 1));
    }

    [Fact]
    public void What_still_runs_is_a_witness_that_it_takes_longer()
    {
        Learn(Kind, 100, times: 10);
        Learn(Kind, 1000, times: 1);

        // Ten ended early; a hundred that began with them still run.
        var blind = Mean(_history.SourceOf(Kind, declared: null, []));
        var seeing = Mean(_history.SourceOf(Kind, declared: null, [.. Enumerable.Repeat(500L, 100)]));

        Assert.InRange(blind, 100, 300);
        Assert.InRange(seeing, 800, 1000);

        static double Mean(DurationSource source) => Enumerable.Range(0, 500).Average(sample => source.DrawRemaining(0, sample, (ulong)sample));
    }

    private void Learn(DurationKind kind, int seconds, int times)
    {
        for (var run = 0; run < times; run++)
        {
            _history.Learn(kind, TimeSpan.FromSeconds(seconds), declared: null);
        }
    }
}

/// <summary>Draws for one workload alone.</summary>
internal static class SingleDraws
{
    public static long DrawRemaining(this DurationSource source, long ranSeconds, int sample, ulong salt)
    {
        var believed = new long[DurationSource.Believed];
        source.Believe(sample, believed);
        return source.DrawRemaining(ranSeconds, sample, salt, believed);
    }
}
