namespace Scheduler.Core.Forecast;

/// <summary>The last observations of one kind, and the same in ascending order.</summary>
internal sealed class DurationWindow
{
    /// <summary>Observations kept: with more, what was usual last month would outweigh what is usual now.</summary>
    public const int Capacity = 256;

    private readonly long[] _ring = new long[Capacity];
    private long[]? _sorted;
    private long _seen;

    /// <summary>Observations in the window.</summary>
    public int Count => (int)Math.Min(_seen, Capacity);

    /// <summary>The observations in ascending order.</summary>
    public long[] Sorted
    {
        get
        {
            if (_sorted is null)
            {
                _sorted = _ring[..Count];
                Array.Sort(_sorted);
            }

            return _sorted;
        }
    }

    /// <summary>Takes a further observation, and forgets the oldest once the window is full.</summary>
    public void Add(long value)
    {
        _ring[_seen++ % Capacity] = value;
        _sorted = null;
    }
}
