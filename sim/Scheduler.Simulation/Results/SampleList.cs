namespace Scheduler.Simulation.Results;

/// <summary>Collects whole numbers for their mean and quantiles.</summary>
internal sealed class SampleList
{
    private readonly List<long> _values = [];
    private Int128 _sum;
    private bool _isSorted = true;

    public int Count => _values.Count;

    public void Add(long value)
    {
        _isSorted &= _values.Count == 0 || _values[^1] <= value;
        _values.Add(value);
        _sum += value;
    }

    /// <summary>The mean in thousandths of the unit, rounded to six digits; 0 without any.</summary>
    public decimal MeanThousandths() => Count == 0 ? 0 : Figures.Round((decimal)_sum / Count / 1000m, 3);

    /// <summary>The least value that so many per cent do not exceed (nearest rank); 0 without any.</summary>
    public long Quantile(int percent)
    {
        if (Count == 0)
        {
            return 0;
        }

        if (!_isSorted)
        {
            _values.Sort();
            _isSorted = true;
        }

        return _values[Math.Max(0, (int)((((long)Count * percent) + 99) / 100) - 1)];
    }

    /// <summary>As durations, the values being milliseconds.</summary>
    public DurationResult ToDurations() => new(
        Count, MeanThousandths(), Figures.Seconds(Quantile(50)), Figures.Seconds(Quantile(95)), Figures.Seconds(Quantile(99)),
        Figures.Seconds(Quantile(100)));
}
