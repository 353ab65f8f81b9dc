using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;

namespace Scheduler.Simulation.Engine;

/// <summary>
/// Is told what happens in a simulation, at the moment at which it happens: collects results, checks invariants, draws a
/// progress bar. Whoever wants to know little implements little.
/// </summary>
public interface ISimulationSink
{
    /// <summary>It begins.</summary>
    /// <param name="state">Of use until the end; it is always as the last event left it.</param>
    void Begin(SimulationState state)
    {
    }

    /// <summary>Time passes, in which nothing happens: all of it is as it was at <paramref name="from"/>.</summary>
    void Elapsed(TimeSpan from, TimeSpan to)
    {
    }

    /// <summary>A job was submitted.</summary>
    void Submitted(SimulatedJob job)
    {
    }

    /// <summary>A run of a job begins.</summary>
    void Started(SimulatedJob job)
    {
    }

    /// <summary>Pods joined a gang that runs already.</summary>
    void Grew(SimulatedJob job)
    {
    }

    /// <summary>Pods of a job were told to leave.</summary>
    void Noticed(SimulatedJob job, Evict decision)
    {
    }

    /// <summary>Pods of a job need not leave after all.</summary>
    void Withdrawn(SimulatedJob job, Withdraw decision)
    {
    }

    /// <summary>Pods of a job are gone.</summary>
    /// <param name="job">The job, as it is afterwards.</param>
    /// <param name="stop">What happened.</param>
    void Stopped(SimulatedJob job, in Stop stop)
    {
    }

    /// <summary>A node or a GPU failed, or was repaired.</summary>
    void NodeChanged(Node node)
    {
    }

    /// <summary>A plan was made; nothing of it has taken effect yet.</summary>
    void Planned(ClusterSnapshot snapshot, Plan plan)
    {
    }

    /// <summary>A decision could not take effect.</summary>
    void Refused(Decision decision, string why)
    {
    }

    /// <summary>A plan has taken effect.</summary>
    void Applied(ClusterSnapshot snapshot, Plan plan)
    {
    }

    /// <summary>An event, or a cycle, is over.</summary>
    /// <param name="what">What it was, in words.</param>
    void Happened(SimulationEventKind what)
    {
    }

    /// <summary>It is over.</summary>
    void End(SimulationEnd end)
    {
    }
}

/// <summary>Pods of a job are gone.</summary>
/// <param name="Cause">Why.</param>
/// <param name="IsWhole">Whether the job runs no longer.</param>
/// <param name="Pods">The pods, as they were.</param>
/// <param name="RanFrom">When the run began.</param>
/// <param name="LostMilliGpuMilliseconds">GPU time whose work was thrown away.</param>
public readonly record struct Stop(StopCause Cause, bool IsWhole, ImmutableArray<Pod> Pods, TimeSpan RanFrom, long LostMilliGpuMilliseconds);

/// <summary>What can happen.</summary>
public enum SimulationEventKind
{
    /// <summary>A job is submitted.</summary>
    Submission,

    /// <summary>A job is done.</summary>
    Completion,

    /// <summary>A job writes a checkpoint.</summary>
    Checkpoint,

    /// <summary>A job has written the checkpoint for which it was given notice.</summary>
    CheckpointOnNotice,

    /// <summary>A notice has run out.</summary>
    NoticeDeadline,

    /// <summary>A fault begins.</summary>
    Fault,

    /// <summary>A fault is repaired.</summary>
    Repair,

    /// <summary>A minimum runtime or an expected duration is over.</summary>
    Clock,

    /// <summary>The scheduler plans.</summary>
    Cycle,
}
