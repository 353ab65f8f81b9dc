using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Simulation.Jobs;

namespace Scheduler.Simulation.Engine;

/// <summary>Runs of jobs: how they begin, are saved, shrink, are interrupted and end.</summary>
public sealed partial class Simulator
{
    /// <summary>Pods of a job were put on nodes: a run begins, or goes on with more pods.</summary>
    private void Grow(SimulatedJob job)
    {
        job.IsPacked = IsPacked(job);
        if (job.Phase == JobPhase.Running)
        {
            job.Progress.Resize(_state.NowMilliseconds, job.PlacedPods, job.PlacedMilliGpu, job.IsPacked);
            ForecastEnd(job);
            foreach (var sink in _sinks)
            {
                sink.Grew(job);
            }

            return;
        }

        if (job.PlacedPods < job.Workload.MinMember)
        {
            return;
        }

        BeginRun(job, _state.NowMilliseconds, saved: null);
    }

    /// <summary>A run that began before the simulation goes on, on the nodes where it is.</summary>
    private void Resume(SimulatedJob job, EarlierRun earlier)
    {
        var pods = job.Workload.Pods.ToBuilder();
        for (var index = 0; index < pods.Count; index++)
        {
            if (earlier.Places.TryGetValue(pods[index].Id, out var place))
            {
                pods[index] = pods[index] with { State = PodState.Placed, Placement = place };
                _state.Take(job, pods[index], place);
                job.PlacedPods++;
                job.PlacedMilliGpu += pods[index].Shape.Gpu.MilliGpu;
            }
        }

        _state.JobsWithPendingPods -= job.PlacedPods == pods.Count ? 1 : 0;
        _state.Set(job, job.Workload with
        {
            Pods = pods.MoveToImmutable(),
            StartedAt = _setup.Start + earlier.Since,
            CheckpointedAt = earlier.Saved is { } saved ? _setup.Start + saved : null,
        });
        job.IsPacked = IsPacked(job);
        BeginRun(job, JobProgress.Milliseconds(earlier.Since), earlier.Saved is { } at ? JobProgress.Milliseconds(at) : null);
    }

    /// <summary>A run begins, now or before the beginning of the simulation.</summary>
    private void BeginRun(SimulatedJob job, long since, long? saved)
    {
        LeaveWaiting(job);
        job.Phase = JobPhase.Running;
        job.PhaseSinceMilliseconds = since;
        job.FirstStart ??= TimeSpan.FromMilliseconds(since);
        job.Run++;
        _state.RunningJobs++;
        var restart = job.Preemptions + job.Failures > 0 ? job.Job.RestartTime : TimeSpan.Zero;
        job.Progress.Start(since, restart, job.PlacedPods, job.PlacedMilliGpu, job.IsPacked);
        if (saved is { } at)
        {
            job.Progress.Save(at);
        }

        ForecastEnd(job);
        if (job.Job.CheckpointEvery is { } every)
        {
            var (from, step) = (job.Progress.ProgressFrom, JobProgress.Milliseconds(every));
            EnqueueFor(job, SimulationEventKind.Checkpoint, from + (step * (1 + (Math.Max(0, _state.NowMilliseconds - from) / step))), job.Run);
        }

        EnqueueClocks(job);
        foreach (var sink in _sinks)
        {
            sink.Started(job);
        }
    }

    /// <summary>Moments at which somebody who waits may do what could not be done before, although nothing happens.</summary>
    private void EnqueueClocks(SimulatedJob job)
    {
        if (job.Workload.MinRuntime > TimeSpan.Zero
            && job.PhaseSinceMilliseconds + JobProgress.Milliseconds(job.Workload.MinRuntime) is var unprotected && unprotected > _state.NowMilliseconds)
        {
            EnqueueFor(job, SimulationEventKind.Clock, unprotected, job.Run);
        }

        // What is expected to have ended, and has not, counts as endless from then on: reservations move.
        if (job.Workload.ExpectedDuration is { } expected
            && job.PhaseSinceMilliseconds + JobProgress.Milliseconds(expected) is var end && end > _state.NowMilliseconds && !(end >= job.Progress.FinishAt))
        {
            EnqueueFor(job, SimulationEventKind.Clock, end, job.Run);
        }
    }

