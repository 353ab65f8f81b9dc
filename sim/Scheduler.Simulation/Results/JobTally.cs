using Scheduler.Simulation.Engine;

namespace Scheduler.Simulation.Results;

/// <summary>Adds up how the jobs of a tenant, or all jobs, fare.</summary>
internal sealed class JobTally
{
    private const long LeastMilliseconds = 10_000;

    private readonly SampleList _waits = new();
    private readonly SampleList _completions = new();
    private readonly SampleList _timesToGuarantee = new();
    private readonly SampleList _slowdowns = new();
    private readonly HashSet<int> _waiting = [];
    private readonly HashSet<int> _running = [];
    private int _submitted;
    private int _preemptions;
    private int _failures;
    private Int128 _lostToPreemption;
    private Int128 _lostToFailure;
    private Int128 _restarting;
    private long _firstSubmission = long.MaxValue;
    private long _lastEnd;

    public long GuaranteedMilliGpuMilliseconds { get; private set; }

    public long BurstMilliGpuMilliseconds { get; private set; }

    /// <summary>Jobs that wait now.</summary>
    public int WaitingJobs => _waiting.Count;

    public void Held(long usedMilliGpu, long guaranteedMilliGpu, long milliseconds)
    {
        GuaranteedMilliGpuMilliseconds += Math.Min(usedMilliGpu, guaranteedMilliGpu) * milliseconds;
        BurstMilliGpuMilliseconds += Math.Max(0, usedMilliGpu - guaranteedMilliGpu) * milliseconds;
    }

    public void Submitted(SimulatedJob job, long now)
    {
        _submitted++;
        _firstSubmission = Math.Min(_firstSubmission, now);
        _waiting.Add(job.Index);
    }

    public void Started(SimulatedJob job, long now, bool isFirst)
    {
        _waiting.Remove(job.Index);
        _running.Add(job.Index);
        if (isFirst)
        {
            _waits.Add(now - JobProgress.Milliseconds(job.Job.SubmitAt));
        }
    }

    public void StartedInsideGuarantee(long waitedMilliseconds) => _timesToGuarantee.Add(waitedMilliseconds);

    public void Stopped(SimulatedJob job, in Stop stop, long now)
    {
        if (!stop.IsWhole)
        {
            return;
        }

        _running.Remove(job.Index);
        switch (stop.Cause)
        {
            case StopCause.Done:
                End(job, now);
                return;
            case StopCause.Preempted or StopCause.PreemptedAfterCheckpoint:
                _preemptions++;
                _lostToPreemption += stop.LostMilliGpuMilliseconds;
                break;
            default:
                _failures++;
                _lostToFailure += stop.LostMilliGpuMilliseconds;
                break;
        }

        _waiting.Add(job.Index);
    }

    private void End(SimulatedJob job, long now)
    {
        var completion = now - JobProgress.Milliseconds(job.Job.SubmitAt);
        var work = Math.Max(LeastMilliseconds, JobProgress.Milliseconds(job.Job.Duration));
        _completions.Add(completion);
        _slowdowns.Add((long)((Int128)Math.Max(completion, work) * 1000 / work));
        _restarting += job.StalledMilliGpuMilliseconds;
        _lastEnd = now;
    }

    /// <summary>The figures, once all is over.</summary>
    public JobResult Result(SimulationState state)
    {
        var longest = TimeSpan.Zero;
        foreach (var index in _waiting)
        {
            var waited = state.Now - state.Jobs[index].PhaseSince;
            longest = waited > longest ? waited : longest;
            _restarting += state.Jobs[index].StalledMilliGpuMilliseconds;
        }

        foreach (var index in _running)
        {
            _restarting += state.Jobs[index].StalledMilliGpuMilliseconds;
        }

        return new JobResult
        {
            Submitted = _submitted,
            Done = _completions.Count,
            StillRunning = _running.Count,
            StillWaiting = _waiting.Count,
            LongestStillWaitingSeconds = Figures.Seconds(longest),
            Wait = _waits.ToDurations(),
            Completion = _completions.ToDurations(),
            TimeToGuarantee = _timesToGuarantee.ToDurations(),
            MeanSlowdown = _slowdowns.MeanThousandths(),
            SlowdownP95 = Figures.Round(_slowdowns.Quantile(95) / 1000m, 3),
            MakespanSeconds = _completions.Count == 0 ? 0 : Figures.Seconds(_lastEnd - _firstSubmission),
            Preemptions = _preemptions,
            Failures = _failures,
            LostToPreemptionGpuHours = Figures.GpuHours(_lostToPreemption),
            LostToFailureGpuHours = Figures.GpuHours(_lostToFailure),
            RestartGpuHours = Figures.GpuHours(_restarting),
        };
    }
}
