namespace Scheduler.Simulation.Results;

/// <summary>
/// For one tenant: since when a job of so many GPUs would have been within the guarantee, beside all that the tenant uses. It is
/// the same for all jobs of one size, and there are few sizes; so nothing is worked out for each job that waits.
/// </summary>
internal sealed class GuaranteeClock(long guaranteedMilliGpu)
{
    private readonly SortedDictionary<long, long?> _sinceBySize = [];
    private long _usedMilliGpu;

    /// <summary>The tenant uses so much from now on.</summary>
    public void Use(long now, long usedMilliGpu)
    {
        _usedMilliGpu = usedMilliGpu;
        foreach (var size in _sinceBySize.Keys.ToArray())
        {
            var isInside = size + usedMilliGpu <= guaranteedMilliGpu;
            if (isInside != _sinceBySize[size].HasValue)
            {
                _sinceBySize[size] = isInside ? now : null;
            }
        }
    }

    /// <summary>Since when a job of this size has been within the guarantee; null if it is not.</summary>
    public long? Since(long now, long milliGpu)
    {
        if (!_sinceBySize.TryGetValue(milliGpu, out var since))
        {
            since = milliGpu + _usedMilliGpu <= guaranteedMilliGpu ? now : null;
            _sinceBySize.Add(milliGpu, since);
        }

        return since;
    }
}
