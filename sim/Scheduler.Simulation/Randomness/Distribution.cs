using System.Collections.Immutable;

namespace Scheduler.Simulation.Randomness;

/// <summary>A distribution of amounts that are not negative, such as seconds. Closed.</summary>
public abstract record Distribution
{
    private protected Distribution()
    {
    }

    /// <summary>The mean.</summary>
    public abstract double Mean { get; }

    /// <summary>Draws once.</summary>
    public abstract double Sample(RandomStream random);

    /// <summary>Draws a duration, the amounts being seconds; to the millisecond, and never shorter than one.</summary>
    public TimeSpan SampleDuration(RandomStream random)
    {
        const double MostSeconds = 3650.0 * 24 * 3600;
        return TimeSpan.FromMilliseconds(Math.Max(1, Math.Round(Math.Min(Sample(random), MostSeconds) * 1000)));
    }

    /// <summary>Always the same.</summary>
    /// <param name="Value">The amount.</param>
    public sealed record Fixed(double Value) : Distribution
    {
        /// <inheritdoc/>
        public override double Mean => Value;

        /// <inheritdoc/>
        public override double Sample(RandomStream random) => Value;
    }

    /// <summary>Anything between two amounts, equally likely.</summary>
    /// <param name="Least">From.</param>
    /// <param name="Most">To.</param>
    public sealed record Uniform(double Least, double Most) : Distribution
    {
        /// <inheritdoc/>
        public override double Mean => (Least + Most) / 2;

        /// <inheritdoc/>
        public override double Sample(RandomStream random) => Least + ((Most - Least) * random.NextUnit());
    }

    /// <summary>Without memory: gaps between arrivals that know nothing of each other.</summary>
    /// <param name="MeanValue">The mean.</param>
    public sealed record Exponential(double MeanValue) : Distribution
    {
        /// <inheritdoc/>
        public override double Mean => MeanValue;

        /// <inheritdoc/>
        public override double Sample(RandomStream random) => -MeanValue * Math.Log(random.NextPositiveUnit());
    }

    /// <summary>The logarithm is normal: most are short, a few are very long.</summary>
    /// <param name="Median">Half are below it.</param>
    /// <param name="Sigma">Standard deviation of the natural logarithm.</param>
    public sealed record Lognormal(double Median, double Sigma) : Distribution
    {
        /// <inheritdoc/>
        public override double Mean => Median * Math.Exp(Sigma * Sigma / 2);

        /// <inheritdoc/>
        public override double Sample(RandomStream random)
        {
            // Box and Muller, 1958; the second of the pair is not kept, so that a stream has no other state than its bits.
            var radius = Math.Sqrt(-2 * Math.Log(random.NextPositiveUnit()));
            return Median * Math.Exp(Sigma * radius * Math.Cos(2 * Math.PI * random.NextUnit()));
        }
    }

    /// <summary>Times to failure: a shape below 1 for faults that come early, 1 for no memory, above 1 for wear.</summary>
    /// <param name="Scale">63 % are below it.</param>
    /// <param name="Shape">The exponent.</param>
    public sealed record Weibull(double Scale, double Shape) : Distribution
    {
        /// <inheritdoc/>
        public override double Mean => Scale * Gamma(1 + (1 / Shape));

        /// <inheritdoc/>
        public override double Sample(RandomStream random) => Scale * Math.Pow(-Math.Log(random.NextPositiveUnit()), 1 / Shape);

        /// <summary>The gamma function for arguments of at least 1 (Stirling's series, moved up where it is exact enough).</summary>
        private static double Gamma(double x)
        {
            var divisor = 1.0;
            for (; x < 10; x++)
            {
                divisor *= x;
            }

            var series = 1 + (1 / (12 * x)) + (1 / (288 * x * x)) - (139 / (51840 * x * x * x));
            return Math.Sqrt(2 * Math.PI / x) * Math.Pow(x / Math.E, x) * series / divisor;
        }
    }

    /// <summary>Measured: quantiles, straight lines between them.</summary>
    /// <param name="Points">Parts of all from 0 to 1, ascending, each with the amount that this part is below.</param>
    public sealed record Empirical(ImmutableArray<QuantilePoint> Points) : Distribution
    {
        /// <inheritdoc/>
        public override double Mean
        {
            get
            {
                var sum = Points[0].Part * Points[0].Value;
                for (var index = 1; index < Points.Length; index++)
                {
                    sum += (Points[index].Part - Points[index - 1].Part) * (Points[index].Value + Points[index - 1].Value) / 2;
                }

                return sum + ((1 - Points[^1].Part) * Points[^1].Value);
            }
        }

        /// <inheritdoc/>
        public override double Sample(RandomStream random)
        {
            var part = random.NextUnit();
            for (var index = 0; index < Points.Length; index++)
            {
                if (part < Points[index].Part)
                {
                    if (index == 0)
                    {
                        return Points[0].Value;
                    }

                    var (below, above) = (Points[index - 1], Points[index]);
                    return below.Value + ((above.Value - below.Value) * (part - below.Part) / (above.Part - below.Part));
                }
            }

            return Points[^1].Value;
        }

        /// <inheritdoc/>
        public bool Equals(Empirical? other) => other is not null && Points.AsSpan().SequenceEqual(other.Points.AsSpan());

        /// <inheritdoc/>
        public override int GetHashCode() => Points.Length;
    }
}

/// <summary>A point of a measured distribution.</summary>
/// <param name="Part">Part of all that is below the value, from 0 to 1.</param>
/// <param name="Value">The value.</param>
public readonly record struct QuantilePoint(double Part, double Value);
