using System.Runtime.CompilerServices;

namespace Scheduler.FaultSimulation.Time;

/// <summary>
/// To be awaited: completes when every task of the process waits for virtual time or for the network.
/// </summary>
/// <remarks>
/// The project file limits the thread pool to one worker. All code of the daemon and of the cluster runs there, and so does the
/// simulation: what is queued runs in an order that depends on nothing else. An idle pool therefore means that nothing can happen
/// before the next event is taken from the queue of <see cref="VirtualTime"/>.
/// </remarks>
internal sealed class PoolIdle : INotifyCompletion, IThreadPoolWorkItem
{
    // Far more than any event of a run leads to.
    private const int MaxRounds = 10_000_000;

    private Action? _continuation;
    private int _rounds;

    /// <summary>Whether nothing is queued. Only the caller runs then, because there is no other worker.</summary>
    public bool IsCompleted => ThreadPool.PendingWorkItemCount == 0;

    /// <summary>Makes the object awaitable.</summary>
    public PoolIdle GetAwaiter() => this;

    /// <summary>Nothing: idle is all there is to say.</summary>
    /// <exception cref="InvalidOperationException">The tasks keep each other busy without any time going by.</exception>
    public void GetResult()
    {
        if (_rounds >= MaxRounds)
            throw new InvalidOperationException("the tasks never come to rest: one of them waits for a moment without waiting for time");
    }

    public void OnCompleted(Action continuation)
    {
        _continuation = continuation;
        Execute();
    }

    public void Execute()
    {
        if (IsCompleted || ++_rounds >= MaxRounds)
            _continuation!();
        else
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <exception cref="InvalidOperationException">The pool has more than one worker, so nothing would be the same twice.</exception>
    public static void CheckPool()
    {
        ThreadPool.GetMaxThreads(out var workers, out _);
        if (workers != 1)
            throw new InvalidOperationException($"the thread pool has {workers} workers and must have 1: start the program by its own runtimeconfig.json");
    }
}
