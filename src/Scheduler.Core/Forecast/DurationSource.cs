using System.Collections.Immutable;

namespace Scheduler.Core.Forecast;

/// <summary>
/// Where the duration of one kind of workload is drawn from: observations, the finest kind first, or, where it was declared, how
/// declarations of its owner turned out.
/// </summary>
/// <remarks>
/// Each sample of a forecast first draws a few observations and then only from these (a bootstrap of size
/// <see cref="Believed"/>): so samples differ not just in the luck of each workload, which evens out over a long queue, but in
/// what is usual, of which the past is a witness of limited worth. What still runs is a witness too, that it takes longer: it is
/// drawn like what has ended, and then stands for any that ran longer than it did so far (redistribution to the right: Efron, "The
/// Two Sample Problem with Censored Data", 1967). Without that, at the beginning of a wave of work only the short would be known.
/// </remarks>
/// <param name="index">Number of the source.</param>
/// <param name="levels">Observed seconds, or thousandths of what was declared, each in ascending order, the finest kind first.</param>
/// <param name="declaredSeconds">What was declared, or null.</param>
/// <param name="running">How long those of the finest kind that run have run so far, in ascending order.</param>
internal sealed class DurationSource(int index, ImmutableArray<long[]> levels, long? declaredSeconds, long[] running)
{
    /// <summary>Thousandths of what was declared.</summary>
    public const long Permille = 1000;

    /// <summary>Of so many independent observations the past is taken to be worth.</summary>
    public const int Believed = 12;

    /// <summary>Stands for "nobody knows".</summary>
    public const long Unknown = long.MaxValue;

    private const long MaxSeconds = 10L * 366 * 24 * 3600;

    /// <summary>Whether there is anything to go by.</summary>
    public bool IsKnown => declaredSeconds is not null || !levels.IsEmpty;

    /// <summary>Counts sources from 0.</summary>
    public int Index => index;

    /// <summary>Draws how much longer a workload runs.</summary>
    /// <param name="ranSeconds">How long it ran so far; 0 if it has not begun.</param>
    /// <param name="sample">Number of the sample, from 0.</param>
    /// <param name="salt">The workload; equal salts draw equally.</param>
    /// <param name="believed">The observations of the sample: see <see cref="Believe"/>.</param>
    /// <returns>Seconds, at least 1, or <see cref="Unknown"/>.</returns>
    public long DrawRemaining(long ranSeconds, int sample, ulong salt, ReadOnlySpan<long> believed)
    {
        if (!IsKnown)
        {
            return Unknown;
        }

        var bits = Draw.Of((ulong)sample, salt);
        if (declaredSeconds is { } declared && levels.IsEmpty)
        {
            return declared > ranSeconds ? declared - ranSeconds : LongLived(ranSeconds, bits);
        }

        var scale = declaredSeconds ?? Permille;
        var beyond = declaredSeconds is null ? ranSeconds : ranSeconds * Permille / scale;
        var value = believed[(int)(bits % Believed)];
        value = value > beyond ? value : DrawBeyond(beyond, bits);
        return value == Unknown ? LongLived(ranSeconds, bits) : Math.Clamp((value * scale / Permille) - ranSeconds, 1, MaxSeconds);
    }

    /// <summary>Draws the observations that a sample goes by.</summary>
    /// <param name="sample">Number of the sample, from 0.</param>
    /// <param name="believed">Receives <see cref="Believed"/> of them.</param>
    public void Believe(int sample, Span<long> believed)
    {
        if (levels.IsEmpty)
        {
            return;
        }

        var finest = levels[0];
        for (var number = 0; number < Believed; number++)
        {
            var bits = Draw.Of((ulong)sample, (ulong)number + 0x51);
            var picked = (int)(bits % (ulong)(finest.Length + running.Length));
            var value = picked < finest.Length ? finest[picked] : DrawBeyond(running[picked - finest.Length], bits);
            believed[number] = value == Unknown ? LongLived(running[picked - finest.Length], bits) + running[picked - finest.Length] : value;
        }
    }

    /// <summary>Of those that ran, or run, longer than so far, any; <see cref="Unknown"/> if there are none.</summary>
    private long DrawBeyond(long beyond, ulong bits)
    {
        for (var level = 0; level < levels.Length; level++)
        {
            var censored = level == 0 ? running : [];
            for (var at = beyond; ;)
            {
                bits = Draw.Mix(bits + 1);
                var (ended, still) = (FirstAbove(levels[level], at), FirstAbove(censored, at));
                var left = levels[level].Length - ended;
                if (left == 0)
                {
                    break;
                }

                var picked = (int)(bits % (ulong)(left + censored.Length - still));
                if (picked < left)
                {
                    return levels[level][ended + picked];
                }

                at = censored[still + picked - left];
            }
        }

        return Unknown;
    }

    /// <summary>
    /// Of what outlived all that is known, half runs as long again as it did: the tail of Pareto with exponent 1, which fits process
    /// lifetimes (Harchol-Balter and Downey, ACM TOCS 1997).
    /// </summary>
    private static long LongLived(long ranSeconds, ulong bits)
    {
        const ulong parts = 256;
        var part = (bits >> 20) % parts;
        return Math.Clamp((long)((UInt128)Math.Max(1, ranSeconds) * ((2 * part) + 1) / ((2 * (parts - part)) - 1)), 1, MaxSeconds);
    }

    private static int FirstAbove(long[] sorted, long value)
    {
        var (low, high) = (0, sorted.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = sorted[middle] <= value ? (middle + 1, high) : (low, middle);
        }

        return low;
    }
}