    private void EnqueueFor(SimulatedJob job, SimulationEventKind kind, long at, int version) =>
        _queue.Enqueue(at, new SimulationEvent(kind, job.Index, Version: version));

    private void ForecastEnd(SimulatedJob job)
    {
        job.Forecast++;
        if (job.Progress.FinishAt is { } at)
        {
            EnqueueFor(job, SimulationEventKind.Completion, at, job.Forecast);
        }
    }

    private bool IsPacked(SimulatedJob job)
    {
        if (job.Job.SpreadDuration is null)
        {
            return true;
        }

        var nodes = new HashSet<NodeName>();
        var shapes = new List<PodShape>(job.PlacedPods);
        foreach (var pod in job.Workload.Pods)
        {
            if (pod.Placement is { } placement)
            {
                nodes.Add(placement.Node);
                shapes.Add(pod.Shape);
            }
        }

        return shapes.Count == 0 || nodes.Count <= _fewestNodes.For(shapes);
    }

    private void WriteCheckpoint(SimulatedJob job)
    {
        EnqueueFor(job, SimulationEventKind.Checkpoint, _state.NowMilliseconds + JobProgress.Milliseconds(job.Job.CheckpointEvery!.Value), job.Run);
        if (job.Progress.IsWriting)
        {
            return;
        }

        job.Progress.Save(_state.NowMilliseconds);
        _state.Set(job, job.Workload with { CheckpointedAt = _state.NowMoment });

        // A pod that was told to leave goes as soon as it has saved since.
        if (_noticedPods > 0)
        {
            var (now, grace) = (_state.NowMoment, job.Workload.PreemptionGrace);
            StopPods(job, pod => pod.Notice is { } notice && now > notice.Deadline - grace, StopCause.PreemptedAfterCheckpoint);
        }
    }

    private void LeaveAfterCheckpoint(SimulatedJob job)
    {
        job.Progress.Save(_state.NowMilliseconds);
        _state.Set(job, job.Workload with { CheckpointedAt = _state.NowMoment });
        StopPods(job, pod => pod.Notice is not null, StopCause.PreemptedAfterCheckpoint);
    }

    private bool EvictDue(SimulatedJob job)
    {
        var now = _state.NowMoment;
        return StopPods(job, pod => pod.Notice is { } notice && notice.Deadline <= now, StopCause.Preempted);
    }

    /// <summary>Begins to write a checkpoint if the job is to stop and can save in time; goes on if it need not.</summary>
    private void ReactToNotices(SimulatedJob job)
    {
        var staying = 0;
        foreach (var pod in job.Workload.Pods)
        {
            staying += pod is { State: PodState.Placed, Notice: null } ? 1 : 0;
        }

        var mustStop = staying < job.Workload.MinMember && staying < job.PlacedPods;
        if (mustStop && !job.Progress.IsWriting && job.Job.CheckpointOnNotice is { } time && time <= job.Workload.PreemptionGrace)
        {
            job.Progress.BeginWriting(_state.NowMilliseconds);
            job.Writing++;
            job.Forecast++;
            EnqueueFor(job, SimulationEventKind.CheckpointOnNotice, _state.NowMilliseconds + JobProgress.Milliseconds(time), job.Writing);
        }
        else if (!mustStop && job.Progress.IsWriting)
        {
            job.Progress.EndWriting(_state.NowMilliseconds);
            job.Writing++;
            ForecastEnd(job);
        }
    }

