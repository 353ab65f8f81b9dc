namespace Scheduler.SimulatedCluster.Kubelet;

/// <summary>What the kubelets have done since the start.</summary>
internal sealed class KubeletCounters
{
    private long _refused;
    private long _started;
    private long _ended;
    private long _removed;

    public long RefusedTotal => Interlocked.Read(ref _refused);

    public long StartedTotal => Interlocked.Read(ref _started);

    public long EndedTotal => Interlocked.Read(ref _ended);

    public long RemovedTotal => Interlocked.Read(ref _removed);

    public void Refused() => Interlocked.Increment(ref _refused);

    public void Started() => Interlocked.Increment(ref _started);

    public void Ended() => Interlocked.Increment(ref _ended);

    public void Removed() => Interlocked.Increment(ref _removed);

    public void NotRemoved() => Interlocked.Decrement(ref _removed);
}
