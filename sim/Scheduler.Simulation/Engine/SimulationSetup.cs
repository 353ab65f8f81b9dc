using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Quota;
using Scheduler.Simulation.Jobs;

namespace Scheduler.Simulation.Engine;

/// <summary>What the scheduler is told of how long jobs run.</summary>
public enum DurationKnowledge
{
    /// <summary>What their owners declared; nothing where they declared nothing.</summary>
    Declared,

    /// <summary>What was declared, else the mean of the jobs like it that have ended.</summary>
    DeclaredOrLearned,

    /// <summary>The mean of the jobs like it that have ended, whatever was declared.</summary>
    Learned,

    /// <summary>Nothing.</summary>
    Unknown,
}

/// <summary>All that a simulation begins with. The same setup and the same scheduler give the same run, byte for byte.</summary>
public sealed record SimulationSetup
{
    /// <summary>The cluster. What is broken or cordoned at the beginning stays so.</summary>
    public required ImmutableArray<Node> Nodes { get; init; }

    /// <summary>The quota tree.</summary>
    public required TenantTree Tenants { get; init; }

    /// <summary>What is submitted, in any order; of equal times what stands first is submitted first.</summary>
    public required ImmutableArray<Job> Jobs { get; init; }

    /// <summary>What breaks.</summary>
    public FaultModel Faults { get; init; } = FaultModel.None;

    /// <summary>Seed of the faults. Jobs are made before, from the same seed or from another.</summary>
    public ulong Seed { get; init; }

    /// <summary>The moment at which it begins; unless set, a Monday, at midnight.</summary>
    public DateTimeOffset Start { get; init; } = new(2026, 1, 5, 0, 0, 0, TimeSpan.Zero);

    /// <summary>
    /// When it ends at the latest. Null: when all is done or nothing more can happen, but at most
    /// <see cref="LongestAfterLastJob"/> after the last job was submitted.
    /// </summary>
    public TimeSpan? Horizon { get; init; }

    /// <summary>How long a simulation without a horizon goes on after the last job was submitted.</summary>
    public static readonly TimeSpan LongestAfterLastJob = TimeSpan.FromDays(366);

    /// <summary>The least time between two cycles: what happens in between is planned together. At least 1 ms.</summary>
    public TimeSpan CycleInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>What the scheduler is told of how long jobs run.</summary>
    public DurationKnowledge Durations { get; init; } = DurationKnowledge.Declared;

    /// <summary>Whether the snapshots tell what the pods that came so far were like, as the daemon's do.</summary>
    public bool LearnsShapes { get; init; } = true;
}

/// <summary>Why a simulation ended.</summary>
public enum SimulationOutcome
{
    /// <summary>All jobs have ended.</summary>
    AllDone,

    /// <summary>The horizon was reached.</summary>
    HorizonReached,

    /// <summary>Jobs wait, nothing runs, and nothing more will happen.</summary>
    NothingCanStart,

    /// <summary>It was told to stop.</summary>
    Cancelled,
}

/// <summary>How a simulation ended.</summary>
/// <param name="Outcome">Why.</param>
/// <param name="At">When, from its beginning.</param>
/// <param name="Events">Events that took place.</param>
/// <param name="Cycles">Plans that were made.</param>
/// <param name="RefusedDecisions">Decisions that could not take effect, because they would have given something out twice.</param>
public sealed record SimulationEnd(SimulationOutcome Outcome, TimeSpan At, long Events, long Cycles, long RefusedDecisions);
