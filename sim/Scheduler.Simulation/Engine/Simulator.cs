using System.Collections.Immutable;
using System.Diagnostics;
using Scheduler.Core.Model;
using Scheduler.Simulation.Jobs;
using Scheduler.Simulation.Schedulers;

namespace Scheduler.Simulation.Engine;

/// <summary>
/// Lets a scheduler run a simulated cluster: jobs are submitted, plans take effect as in the daemon, parts break and are
/// repaired. Jumps from one event to the next; of the clock of the machine it knows nothing.
/// </summary>
/// <remarks>
/// All events of one instant take place before the scheduler plans. A cycle follows whatever the scheduler could make use of, but
/// not sooner than <see cref="SimulationSetup.CycleInterval"/> after the one before.
/// </remarks>
public sealed partial class Simulator
{
    private readonly SimulationSetup _setup;
    private readonly IScheduler _scheduler;
    private readonly ImmutableArray<ISimulationSink> _sinks;
    private readonly SimulationState _state;
    private readonly EventQueue<SimulationEvent> _queue = new();
    private readonly FaultInjector _faults;
    private readonly FewestNodes _fewestNodes;
    private readonly DurationLearner _learner = new();
    private readonly Dictionary<JobKind, SortedSet<int>> _waitingByKind = [];
    private readonly SortedSet<int> _nominated = [];
    private readonly long _cycleInterval;
    private readonly long _horizon;

    private long? _cycleDue;
    private long? _roundDue;
    private long _earliestCycle;
    private int _nextSubmission;
    private int _noticedPods;
    private int _waitingUnpreemptible;
    private long _events;
    private long _cycles;
    private long _refused;

    private Simulator(SimulationSetup setup, IScheduler scheduler, ImmutableArray<ISimulationSink> sinks)
    {
        (_setup, _scheduler, _sinks) = (setup, scheduler, sinks);
        _state = new SimulationState(setup)
        {
            Jobs = [.. setup.Jobs.OrderBy(job => job.SubmitAt).ThenBy(job => job.Earlier is null).Select((job, index) => new SimulatedJob(index, job, TenantOf(job.Workload)))],
        };
        _fewestNodes = new FewestNodes(setup.Nodes);
        _cycleInterval = Math.Max(1, JobProgress.Milliseconds(setup.CycleInterval));
        var last = _state.Jobs.IsEmpty ? TimeSpan.Zero : _state.Jobs[^1].Job.SubmitAt;
        _horizon = JobProgress.Milliseconds(setup.Horizon ?? last + SimulationSetup.LongestAfterLastJob);
        _faults = new FaultInjector(_state, _queue);
    }

    /// <summary>Runs a simulation from its beginning to its end.</summary>
    /// <param name="setup">The cluster and what comes.</param>
    /// <param name="scheduler">Who decides; a new one, that has seen nothing yet.</param>
    /// <param name="sinks">Who is told what happens, in this order.</param>
    /// <param name="stop">Ends it before its time.</param>
    /// <exception cref="ArgumentException">The setup contradicts itself: two jobs have the same id, or a planned fault hits no node.</exception>
    public static SimulationEnd Run(
        SimulationSetup setup, IScheduler scheduler, IEnumerable<ISimulationSink>? sinks = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(setup);
        ArgumentNullException.ThrowIfNull(scheduler);
        Check(setup);
        return new Simulator(setup, scheduler, [.. sinks ?? []]).RunToEnd(stop);
    }

    private static void Check(SimulationSetup setup)
    {
        var ids = new HashSet<WorkloadId>();
        foreach (var job in setup.Jobs)
        {
            Require(ids.Add(job.Workload.Id), job, "is there twice");
            Require(job.Duration > TimeSpan.Zero && job.SpreadDuration is null or { Ticks: > 0 }, job, "has no duration");
            Require(job.CheckpointEvery is null or { Ticks: >= TimeSpan.TicksPerSecond }, job, "writes a checkpoint more often than each second");
            Require(job.Workload.Pods.All(pod => pod.State == PodState.Pending), job, "has pods that do not wait");
            Require(job.Earlier is null || IsWhole(job, job.Earlier), job, "runs at the beginning with too few pods, since a time to come, or has nothing left to do");
        }

        static void Require(bool condition, Job job, string what)
        {
            if (!condition)
            {
                throw new ArgumentException($"job {job.Workload.Id} {what}");
            }
        }
    }

    private static bool IsWhole(Job job, EarlierRun earlier) =>
        job.SubmitAt <= earlier.Since && earlier.Since <= TimeSpan.Zero && !(earlier.Saved < earlier.Since) && !(earlier.Saved > TimeSpan.Zero)
        && job.Duration > -earlier.Since && job.Workload.Pods.Count(pod => earlier.Places.ContainsKey(pod.Id)) >= job.Workload.MinMember;

    private Core.Quota.TenantNode? TenantOf(Workload workload) =>
        workload.Tenant is { } id && _setup.Tenants.TryGet(id, out var tenant) ? tenant : null;

