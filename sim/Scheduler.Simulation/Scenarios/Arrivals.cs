using System.Collections.Immutable;
using Scheduler.Simulation.Randomness;

namespace Scheduler.Simulation.Scenarios;

/// <summary>When jobs are submitted. Closed.</summary>
public abstract record Arrivals
{
    private protected Arrivals()
    {
    }

    /// <summary>The first is not before this time.</summary>
    public TimeSpan From { get; init; }

    /// <summary>None is at or after this time; null: until the horizon.</summary>
    public TimeSpan? Until { get; init; }

    /// <summary>There are at most so many; null: as many as come.</summary>
    public int? Count { get; init; }

    /// <summary>The times, ascending.</summary>
    /// <param name="random">Draws them.</param>
    /// <param name="horizon">The end of the simulation; null if it has none.</param>
    public IEnumerable<TimeSpan> Times(RandomStream random, TimeSpan? horizon)
    {
        var end = Until < horizon || horizon is null ? Until : horizon;
        return Endless(random).TakeWhile(at => end is null || at < end).Take(Count ?? int.MaxValue);
    }

    /// <summary>About how many jobs come; no more than a count allows.</summary>
    /// <param name="horizon">The end of the simulation; null if it has none.</param>
    public double Expected(TimeSpan? horizon)
    {
        var end = Until < horizon || horizon is null ? Until : horizon;
        var span = (end < Longest ? end.Value : Longest) - From;
        return Math.Min(Count ?? double.MaxValue, span > TimeSpan.Zero ? ExpectedWithin(span) : 0);
    }

    /// <summary>Longer than any simulation.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromDays(36_500);

    private protected abstract double ExpectedWithin(TimeSpan span);

    private protected abstract IEnumerable<TimeSpan> Endless(RandomStream random);

    /// <summary>
    /// At random, without memory, at a rate that may change with the hour and the day of the week. Candidates come at the highest
    /// rate, and each stays with the chance that its hour has (Lewis, Shedler: Simulation of Nonhomogeneous Poisson Processes by
    /// Thinning, 1979).
    /// </summary>
    /// <param name="PerHour">How many an hour there are where all factors are 1.</param>
    /// <param name="ByHour">A factor for each hour of the day; empty: always 1.</param>
    /// <param name="ByWeekday">A factor for each day of the week, Monday first; empty: always 1.</param>
    public sealed record Poisson(double PerHour, ImmutableArray<double> ByHour, ImmutableArray<double> ByWeekday) : Arrivals
    {
        private protected override IEnumerable<TimeSpan> Endless(RandomStream random)
        {
            var most = PerHour * Most(ByHour) * Most(ByWeekday);
            var gaps = new Distribution.Exponential(3600 / most);
            for (var seconds = From.TotalSeconds + gaps.Sample(random); seconds < Longest.TotalSeconds; seconds += gaps.Sample(random))
            {
                var hours = (long)(seconds / 3600);
                var rate = PerHour * Factor(ByHour, hours) * Factor(ByWeekday, hours / 24);
                if (random.Chance(rate / most))
                {
                    yield return TimeSpan.FromMilliseconds(Math.Floor(seconds * 1000));
                }
            }
        }

        private protected override double ExpectedWithin(TimeSpan span) => PerHour * Mean(ByHour) * Mean(ByWeekday) * span.TotalHours;

        private static double Mean(ImmutableArray<double> factors) => factors.IsEmpty ? 1 : factors.Average();

        private static double Most(ImmutableArray<double> factors) => factors.IsEmpty ? 1 : factors.Max();

        private static double Factor(ImmutableArray<double> factors, long index) => factors.IsEmpty ? 1 : factors[(int)(index % factors.Length)];
    }

    /// <summary>At equal distances.</summary>
    /// <param name="Every">The distance.</param>
    public sealed record Regular(TimeSpan Every) : Arrivals
    {
        private protected override double ExpectedWithin(TimeSpan span) => Math.Ceiling(span / Every);

        private protected override IEnumerable<TimeSpan> Endless(RandomStream random)
        {
            for (var at = From; at < Longest; at += Every)
            {
                yield return at;
            }
        }
    }

    /// <summary>All at once.</summary>
    /// <param name="Jobs">How many.</param>
    public sealed record Burst(int Jobs) : Arrivals
    {
        private protected override double ExpectedWithin(TimeSpan span) => Jobs;

        private protected override IEnumerable<TimeSpan> Endless(RandomStream random) => Enumerable.Repeat(From, Jobs);
    }
}
