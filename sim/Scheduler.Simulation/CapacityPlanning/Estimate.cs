using System.Collections.Immutable;

namespace Scheduler.Simulation.CapacityPlanning;

/// <summary>
/// The mean of a figure over the seeds, with its 95 % confidence interval by Student's t (Law: Simulation Modeling and Analysis,
/// 9.4.1: independent replications). Infinite where the figure is so in one of the runs, as with jobs that can never start.
/// </summary>
internal sealed record Estimate
{
    /// <summary>How sure the interval is.</summary>
    public const double Confidence = 0.95;

    private Estimate(ImmutableArray<double> values, double mean, double halfWidth) => (Values, Mean, HalfWidth) = (values, mean, halfWidth);

    /// <summary>By seed.</summary>
    public ImmutableArray<double> Values { get; }

    /// <summary>The mean.</summary>
    public double Mean { get; }

    /// <summary>Half the length of the interval.</summary>
    public double HalfWidth { get; }

    /// <summary>The lower end.</summary>
    public double Low => Mean - HalfWidth;

    /// <summary>The upper end.</summary>
    public double High => Mean + HalfWidth;

    /// <summary>Estimates from one value for each seed, at least two.</summary>
    public static Estimate Of(ImmutableArray<double> values)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(values.Length, 2);
        if (values.Any(double.IsInfinity))
        {
            return new Estimate(values, double.PositiveInfinity, 0);
        }

        var mean = values.Sum() / values.Length;
        var variance = values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1);
        return new Estimate(values, mean, StudentT.TwoSidedQuantile(Confidence, values.Length - 1) * Math.Sqrt(variance / values.Length));
    }
}