    private SimulationEnd RunToEnd(CancellationToken stop)
    {
        foreach (var sink in _sinks)
        {
            sink.Begin(_state);
        }

        FindWhatIsThere();
        EnqueueNextSubmission();
        var outcome = default(SimulationOutcome?);
        while (outcome is null)
        {
            outcome = stop.IsCancellationRequested ? SimulationOutcome.Cancelled
                : _state.EndedJobs == _state.Jobs.Length ? SimulationOutcome.AllDone
                : Step();
        }

        foreach (var job in _state.Jobs)
        {
            if (job.Phase == JobPhase.Running)
            {
                job.Progress.Advance(_state.NowMilliseconds);
            }
        }

        var end = new SimulationEnd(outcome.Value, _state.Now, _events, _cycles, _refused);
        foreach (var sink in _sinks)
        {
            sink.End(end);
        }

        return end;
    }

    /// <summary>The next instant at which something happens; says why it ends, if it does.</summary>
    private SimulationOutcome? Step()
    {
        var next = _queue.TryPeek(out var at) ? at : long.MaxValue;
        next = Math.Min(next, Math.Min(_cycleDue ?? long.MaxValue, _roundDue ?? long.MaxValue));
        if (next == long.MaxValue)
        {
            return SimulationOutcome.NothingCanStart;
        }

        if (next > _horizon)
        {
            Pass(_horizon);
            return SimulationOutcome.HorizonReached;
        }

        Pass(next);
        while (_queue.TryPeek(out var due) && due <= next && _queue.TryDequeue(out _, out var happening))
        {
            if (Happen(happening))
            {
                Tell(happening.Kind);
            }
        }

        if (_roundDue <= next)
        {
            _roundDue = null;
            Wake();
        }

        if (_cycleDue <= next)
        {
            _cycleDue = null;
            Cycle();
        }

        return null;
    }

    private void Pass(long to)
    {
        if (to <= _state.NowMilliseconds)
        {
            return;
        }

        var from = _state.Now;
        foreach (var sink in _sinks)
        {
            sink.Elapsed(from, TimeSpan.FromMilliseconds(to));
        }

        _state.NowMilliseconds = to;
    }

    private void Tell(SimulationEventKind what)
    {
        _events += what == SimulationEventKind.Cycle ? 0 : 1;
        foreach (var sink in _sinks)
        {
            sink.Happened(what);
        }
    }

    /// <summary>The scheduler is to plan, as soon as it may.</summary>
    private void Wake() => _cycleDue ??= Math.Max(_state.NowMilliseconds, _earliestCycle);

    /// <summary>Lets an event take place; false if it has no meaning any more.</summary>
    private bool Happen(in SimulationEvent happening)
    {
        if (happening.Kind is SimulationEventKind.Fault or SimulationEventKind.Repair)
        {
            Break(happening);
            return true;
        }

        var job = _state.Jobs[happening.Subject];
        switch (happening.Kind)
        {
            case SimulationEventKind.Submission:
                Submit(job);
                return true;
            case SimulationEventKind.Completion when happening.Version == job.Forecast && job.Phase == JobPhase.Running:
                Finish(job);
                return true;
            case SimulationEventKind.Checkpoint when happening.Version == job.Run && job.Phase == JobPhase.Running:
                WriteCheckpoint(job);
                return true;
            case SimulationEventKind.CheckpointOnNotice when happening.Version == job.Writing && job.Progress.IsWriting:
                LeaveAfterCheckpoint(job);
                return true;
            case SimulationEventKind.NoticeDeadline when job.Phase == JobPhase.Running:
                return EvictDue(job);
            case SimulationEventKind.Clock when happening.Version == job.Run && _state.JobsWithPendingPods > 0:
                Wake();
                return true;
            default:
                return false;
        }
    }

    private void EnqueueNextSubmission()
    {
        if (_nextSubmission < _state.Jobs.Length)
        {
            var job = _state.Jobs[_nextSubmission++];
            _queue.Enqueue(JobProgress.Milliseconds(job.Job.SubmitAt), new SimulationEvent(SimulationEventKind.Submission, job.Index));
        }
    }

    /// <summary>What was there before the beginning waits, or runs, as it did.</summary>
    private void FindWhatIsThere()
    {
        var first = _nextSubmission;
        while (_nextSubmission < _state.Jobs.Length && _state.Jobs[_nextSubmission].Job is { SubmitAt.Ticks: < 0 } or { Earlier: not null })
        {
            var job = _state.Jobs[_nextSubmission++];
            Enter(job, TimeSpan.FromMilliseconds(JobProgress.Milliseconds(job.Job.SubmitAt)));
        }

        for (var index = first; index < _nextSubmission; index++)
        {
            if (_state.Jobs[index] is { Job.Earlier: { } earlier } job)
            {
                Resume(job, earlier);
            }
        }

        if (_nextSubmission > first)
        {
            Tell(SimulationEventKind.Submission);
        }
    }

    private void Submit(SimulatedJob job)
    {
        Enter(job, _state.Now);
        EnqueueNextSubmission();
    }

