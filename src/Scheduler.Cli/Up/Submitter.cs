using System.Collections.Concurrent;
using Scheduler.Cli.Hosting;
using Scheduler.Cli.Workloads;

namespace Scheduler.Cli.Up;

/// <summary>Creates the objects of a schedule, each at its time. What the API server refuses is kept, with the reason.</summary>
internal sealed class Submitter(EmbeddedCluster cluster, WorkloadSchedule schedule, TimeProvider time)
{
    private readonly ConcurrentQueue<string> _refusals = [];
    private int _submitted;
    private long _expectedPods;

    /// <summary>Objects created so far.</summary>
    public int Submitted => Volatile.Read(ref _submitted);

    /// <summary>Pods that will have come of what was created so far.</summary>
    public long ExpectedPods => Interlocked.Read(ref _expectedPods);

    /// <summary>Whether everything has been created or refused.</summary>
    public bool IsDone => Submitted + _refusals.Count == schedule.Submissions.Length;

    public IReadOnlyCollection<string> Refusals => _refusals;

    public async Task RunAsync(CancellationToken stop)
    {
        var start = time.GetTimestamp();
        foreach (var submission in schedule.Submissions)
        {
            stop.ThrowIfCancellationRequested();
            var wait = submission.At - time.GetElapsedTime(start);
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, time, stop);
            }

            if (cluster.Create(submission.Manifest()) is { } refusal)
            {
                _refusals.Enqueue($"{submission.Namespace}/{submission.Name}: {refusal}");
            }
            else
            {
                Interlocked.Add(ref _expectedPods, submission.Pods);
                Interlocked.Increment(ref _submitted);
            }
        }
    }
}
