namespace Scheduler.Core.Quota;

/// <summary>
/// Exact division of whole numbers among claimants. All comparisons are by cross-multiplication in 128 bits; the last few
/// units go by largest remainder, ties to the claimant that comes first.
/// </summary>
internal static class WaterFilling
{
    /// <summary>
    /// Weighted max-min fairness by progressive filling (Bertsekas, Gallager: Data Networks, 1987, section 6.5.2): all
    /// claimants rise in proportion to their weights until they reach their caps or the pool is empty.
    /// </summary>
    /// <param name="pool">What there is; what is left over once all caps are reached is not given out.</param>
    /// <param name="caps">The most that each claimant can use, 0 or more.</param>
    /// <param name="weights">Weights, at least 1.</param>
    /// <param name="shares">Receives the shares.</param>
    public static void Fill(long pool, ReadOnlySpan<long> caps, ReadOnlySpan<long> weights, Span<long> shares)
    {
        shares.Clear();
        var active = new List<int>(caps.Length);
        for (var index = 0; index < caps.Length; index++)
        {
            if (caps[index] > 0)
            {
                active.Add(index);
            }
        }

        while (active.Count > 0 && pool > 0)
        {
            Int128 totalWeight = 0;
            foreach (var index in active)
            {
                totalWeight += weights[index];
            }

            // Whoever is full at this level leaves, and the level rises for the others.
            var left = pool;
            var remaining = new List<int>(active.Count);
            foreach (var index in active)
            {
                if (caps[index] * totalWeight <= (Int128)pool * weights[index])
                {
                    shares[index] = caps[index];
                    left -= caps[index];
                }
                else
                {
                    remaining.Add(index);
                }
            }

            if (remaining.Count == active.Count)
            {
                DivideByLargestRemainder(pool, active, weights, totalWeight, shares);
                return;
            }

            active = remaining;
            pool = left;
        }
    }

    /// <summary>
    /// Divides an amount in proportion to weights, without caps, by the method of largest remainders (Hamilton).
    /// </summary>
    public static void Divide(long amount, ReadOnlySpan<long> weights, Span<long> shares)
    {
        shares.Clear();
        var all = new List<int>(weights.Length);
        Int128 total = 0;
        for (var index = 0; index < weights.Length; index++)
        {
            if (weights[index] > 0)
            {
                all.Add(index);
                total += weights[index];
            }
        }

        if (all.Count > 0)
        {
            DivideByLargestRemainder(amount, all, weights, total, shares);
        }
    }

    private static void DivideByLargestRemainder(
        long amount, List<int> claimants, ReadOnlySpan<long> weights, Int128 totalWeight, Span<long> shares)
    {
        var remainders = new (Int128 Remainder, int Index)[claimants.Count];
        var left = amount;
        for (var position = 0; position < claimants.Count; position++)
        {
            var index = claimants[position];
            var (quotient, remainder) = Int128.DivRem((Int128)amount * weights[index], totalWeight);
            shares[index] = (long)quotient;
            left -= (long)quotient;
            remainders[position] = (remainder, index);
        }

        Array.Sort(remainders, (a, b) => a.Remainder != b.Remainder ? b.Remainder.CompareTo(a.Remainder) : a.Index.CompareTo(b.Index));
        for (var position = 0; position < left; position++)
        {
            shares[remainders[position].Index]++;
        }
    }
}
