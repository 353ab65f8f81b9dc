using System.Numerics;

namespace Scheduler.Simulation.Randomness;

/// <summary>
/// A stream of random numbers that is the same in every process and on every machine: xoshiro256** (Blackman, Vigna:
/// Scrambled Linear Pseudorandom Number Generators, ACM TOMS 2021), its state filled by SplitMix64 (Steele, Lea, Flood: Fast
/// Splittable Pseudorandom Number Generators, OOPSLA 2014). A seed is always given: nothing here knows a clock.
/// </summary>
public sealed class RandomStream
{
    private const ulong GoldenGamma = 0x9E3779B97F4A7C15;

    /// <summary>2⁻⁵³: a double has 53 bits.</summary>
    private const double Unit = 1.0 / (1UL << 53);

    private ulong _s0;
    private ulong _s1;
    private ulong _s2;
    private ulong _s3;

    /// <summary>Starts the stream of a seed.</summary>
    public RandomStream(ulong seed)
    {
        _s0 = Mix(seed += GoldenGamma);
        _s1 = Mix(seed += GoldenGamma);
        _s2 = Mix(seed += GoldenGamma);
        _s3 = Mix(seed + GoldenGamma);
    }

    /// <summary>64 random bits.</summary>
    public ulong NextBits()
    {
        var result = BitOperations.RotateLeft(_s1 * 5, 7) * 9;
        var carried = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= carried;
        _s3 = BitOperations.RotateLeft(_s3, 45);
        return result;
    }

    /// <summary>From 0 inclusive to 1 exclusive.</summary>
    public double NextUnit() => (NextBits() >> 11) * Unit;

    /// <summary>From 0 exclusive to 1 inclusive, so that its logarithm is finite.</summary>
    public double NextPositiveUnit() => ((NextBits() >> 11) + 1) * Unit;

    /// <summary>From 0 inclusive to <paramref name="bound"/> exclusive, each equally likely.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The bound is not positive.</exception>
    public int Below(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);

        // The high half of a product with 32 random bits; the few values that would favour some results are drawn again.
        var limit = (uint)bound;
        var unfair = (0u - limit) % limit;
        while (true)
        {
            var product = (NextBits() >> 32) * limit;
            if ((uint)product >= unfair)
            {
                return (int)(product >> 32);
            }
        }
    }

    /// <summary>From <paramref name="least"/> to <paramref name="most"/>, both inclusive.</summary>
    public int Between(int least, int most) => least + Below(most - least + 1);

    /// <summary>True with a chance from 0 to 1.</summary>
    public bool Chance(double probability) => NextUnit() < probability;

    internal static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
