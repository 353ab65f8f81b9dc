using System.Collections.Immutable;
using Scheduler.Core.Model;

namespace Scheduler.Daemon.Loop;

/// <summary>A workload that is gone, as the last cycle that saw it knew it.</summary>
/// <param name="Workload">What it said about itself; without its pods, of which only how many asked for what is kept.</param>
/// <param name="Pods">Its pods by shape.</param>
/// <param name="EndedAt">The cycle that first did not see it.</param>
/// <param name="WasPreempted">Whether it had been told to make way.</param>
internal sealed record EndedWorkload(Workload Workload, ImmutableArray<(PodShape Shape, int Count)> Pods, DateTimeOffset EndedAt, bool WasPreempted);

/// <summary>The history at one moment.</summary>
/// <param name="Snapshot">The cluster as the last cycle saw it; null before the first.</param>
/// <param name="Since">What ended since is in it; null if nothing is kept, or before the first cycle.</param>
/// <param name="Ended">The first to end first.</param>
internal sealed record HistoryView(ClusterSnapshot? Snapshot, DateTimeOffset? Since, ImmutableArray<EndedWorkload> Ended);

/// <summary>
/// Remembers workloads that ended since the daemon started, the last <paramref name="capacity"/> of them: it compares each cycle's
/// snapshot with the one before. What comes and goes between two cycles was never seen. Told by the loop's thread, read from any.
/// </summary>
internal sealed class WorkloadHistory(int capacity)
{
    private readonly Lock _gate = new();
    private readonly Queue<EndedWorkload> _ended = [];
    private readonly Dictionary<WorkloadId, Workload> _fullest = [];
    private ClusterSnapshot? _last;
    private DateTimeOffset? _since;

    /// <summary>A cycle has ended. Costs one walk over the workloads, of which most are the same objects as before.</summary>
    public void Saw(ClusterSnapshot snapshot)
    {
        var gone = capacity > 0 && _last is { } before ? Gone(before.Workloads, snapshot.Workloads) : [];
        lock (_gate)
        {
            _last = snapshot;
            _since ??= capacity > 0 ? snapshot.Now : null;
            foreach (var workload in gone)
                _ended.Enqueue(Ended(workload, snapshot.Now));
            // What was dropped is not there any more, nor is what ended with it known to be whole.
            while (_ended.Count > capacity)
                _since = _ended.Dequeue().EndedAt;
        }
    }

    /// <summary>What is remembered now, and the cluster that it is the history of.</summary>
    public HistoryView View()
    {
        lock (_gate)
            return new HistoryView(_last, _since, [.. _ended]);
    }

    /// <summary>Our own workloads of the first list that are not in the second; both are sorted by id.</summary>
    private List<Workload> Gone(ImmutableArray<Workload> old, ImmutableArray<Workload> present)
    {
        var gone = new List<Workload>();
        for (int index = 0, next = 0; index < old.Length; index++)
        {
            while (next < present.Length && !ReferenceEquals(present[next], old[index]) && present[next].Id.CompareTo(old[index].Id) < 0)
                next++;
            var now = next < present.Length && present[next].Id == old[index].Id ? present[next] : null;
            if (!old[index].IsManaged || ReferenceEquals(now, old[index]))
                continue;
            // A pod that was made anew with the name of another is another workload.
            if (now is null || (!now.IsGang && now.Pods[0].Id != old[index].Pods[0].Id))
                gone.Add(old[index]);
            else if (now.Pods.Length < old[index].Pods.Length && old[index].Pods.Length > PodsOf(_fullest.GetValueOrDefault(now.Id)))
                _fullest[now.Id] = old[index];
        }

        return gone;
    }

    private EndedWorkload Ended(Workload last, DateTimeOffset now)
    {
        // Pods of a gang end one after the other: what it was, it was with all of them.
        var full = _fullest.Remove(last.Id, out var earlier) && PodsOf(earlier) > last.Pods.Length ? earlier : last;
        return new EndedWorkload(
            full with { Pods = [], StartedAt = full.StartedAt ?? last.StartedAt },
            [.. full.Pods.CountBy(pod => pod.Shape).Select(pair => (pair.Key, pair.Value))],
            now,
            last.Pods.Any(pod => pod.Notice is not null));
    }

    private static int PodsOf(Workload? workload) => workload?.Pods.Length ?? 0;
}
