using Scheduler.Core.Model;

namespace Scheduler.Core.Actions.Victims;

/// <summary>What preempting running work throws away.</summary>
internal static class LostWork
{
    /// <summary>
    /// GPU time since the start or the last checkpoint, plus the time to start again, in milli-GPU-seconds. A pod whose
    /// GPUs are seen idle loses nothing but the restart.
    /// </summary>
    public static long MilliGpuSeconds(Workload workload, Pod pod, DateTimeOffset now, TimeSpan restartCost)
    {
        var since = workload.StartedAt ?? now;
        if (workload.CheckpointedAt is { } checkpoint && checkpoint > since)
        {
            since = checkpoint;
        }

        var lost = pod.IsIdle || since > now ? 0 : (long)(now - since).TotalSeconds;
        return pod.Shape.Gpu.MilliGpu * (lost + (long)restartCost.TotalSeconds);
    }
}
