using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.Simulation.Jobs;

namespace Scheduler.Simulation.Engine;

/// <summary>Where a job is in its life.</summary>
/// <remarks>
/// <code>
/// Coming ──► Waiting ──► Running ──► Ended
///               ▲           │
///               └───────────┘  preempted, or hit by a fault
/// </code>
/// </remarks>
public enum JobPhase
{
    /// <summary>Not submitted yet.</summary>
    Coming,

    /// <summary>Waits for a start.</summary>
    Waiting,

    /// <summary>Has at least the pods without which it does not run.</summary>
    Running,

    /// <summary>Is done.</summary>
    Ended,
}

/// <summary>Why pods of a job are gone.</summary>
public enum StopCause
{
    /// <summary>The work is done.</summary>
    Done,

    /// <summary>Preempted, without a checkpoint on notice.</summary>
    Preempted,

    /// <summary>Preempted as soon as its checkpoint was written.</summary>
    PreemptedAfterCheckpoint,

    /// <summary>A node failed.</summary>
    NodeFailure,

    /// <summary>A GPU failed.</summary>
    DeviceFailure,
}

/// <summary>A job in a simulation.</summary>
public sealed class SimulatedJob
{
    internal SimulatedJob(int index, Job job, TenantNode? tenant)
    {
        (Index, Job, Tenant, Workload) = (index, job, tenant, job.Workload);
        Progress = new JobProgress(job);
        foreach (var pod in job.Workload.Pods)
        {
            MilliGpu += pod.Shape.Gpu.MilliGpu;
        }
    }

    /// <summary>Place in the order of submission, from 0.</summary>
    public int Index { get; }

    /// <summary>The job.</summary>
    public Job Job { get; }

    /// <summary>Who it belongs to, or null.</summary>
    public TenantNode? Tenant { get; }

    /// <summary>As the scheduler sees it now.</summary>
    public Workload Workload { get; internal set; }

    /// <summary>Where it is in its life.</summary>
    public JobPhase Phase { get; internal set; }

    /// <summary>Milli-GPU of all its pods.</summary>
    public long MilliGpu { get; }

    /// <summary>Since when it waits, or runs, without interruption; from the beginning of the simulation.</summary>
    public TimeSpan PhaseSince => TimeSpan.FromMilliseconds(PhaseSinceMilliseconds);

    /// <summary>When it first ran; null while it has not.</summary>
    public TimeSpan? FirstStart { get; internal set; }

    /// <summary>When it was done; null while it is not.</summary>
    public TimeSpan? EndedAt { get; internal set; }

    /// <summary>How often it was preempted as a whole.</summary>
    public int Preemptions { get; internal set; }

    /// <summary>How often a fault stopped it.</summary>
    public int Failures { get; internal set; }

    /// <summary>Whether its pods lie on the fewest nodes that can hold them.</summary>
    public bool IsPacked { get; internal set; } = true;

    /// <summary>GPU time held so far, in milli-GPU-milliseconds. Counted up to the last change of the job.</summary>
    public long HeldMilliGpuMilliseconds => Progress.HeldMilliGpuMilliseconds;

    /// <summary>GPU time whose work was thrown away so far.</summary>
    public long LostMilliGpuMilliseconds => Progress.LostMilliGpuMilliseconds;

    /// <summary>GPU time held without progress so far: starting again, writing checkpoints on notice.</summary>
    public long StalledMilliGpuMilliseconds => Progress.StalledMilliGpuMilliseconds;

    internal JobProgress Progress { get; }

    internal long PhaseSinceMilliseconds { get; set; }

    /// <summary>Number of the run; events of an earlier one mean nothing.</summary>
    internal int Run { get; set; }

    /// <summary>Number of the forecast of its end; there is a new one with each change of its pace.</summary>
    internal int Forecast { get; set; }

    /// <summary>Number of the notice on which it writes a checkpoint.</summary>
    internal int Writing { get; set; }

    /// <summary>How often pods were made anew.</summary>
    internal int Incarnation { get; set; }

    /// <summary>How long it ran, over all its runs.</summary>
    internal long RanMilliseconds { get; set; }

    internal int PlacedPods { get; set; }

    internal long PlacedMilliGpu { get; set; }

    internal bool HasNominations { get; set; }

    internal bool IsChanged { get; set; }

    internal JobKind Kind { get; set; }
}
