namespace Scheduler.Daemon.Kubernetes;

/// <summary>A token bucket: so many per second, and as many at once after a pause. Safe for concurrent use.</summary>
internal sealed class RateLimit
{
    private readonly Lock _gate = new();
    private readonly double _perSecond;
    private readonly TimeProvider _time;
    private double _tokens;
    private long _at;

    public RateLimit(double perSecond, TimeProvider time)
    {
        _perSecond = perSecond;
        _time = time;
        _tokens = perSecond;
        _at = time.GetTimestamp();
    }

    /// <summary>Takes a token, and waits until it is there.</summary>
    public async Task WaitAsync(CancellationToken cancellation)
    {
        var wait = Take();
        if (wait > TimeSpan.Zero)
            await Task.Delay(wait, _time, cancellation).ConfigureAwait(false);
    }

    // Tokens may go below zero: each waiter owes its own, so that all of them together keep the rate.
    private TimeSpan Take()
    {
        lock (_gate)
        {
            var now = _time.GetTimestamp();
            _tokens = Math.Min(_perSecond, _tokens + (_time.GetElapsedTime(_at, now).TotalSeconds * _perSecond));
            _at = now;
            _tokens--;
            return _tokens >= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(-_tokens / _perSecond);
        }
    }
}
