using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Loop;

namespace Scheduler.Daemon.Hosting;

/// <summary>An answer to "are you well?".</summary>
/// <param name="IsOk">Whether all is well.</param>
/// <param name="Text">One line for each thing that was looked at.</param>
public sealed record HealthReport(bool IsOk, string Text);

/// <summary>What /healthz and /readyz answer.</summary>
internal sealed class DaemonHealth(
    IReadOnlyList<(string Resource, Func<bool> HasSynced)> watches, ILeadership leadership, SchedulingLoop loop, TimeSpan maxInterval,
    TimeProvider time)
{
    private static readonly TimeSpan LeastStuckAfter = TimeSpan.FromMinutes(2);

    // A loop that may sleep for an hour is not stuck after two minutes; the second interval is for the cycle itself.
    private readonly TimeSpan _stuckAfter = 2 * maxInterval > LeastStuckAfter ? 2 * maxInterval : LeastStuckAfter;

    public bool IsSynced => watches.All(watch => watch.HasSynced());

    /// <summary>Alive: the loop still turns. A daemon whose API server is away is alive; restarting it would help nobody.</summary>
    public HealthReport Live()
    {
        var silence = loop.LastTurn is { } last ? time.GetElapsedTime(last) : TimeSpan.Zero;
        return silence < _stuckAfter
            ? new HealthReport(true, "ok\n")
            : new HealthReport(false, $"the scheduling loop has not turned for {silence.TotalSeconds:0} s\n");
    }

    /// <summary>Ready: every first list is done, and it is known who leads.</summary>
    public HealthReport Ready()
    {
        var lines = watches.Select(watch => $"{watch.Resource}: {(watch.HasSynced() ? "listed" : "not listed yet")}").ToList();
        var leads = leadership.Term is not null;
        lines.Add(leads ? "lease: leading"
            : leadership.Holder is { } holder ? $"lease: standing by, {holder} leads"
            : "lease: nobody is known to lead yet");
        return new HealthReport(IsSynced && (leads || leadership.Holder is not null), string.Join('\n', lines) + "\n");
    }
}
