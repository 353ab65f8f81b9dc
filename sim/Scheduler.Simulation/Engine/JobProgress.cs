using Scheduler.Simulation.Jobs;

namespace Scheduler.Simulation.Engine;

/// <summary>
/// How far the work of a job is. In whole units: a job of <c>d</c> ms packed and <c>s</c> ms spread on <c>p</c> pods is
/// <c>d·s·p</c> units of work, of which each pod does <c>s</c> in a millisecond where they lie packed and <c>d</c> where they lie
/// spread. So nothing is ever rounded, however often a job is stopped, moved or shrunk.
/// </summary>
/// <remarks>
/// An elastic gang does its work with the pods that it has: with half of them it takes twice as long. GPU time is counted in
/// milli-GPU-milliseconds.
/// </remarks>
internal sealed class JobProgress
{
    private readonly long _unitsPacked;
    private readonly long _unitsSpread;
    private readonly Int128 _work;

    private Int128 _done;
    private Int128 _saved;
    private long _updatedAt;
    private long _progressFrom;
    private long _unitsPerMillisecond;
    private long _milliGpu;
    private long _unsavedMilliGpuMilliseconds;

    public JobProgress(Job job)
    {
        var packed = Milliseconds(job.Duration);
        (_unitsPacked, _unitsSpread) = job.SpreadDuration is { } spread ? (Milliseconds(spread), packed) : (1, 1);
        _work = (Int128)packed * _unitsPacked * job.Workload.Pods.Length;
    }

    /// <summary>Whether it writes a checkpoint because it was told to leave, and so makes no progress.</summary>
    public bool IsWriting { get; private set; }

    /// <summary>GPU time that was held.</summary>
    public long HeldMilliGpuMilliseconds { get; private set; }

    /// <summary>GPU time whose work was thrown away.</summary>
    public long LostMilliGpuMilliseconds { get; private set; }

    /// <summary>GPU time that was held without progress: starting again, writing checkpoints on notice.</summary>
    public long StalledMilliGpuMilliseconds { get; private set; }

    /// <summary>Whether all is done.</summary>
    public bool IsDone => _done >= _work;

    /// <summary>From when on it makes progress in this run.</summary>
    public long ProgressFrom => _progressFrom;

    /// <summary>When it will be done if nothing changes; null if it makes no progress.</summary>
    public long? FinishAt
    {
        get
        {
            if (_unitsPerMillisecond == 0 || IsWriting)
            {
                return null;
            }

            var left = Int128.Max(0, _work - _done);
            return Math.Max(_updatedAt, _progressFrom) + (long)((left + _unitsPerMillisecond - 1) / _unitsPerMillisecond);
        }
    }

    /// <summary>Whole milliseconds, rounded up.</summary>
    public static long Milliseconds(TimeSpan duration) =>
        (duration.Ticks + (duration.Ticks > 0 ? TimeSpan.TicksPerMillisecond - 1 : 0)) / TimeSpan.TicksPerMillisecond;

    /// <summary>A run begins, from what is saved.</summary>
    public void Start(long now, TimeSpan restartTime, int pods, long milliGpu, bool isPacked)
    {
        (_updatedAt, _progressFrom) = (now, now + Milliseconds(restartTime));
        (_done, _unsavedMilliGpuMilliseconds, IsWriting) = (_saved, 0, false);
        Set(pods, milliGpu, isPacked);
    }

    /// <summary>Pods came or went, or lie elsewhere.</summary>
    public void Resize(long now, int pods, long milliGpu, bool isPacked)
    {
        Advance(now);
        Set(pods, milliGpu, isPacked);
    }

    /// <summary>A checkpoint was written: what is done stays done.</summary>
    public void Save(long now)
    {
        Advance(now);
        (_saved, _unsavedMilliGpuMilliseconds) = (_done, 0);
    }

    /// <summary>It begins to write a checkpoint.</summary>
    public void BeginWriting(long now)
    {
        Advance(now);
        IsWriting = true;
    }

    /// <summary>It need not leave, and goes on.</summary>
    public void EndWriting(long now)
    {
        Advance(now);
        IsWriting = false;
    }

    /// <summary>The run ends before the work is done.</summary>
    /// <returns>GPU time whose work is thrown away.</returns>
    public long Interrupt(long now)
    {
        Advance(now);
        var lost = _unsavedMilliGpuMilliseconds;
        LostMilliGpuMilliseconds += lost;
        (_done, _unsavedMilliGpuMilliseconds, _unitsPerMillisecond, _milliGpu, IsWriting) = (_saved, 0, 0, 0, false);
        return lost;
    }

    /// <summary>The run ends with the work.</summary>
    public void Finish(long now)
    {
        Advance(now);
        (_unitsPerMillisecond, _milliGpu) = (0, 0);
    }

    /// <summary>Counts up to now.</summary>
    public void Advance(long now)
    {
        var progressing = IsWriting ? 0 : Math.Max(0, now - Math.Max(_updatedAt, _progressFrom));
        var held = now - _updatedAt;
        _done = Int128.Min(_work, _done + ((Int128)_unitsPerMillisecond * progressing));
        _unsavedMilliGpuMilliseconds += _milliGpu * progressing;
        HeldMilliGpuMilliseconds += _milliGpu * held;
        StalledMilliGpuMilliseconds += _milliGpu * (held - progressing);
        _updatedAt = now;
    }

    private void Set(int pods, long milliGpu, bool isPacked)
    {
        _unitsPerMillisecond = checked((isPacked ? _unitsPacked : _unitsSpread) * pods);
        _milliGpu = milliGpu;
    }
}
