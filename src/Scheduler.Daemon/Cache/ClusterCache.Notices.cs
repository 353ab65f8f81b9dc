using Scheduler.Core.Model;
using Scheduler.Daemon.Kubernetes.Mapping;

namespace Scheduler.Daemon.Cache;

/// <summary>A pod has been chosen to go.</summary>
/// <param name="Deadline">When it goes at the latest.</param>
/// <param name="Beneficiary">For which workload.</param>
internal sealed record Notice(DateTimeOffset Deadline, string Beneficiary);

/// <content>
/// Pods that were told to go, or are about to be told. The planner sees them as leaving, so that it neither counts on them nor
/// chooses them twice.
/// </content>
internal sealed partial class ClusterCache
{
    private readonly Dictionary<PodId, Notice> _notices = [];

    /// <summary>Counts a decision to evict as made, before the pod carries it. A notice that is there already stands.</summary>
    public void PlaceUnderNotice(PodId pod, Notice notice)
    {
        lock (_gate)
        {
            if (_pods.Find(pod) is null || !_notices.TryAdd(pod, notice))
                return;
            Touch(pod);
        }
    }

    /// <summary>Takes a notice back that never reached its pod.</summary>
    public void WithdrawNotice(PodId pod)
    {
        lock (_gate)
        {
            if (!_notices.Remove(pod))
                return;
            Touch(pod);
        }

        Changed?.Invoke();
    }

    /// <summary>All notices, in no particular order.</summary>
    public List<(PodRecord Pod, Notice Notice)> Notices()
    {
        lock (_gate)
            return [.. _notices.Select(entry => (Pod: _pods.Find(entry.Key), entry.Value)).Where(entry => entry.Pod is not null).Select(entry => (entry.Pod!, entry.Value))];
    }
}
