using Scheduler.Core.Model;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Kubernetes.Wire;

namespace Scheduler.Daemon.Cache;

/// <summary>A pod has been chosen to go.</summary>
/// <param name="Deadline">When it goes at the latest.</param>
/// <param name="Beneficiary">For which workload.</param>
internal sealed record Notice(DateTimeOffset Deadline, string Beneficiary)
{
    /// <summary>Whether an annotation, which knows whole seconds only, says the same.</summary>
    public bool IsSaidBy(Notice? other) =>
        other is not null && other.Beneficiary == Beneficiary && MicroTime.FormatSeconds(other.Deadline) == MicroTime.FormatSeconds(Deadline);
}

/// <content>
/// Pods that were told to go, or are about to be told.
/// <code>
///               Evict                  the watch shows the annotation
///   (nothing) ────────► unwritten ────────────────────────────────────► on the pod ──► evicted: gone with the pod
///       ▲                   │                                               │
///       │                   │ Withdraw                                      │ Withdraw
///       ├───────────────────┘                                               ▼
///       └─────────────── the watch shows that the annotation is gone ── withdrawn
/// </code>
/// While this replica decides (<see cref="Decide"/>), its own word counts, and what differs on a pod is written again: nobody
/// escapes a notice by editing his pod. While it follows, the pods' annotations count.
/// </content>
internal sealed partial class ClusterCache
{
    private readonly Dictionary<PodId, Notice> _notices = [];
    private readonly HashSet<PodId> _unwritten = [];
    private readonly HashSet<PodId> _withdrawn = [];
    private bool _decides;

    /// <summary>From now on the decisions of this replica count, and no longer what the annotations of pods say.</summary>
    public void Decide()
    {
        lock (_gate)
            _decides = true;
    }

    /// <summary>From now on the annotations count: another replica may decide. What was decided here and never written is forgotten.</summary>
    public void Follow()
    {
        lock (_gate)
        {
            if (!_decides)
                return;
            _decides = false;
            DropCommitments();
            foreach (var pod in _unwritten)
            {
                _notices.Remove(pod);
                Touch(pod);
            }

            _unwritten.Clear();
            _withdrawn.Clear();
            foreach (var id in _pods.Ids)
            {
                var record = _pods.Find(id)!;
                ObserveNotice(record);
                ObserveNomination(record);
            }

            _pods.MarkAllDirty();
            _generation++;
        }
    }

    /// <summary>Counts a decision to evict as made, before the pod carries it. A notice that is there already stands.</summary>
    public void PlaceUnderNotice(PodId pod, Notice notice)
    {
        lock (_gate)
        {
            if (_pods.Find(pod) is null || !_notices.TryAdd(pod, notice))
                return;
            _unwritten.Add(pod);
            _withdrawn.Remove(pod);
            Touch(pod);
        }
    }

    /// <summary>Takes a notice back. If it is on its pod, the pod is among <see cref="Withdrawn"/> until it is not.</summary>
    public void WithdrawNotice(PodId pod)
    {
        lock (_gate)
        {
            if (!_notices.Remove(pod))
                return;
            _unwritten.Remove(pod);
            if (_pods.Find(pod) is { EvictBy: not null })
                _withdrawn.Add(pod);
            Touch(pod);
        }

        Changed?.Invoke();
    }

    /// <summary>All notices, in no particular order; and whether the pod says so already.</summary>
    public List<(PodRecord Pod, Notice Notice, bool IsWritten)> Notices()
    {
        lock (_gate)
        {
            return
            [
                .. _notices.Where(entry => _pods.Find(entry.Key) is not null)
                    .Select(entry => (_pods.Find(entry.Key)!, entry.Value, !_unwritten.Contains(entry.Key))),
            ];
        }
    }

    /// <summary>Whether a pod still is to go.</summary>
    public bool IsUnderNotice(PodId pod)
    {
        lock (_gate)
            return _notices.ContainsKey(pod);
    }

    /// <summary>Pods that still carry a notice that was taken back.</summary>
    public List<PodRecord> Withdrawn()
    {
        lock (_gate)
            return [.. _withdrawn.Select(_pods.Find).OfType<PodRecord>()];
    }

    private void ObserveNotice(PodRecord record)
    {
        var id = record.Id;
        var onPod = record.EvictBy is { } deadline ? new Notice(deadline, record.PreemptedFor ?? "") : null;
        var notice = _notices.GetValueOrDefault(id);
        if (!record.MayBeEvicted)
        {
            DropNotice(id);
        }
        else if (_withdrawn.Contains(id))
        {
            if (onPod is null)
                _withdrawn.Remove(id);
        }
        else if (notice is not null && notice.IsSaidBy(onPod))
        {
            _unwritten.Remove(id);
        }
        else if (notice is not null && (_decides || _unwritten.Contains(id)))
        {
            _unwritten.Add(id);
        }
        else if (onPod is null)
        {
            _notices.Remove(id);
        }
        else
        {
            _notices[id] = onPod;
        }
    }

    private void DropNotice(PodId id)
    {
        _notices.Remove(id);
        _unwritten.Remove(id);
        _withdrawn.Remove(id);
    }
}
