using Scheduler.Core.Model;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Loop;

namespace Scheduler.Daemon.Gpus;

/// <summary>
/// Moves work off quarantined devices: preemptible pods there get a notice with their grace and are evicted, by the same way as those
/// that are preempted; their controllers make new ones, which are placed elsewhere. A device that is usable again in the meantime
/// takes the notice back. Only while this replica leads.
/// </summary>
internal sealed class Evacuator(ClusterCache cache, ClusterHealth health, Evictor evictor, ILeadership leadership, TimeProvider time)
{
    // Pods come to a quarantined device without its health changing: those that were bound before, and are seen now.
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);

    private readonly WakeSignal _wake = new();

    public async Task RunAsync(CancellationToken stop)
    {
        health.Changed += _wake.Set;
        try
        {
            while (true)
            {
                if (leadership.Term is not null)
                    Move();
                await _wake.WaitAsync(LookEvery, time, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
        finally
        {
            health.Changed -= _wake.Set;
        }
    }

    private void Move()
    {
        var onSick = cache.PodsOnQuarantinedDevices();
        foreach (var pod in onSick)
        {
            if (pod.MayBeEvicted && !cache.IsUnderNotice(pod.Id))
                evictor.Evacuate(pod);
        }

        var stay = onSick.Select(pod => pod.Id).ToHashSet();
        foreach (var (pod, notice, _) in cache.Notices())
        {
            if (notice.Beneficiary == PreemptionNotice.GpuHealth.Value && !stay.Contains(pod.Id))
                evictor.TakeBack(pod.Id);
        }
    }
}
