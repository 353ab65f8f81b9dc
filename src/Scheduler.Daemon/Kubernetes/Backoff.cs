namespace Scheduler.Daemon.Kubernetes;

/// <summary>
/// Exponential backoff with full jitter: attempt n waits a random time in [0, min(cap, first × 2ⁿ)], so that many clients that
/// failed together do not come back together. Not safe for concurrent use: one instance per retrying loop.
/// </summary>
internal sealed class Backoff(TimeSpan first, TimeSpan cap, Func<double> jitter)
{
    /// <summary>How often <see cref="Next"/> was called since the last success.</summary>
    public int Failures { get; private set; }

    /// <summary>The next wait. What the server asked for (Retry-After) is a floor, itself bounded by the cap.</summary>
    public TimeSpan Next(TimeSpan? retryAfter = null)
    {
        // Past 30 doublings any sensible cap is reached; the shift stays defined.
        var ceiling = Math.Min(cap.Ticks, first.Ticks * Math.Pow(2, Math.Min(Failures, 30)));
        Failures++;
        var wait = TimeSpan.FromTicks((long)(ceiling * jitter()));
        if (retryAfter is { } asked)
            wait += asked < cap ? asked : cap;
        return wait;
    }

    public void Reset() => Failures = 0;

    /// <summary>Jitter for production use. Only the spread matters, so the shared generator will do.</summary>
    public static double RandomJitter() => Random.Shared.NextDouble();
}
