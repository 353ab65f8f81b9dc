using System.Diagnostics;

namespace Scheduler.Benchmarks.Measuring;

/// <summary>Times of equal actions, in milliseconds.</summary>
internal sealed class Samples
{
    private readonly List<double> _milliseconds = [];

    public int Count => _milliseconds.Count;

    public double Median => Percentile(50);

    public double Sum => _milliseconds.Sum();

    /// <summary>Runs an action and takes its time.</summary>
    public T Time<T>(Func<T> action)
    {
        var start = Stopwatch.GetTimestamp();
        var result = action();
        _milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        return result;
    }

    /// <summary>Takes a time that was measured elsewhere.</summary>
    public void Add(TimeSpan time) => _milliseconds.Add(time.TotalMilliseconds);

    /// <summary>The smallest sample that so many in a hundred do not exceed.</summary>
    public double Percentile(int percent)
    {
        var sorted = _milliseconds.Order().ToArray();
        return sorted.Length == 0 ? 0 : Math.Round(sorted[Math.Max(0, (int)Math.Ceiling(sorted.Length * percent / 100.0) - 1)], 3);
    }
}

/// <summary>How a cost grows with the size of the cluster.</summary>
internal static class Growth
{
    /// <summary>e, where the cost grows as n to the power of e.</summary>
    public static double? Exponent(int smaller, double cost, int larger, double costLarger) =>
        smaller == larger || cost <= 0 || costLarger <= 0
            ? null
            : Math.Round(Math.Log(costLarger / cost) / Math.Log((double)larger / smaller), 3);

    /// <summary>The growth of a cost over that of n log n: not above 1 means no faster.</summary>
    public static double? OverLogLinear(int smaller, double cost, int larger, double costLarger) =>
        smaller < 2 || larger < 2 || cost <= 0
            ? null
            : Math.Round(costLarger / cost / (larger * Math.Log(larger) / (smaller * Math.Log(smaller))), 3);
}