    private void Enter(SimulatedJob job, TimeSpan since)
    {
        var workload = job.Job.Workload with { SubmittedAt = _setup.Start + since };
        if (_setup.Durations is not DurationKnowledge.Declared)
        {
            job.Kind = DurationLearner.KindOf(job.Job);
            workload = workload with { ExpectedDuration = Expect(job) };
        }

        job.Workload = workload;
        _state.Add(job);
        _state.Set(job, workload);
        _state.JobsWithPendingPods++;
        EnterWaiting(job, since);
        foreach (var sink in _sinks)
        {
            sink.Submitted(job);
        }

        Wake();
    }

    private void EnterWaiting(SimulatedJob job, TimeSpan since)
    {
        job.Phase = JobPhase.Waiting;
        job.PhaseSinceMilliseconds = JobProgress.Milliseconds(since);
        _state.WaitingJobs++;
        _waitingUnpreemptible += job.Workload.IsPreemptible ? 0 : 1;
        if (_setup.Durations is DurationKnowledge.DeclaredOrLearned or DurationKnowledge.Learned)
        {
            if (!_waitingByKind.TryGetValue(job.Kind, out var waiting))
            {
                _waitingByKind.Add(job.Kind, waiting = []);
            }

            waiting.Add(job.Index);
        }
    }

    private void LeaveWaiting(SimulatedJob job)
    {
        _state.WaitingJobs--;
        _waitingUnpreemptible -= job.Workload.IsPreemptible ? 0 : 1;
        if (_waitingByKind.TryGetValue(job.Kind, out var waiting))
        {
            waiting.Remove(job.Index);
        }
    }

    private TimeSpan? Expect(SimulatedJob job) => _setup.Durations switch
    {
        DurationKnowledge.Declared => job.Job.Workload.ExpectedDuration,
        DurationKnowledge.DeclaredOrLearned => job.Job.Workload.ExpectedDuration ?? _learner.Expect(job.Kind),
        DurationKnowledge.Learned => _learner.Expect(job.Kind),
        DurationKnowledge.Unknown => null,
        _ => throw new UnreachableException(_setup.Durations.ToString()),
    };

    /// <summary>Those that wait and are like a job that has ended are expected to run as long as has been learned.</summary>
    private void Learn(SimulatedJob ended)
    {
        if (_setup.Durations is not (DurationKnowledge.DeclaredOrLearned or DurationKnowledge.Learned))
        {
            return;
        }

        _learner.Ended(ended.Kind, ended.RanMilliseconds);
        if (!_waitingByKind.TryGetValue(ended.Kind, out var waiting))
        {
            return;
        }

        foreach (var index in waiting)
        {
            var job = _state.Jobs[index];
            if (Expect(job) is var expected && expected != job.Workload.ExpectedDuration)
            {
                _state.Set(job, job.Workload with { ExpectedDuration = expected });
            }
        }
    }

    private void Break(in SimulationEvent happening)
    {
        var node = _state.Nodes[happening.Subject];
        var isFault = happening.Kind == SimulationEventKind.Fault;
        int? device = happening.Detail == SimulationEvent.WholeNode ? null : happening.Detail;
        if (_state.CountFault(node, device, isFault ? 1 : -1))
        {
            if (isFault)
            {
                StopOn(node, device);
            }

            foreach (var sink in _sinks)
            {
                sink.NodeChanged(node.Node);
            }

            Wake();
        }

        _faults.Follow(happening, _state.NowMilliseconds);
    }

    /// <summary>Pods on what has failed are lost.</summary>
    private void StopOn(NodeBooks node, int? device)
    {
        var hit = node.Pods.Where(lying => device is null || IsOn(lying.Job, lying.Pod, device.Value)).ToLookup(lying => lying.Job, lying => lying.Pod);
        foreach (var job in hit.Select(group => group.Key).OrderBy(job => job.Index))
        {
            var lost = hit[job].ToHashSet();
            StopPods(job, pod => lost.Contains(pod.Id), device is null ? StopCause.NodeFailure : StopCause.DeviceFailure);
        }

        static bool IsOn(SimulatedJob job, PodId id, int device)
        {
            foreach (var pod in job.Workload.Pods)
            {
                if (pod.Id == id)
                {
                    return pod.Placement!.Devices.Contains(device);
                }
            }

            throw new InvalidOperationException($"pod {id} is on a node, but not of job {job.Workload.Id}");
        }
    }

    private void Cycle()
    {
        // Nobody to start, and nobody who might be spared: a plan would say nothing.
        if (_state.JobsWithPendingPods == 0 && _noticedPods == 0)
        {
            return;
        }

        _earliestCycle = _state.NowMilliseconds + _cycleInterval;
        _cycles++;
        var snapshot = _state.TakeSnapshot();
        var plan = _scheduler.Decide(snapshot);
        foreach (var sink in _sinks)
        {
            sink.Planned(snapshot, plan);
        }

        Apply(plan);
        foreach (var sink in _sinks)
        {
            sink.Applied(snapshot, plan);
        }

        if (_scheduler.NextRound(_setup.Start.AddMilliseconds(_state.NowMilliseconds)) is { } round)
        {
            _roundDue = Math.Max(_state.NowMilliseconds + 1, JobProgress.Milliseconds(round - _setup.Start));
        }

        Tell(SimulationEventKind.Cycle);
    }
}
