using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Loop;
using Scheduler.Daemon.Telemetry;
using Scheduler.Journal;
using Scheduler.Journal.Storage;

namespace Scheduler.Daemon.Journal;

/// <summary>
/// Hands cycles from the scheduling loop to the journal. The loop only puts a reference into a bounded queue; everything else happens
/// here. A cycle that finds the queue full, or the disk refusing, is left out: scheduling never waits for the journal. The journal
/// has no hole in its snapshots by that, because a cycle is written as its difference to the last one that was written.
/// </summary>
internal sealed class JournalRecorder
{
    private readonly Channel<PublishedCycle> _queue;
    private readonly Func<CycleEntry, long> _append;
    private readonly SchedulerMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Backoff _backoff = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1), static () => 1);
    private long _left;
    private bool _isBehind;

    /// <param name="append">Writes a cycle and gives back the size of the journal in bytes.</param>
    /// <param name="queueCycles">Cycles that may wait.</param>
    /// <param name="metrics">Where it is counted.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where trouble is told.</param>
    public JournalRecorder(Func<CycleEntry, long> append, int queueCycles, SchedulerMetrics metrics, TimeProvider time, ILogger logger)
    {
        (_append, _metrics, _time, _logger) = (append, metrics, time, logger);
        _queue = Channel.CreateBounded<PublishedCycle>(new BoundedChannelOptions(queueCycles) { SingleReader = true });
    }

    /// <summary>Cycles that were left out since the start.</summary>
    public long LeftOut => Interlocked.Read(ref _left);

    /// <summary>Takes a cycle if there is room. Never waits.</summary>
    public void Offer(PublishedCycle cycle)
    {
        if (_queue.Writer.TryWrite(cycle))
            return;
        LeaveOut("queue_full");
        if (!Volatile.Read(ref _isBehind))
            Log.JournalBehind(_logger, cycle.Number);
        Volatile.Write(ref _isBehind, true);
    }

    /// <summary>Writes until it is stopped, then what still waits.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var completion = stop.Register(() => _queue.Writer.TryComplete());
        DateTimeOffset? resumeAt = null;
        await foreach (var cycle in _queue.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
        {
            if (resumeAt is { } moment && _time.GetUtcNow() < moment)
            {
                LeaveOut("disk");
                continue;
            }

            resumeAt = TryAppend(cycle) ? null : _time.GetUtcNow() + _backoff.Next();
            if (_queue.Reader.Count == 0)
                Volatile.Write(ref _isBehind, false);
        }
    }

    private bool TryAppend(PublishedCycle cycle)
    {
        try
        {
            var started = _time.GetTimestamp();
            var bytes = _append(Entry(cycle));
            _metrics.Journaled(bytes, _time.GetElapsedTime(started));
            _backoff.Reset();
            return true;
        }
        catch (JournalException failure)
        {
            Log.JournalFailed(_logger, failure.Message);
            LeaveOut("disk");
            return false;
        }
    }

    private void LeaveOut(string why)
    {
        Interlocked.Increment(ref _left);
        _metrics.LeftOutOfJournal(why);
    }

    private static CycleEntry Entry(PublishedCycle cycle) => new()
    {
        Number = cycle.Number,
        Snapshot = cycle.Snapshot,
        Plan = cycle.Plan,
        IsApplied = cycle.IsApplied,
        Leader = cycle.Leader,
        Duration = cycle.Duration,
        Refused = cycle.Refused,
        Unqueued = [.. cycle.Unqueued.Select(pod => new JournaledPod(pod.Namespace, pod.Name, pod.Reason, pod.Message))],
    };
}