    /// <summary>
    /// Takes pods off their nodes; they wait again, as new ones. Where too few are left for the job to run, all of it stops, and
    /// its work since the last checkpoint is lost. A gang that goes on with fewer loses nothing.
    /// </summary>
    private bool StopPods(SimulatedJob job, Func<Pod, bool> isChosen, StopCause cause)
    {
        var chosen = 0;
        foreach (var pod in job.Workload.Pods)
        {
            chosen += pod.Placement is not null && isChosen(pod) ? 1 : 0;
        }

        if (chosen == 0)
        {
            return false;
        }

        var isWhole = job.PlacedPods - chosen < job.Workload.MinMember;
        var now = _state.NowMilliseconds;
        var ranFrom = job.PhaseSince;
        var lost = isWhole ? job.Progress.Interrupt(now) : 0;
        job.Incarnation++;
        var gone = Remake(job, isWhole ? static _ => true : isChosen);
        if (isWhole)
        {
            job.RanMilliseconds += now - job.PhaseSinceMilliseconds;
            job.Preemptions += cause is StopCause.Preempted or StopCause.PreemptedAfterCheckpoint ? 1 : 0;
            job.Failures += cause is StopCause.NodeFailure or StopCause.DeviceFailure ? 1 : 0;
            (job.Run, job.Forecast, job.Writing) = (job.Run + 1, job.Forecast + 1, job.Writing + 1);
            _state.RunningJobs--;
            _state.Set(job, job.Workload with
            {
                StartedAt = null,
                AttainedMilliGpuSeconds = job.HeldMilliGpuMilliseconds / 1000,
                ExpectedDuration = Expect(job),
            });
            EnterWaiting(job, _state.Now);
        }
        else
        {
            job.IsPacked = IsPacked(job);
            job.Progress.Resize(now, job.PlacedPods, job.PlacedMilliGpu, job.IsPacked);
            ForecastEnd(job);
            ReactToNotices(job);
        }

        Tell(job, new Stop(cause, isWhole, gone, ranFrom, lost));
        Wake();
        return true;
    }

    /// <summary>Frees the room of pods and puts new ones, that wait, in their places.</summary>
    private ImmutableArray<Pod> Remake(SimulatedJob job, Func<Pod, bool> isChosen)
    {
        var gone = ImmutableArray.CreateBuilder<Pod>();
        var pods = job.Workload.Pods.ToArray();
        var couldGrow = job.PlacedPods < pods.Length;
        for (var index = 0; index < pods.Length; index++)
        {
            var pod = pods[index];
            if (pod.Placement is not null && isChosen(pod))
            {
                gone.Add(pod);
                TakeOff(job, pod);
                var mark = pod.Id.Value.LastIndexOf('#');
                var name = job.Incarnation > 1 && mark >= 0 ? pod.Id.Value[..mark] : pod.Id.Value;
                pods[index] = new Pod { Id = new PodId($"{name}#{job.Incarnation}"), Name = pod.Name, Shape = pod.Shape };
            }
        }

        Array.Sort(pods, static (a, b) => a.Id.CompareTo(b.Id));
        _state.Set(job, job.Workload with { Pods = ImmutableArray.Create(pods) });
        _state.JobsWithPendingPods += couldGrow ? 0 : 1;
        return gone.DrainToImmutable();
    }

    private void TakeOff(SimulatedJob job, Pod pod)
    {
        _state.Give(job, pod);
        _noticedPods -= pod.Notice is null ? 0 : 1;
        job.PlacedPods--;
        job.PlacedMilliGpu -= pod.Shape.Gpu.MilliGpu;
    }

    private void Finish(SimulatedJob job)
    {
        job.Progress.Finish(_state.NowMilliseconds);
        if (!job.Progress.IsDone)
        {
            throw new InvalidOperationException($"job {job.Workload.Id} ends at {_state.Now} before its work is done");
        }

        var ranFrom = job.PhaseSince;
        var gone = ImmutableArray.CreateBuilder<Pod>(job.PlacedPods);
        _state.JobsWithPendingPods -= job.PlacedPods < job.Workload.Pods.Length ? 1 : 0;
        foreach (var pod in job.Workload.Pods)
        {
            if (pod.Placement is not null)
            {
                gone.Add(pod);
                TakeOff(job, pod);
            }
        }

        job.RanMilliseconds += _state.NowMilliseconds - job.PhaseSinceMilliseconds;
        job.Phase = JobPhase.Ended;
        job.EndedAt = _state.Now;
        _nominated.Remove(job.Index);
        _state.RunningJobs--;
        _state.EndedJobs++;
        _state.Remove(job);
        Learn(job);
        Tell(job, new Stop(StopCause.Done, IsWhole: true, gone.DrainToImmutable(), ranFrom, LostMilliGpuMilliseconds: 0));
        Wake();
    }

    private void Tell(SimulatedJob job, in Stop stop)
    {
        foreach (var sink in _sinks)
        {
            sink.Stopped(job, stop);
        }
    }
}
