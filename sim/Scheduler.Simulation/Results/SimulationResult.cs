using System.Collections.Immutable;
using Scheduler.Simulation.Engine;

namespace Scheduler.Simulation.Results;

/// <summary>What came of a simulation. Times are seconds from its beginning, GPU-hours have three digits.</summary>
public sealed record SimulationResult
{
    /// <summary>Name of the scheduler.</summary>
    public required string Scheduler { get; init; }

    /// <summary>Seed of the faults, and of the jobs where they were generated.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Why it ended.</summary>
    public required SimulationOutcome Outcome { get; init; }

    /// <summary>When it ended.</summary>
    public required decimal EndSeconds { get; init; }

    /// <summary>Events that took place.</summary>
    public required long Events { get; init; }

    /// <summary>Plans that were made.</summary>
    public required long Cycles { get; init; }

    /// <summary>Decisions that could not take effect.</summary>
    public required long RefusedDecisions { get; init; }

    /// <summary>The cluster.</summary>
    public required ClusterResult Cluster { get; init; }

    /// <summary>All jobs together.</summary>
    public required JobResult Jobs { get; init; }

    /// <summary>By tenant, in the order of the tenant tree; an inner one with all below it.</summary>
    public required ImmutableArray<TenantResult> Tenants { get; init; }

    /// <summary>How it went over time; null if that was not asked for.</summary>
    public SeriesResult? Series { get; init; }

    /// <summary>Every run of every job, by its beginning; null if that was not asked for.</summary>
    public ImmutableArray<RunSpan>? Runs { get; init; }
}

/// <summary>What the cluster was used for, in GPU-hours: used + idle + unhealthy = installed.</summary>
public sealed record ClusterResult
{
    /// <summary>Nodes.</summary>
    public required int Nodes { get; init; }

    /// <summary>Installed GPUs.</summary>
    public required decimal Gpus { get; init; }

    /// <summary>All there was.</summary>
    public required decimal InstalledGpuHours { get; init; }

    /// <summary>On devices that had failed, or on nodes that had.</summary>
    public required decimal UnhealthyGpuHours { get; init; }

    /// <summary>Held by jobs.</summary>
    public required decimal UsedGpuHours { get; init; }

    /// <summary>Healthy and held by nobody.</summary>
    public required decimal IdleGpuHours { get; init; }

    /// <summary>Idle while a job waited for its start.</summary>
    public required decimal IdleWhileWaitingGpuHours { get; init; }

    /// <summary>Idle in pieces, or beside too little CPU or memory, that pods such as came cannot be expected to use.</summary>
    public required decimal FragmentedGpuHours { get; init; }

    /// <summary>Used, in per cent of what was healthy.</summary>
    public required decimal UtilisationPercent { get; init; }
}

/// <summary>How jobs fared.</summary>
public sealed record JobResult
{
    /// <summary>Jobs that were submitted.</summary>
    public required int Submitted { get; init; }

    /// <summary>Jobs that are done.</summary>
    public required int Done { get; init; }

    /// <summary>Jobs that were running at the end.</summary>
    public required int StillRunning { get; init; }

    /// <summary>Jobs that were waiting at the end; their waits are in no other figure.</summary>
    public required int StillWaiting { get; init; }

    /// <summary>The longest that one of those has been waiting.</summary>
    public required decimal LongestStillWaitingSeconds { get; init; }

    /// <summary>From submission to the first start.</summary>
    public required DurationResult Wait { get; init; }

    /// <summary>From submission to the end of the work, of jobs that are done.</summary>
    public required DurationResult Completion { get; init; }

    /// <summary>
    /// How long a job waited that its tenant's guarantee had room for: from the moment from which on use and job together were
    /// within the guarantee, to its start.
    /// </summary>
    public required DurationResult TimeToGuarantee { get; init; }

    /// <summary>Completion time over the time that the work takes undisturbed, of at least 10 s (Feitelson: bounded slowdown).</summary>
    public required decimal MeanSlowdown { get; init; }

    /// <summary>The slowdown that 95 % stay below.</summary>
    public required decimal SlowdownP95 { get; init; }

    /// <summary>From the first submission to the last end.</summary>
    public required decimal MakespanSeconds { get; init; }

    /// <summary>Runs that ended because of a preemption.</summary>
    public required int Preemptions { get; init; }

    /// <summary>Runs that ended because something broke.</summary>
    public required int Failures { get; init; }

    /// <summary>GPU time whose work was thrown away by preemptions.</summary>
    public required decimal LostToPreemptionGpuHours { get; init; }

    /// <summary>GPU time whose work was thrown away by failures.</summary>
    public required decimal LostToFailureGpuHours { get; init; }

    /// <summary>GPU time that was held without progress: starting again, writing checkpoints on notice.</summary>
    public required decimal RestartGpuHours { get; init; }
}

/// <summary>Durations, in seconds.</summary>
/// <param name="Count">How many there are; without any, all figures are 0.</param>
/// <param name="Mean">The mean.</param>
/// <param name="P50">Half are not longer.</param>
/// <param name="P95">95 % are not longer.</param>
/// <param name="P99">99 % are not longer.</param>
/// <param name="Longest">The longest.</param>
public sealed record DurationResult(int Count, decimal Mean, decimal P50, decimal P95, decimal P99, decimal Longest);

/// <summary>How a tenant fared.</summary>
public sealed record TenantResult
{
    /// <summary>The tenant.</summary>
    public required string Name { get; init; }

    /// <summary>The tenant above, or null.</summary>
    public required string? Parent { get; init; }

    /// <summary>GPUs that it is guaranteed.</summary>
    public required decimal GuaranteedGpus { get; init; }

    /// <summary>GPUs that it may use at most: guarantee and burst. Null if it has no quota of its own.</summary>
    public required decimal? LimitGpus { get; init; }

    /// <summary>Held up to the guarantee.</summary>
    public required decimal GuaranteedGpuHours { get; init; }

    /// <summary>Held beyond it.</summary>
    public required decimal BurstGpuHours { get; init; }

    /// <summary>Its jobs.</summary>
    public required JobResult Jobs { get; init; }
}

/// <summary>
/// How it went over time: means over stretches of equal length. There are at most as many as was asked for; their length grows
/// with the simulation.
/// </summary>
public sealed record SeriesResult
{
    /// <summary>Length of a stretch; the first begins at 0.</summary>
    public required decimal StepSeconds { get; init; }

    /// <summary>GPUs that worked.</summary>
    public required ImmutableArray<decimal> HealthyGpus { get; init; }

    /// <summary>GPUs in use.</summary>
    public required ImmutableArray<decimal> UsedGpus { get; init; }

    /// <summary>Jobs that waited.</summary>
    public required ImmutableArray<decimal> WaitingJobs { get; init; }

    /// <summary>Jobs that ran.</summary>
    public required ImmutableArray<decimal> RunningJobs { get; init; }

    /// <summary>By tenant, in the order of the tenant tree.</summary>
    public required ImmutableArray<TenantSeries> Tenants { get; init; }
}

/// <summary>A tenant's use over time.</summary>
/// <param name="Name">The tenant.</param>
/// <param name="GuaranteedGpus">Its guarantee, the same all the time.</param>
/// <param name="UsedGpus">GPUs in use.</param>
/// <param name="WaitingJobs">Jobs that waited.</param>
public sealed record TenantSeries(string Name, decimal GuaranteedGpus, ImmutableArray<decimal> UsedGpus, ImmutableArray<decimal> WaitingJobs);

/// <summary>A run of a job, from its start until it was done or stopped.</summary>
/// <param name="Job">The job.</param>
/// <param name="Tenant">Its tenant, or null.</param>
/// <param name="Gpus">GPUs at its end.</param>
/// <param name="FromSeconds">When it began.</param>
/// <param name="ToSeconds">When it ended, or the simulation did.</param>
/// <param name="EndedBy">Why it ended; null if it went on.</param>
/// <param name="Nodes">Where it ran at its end, by name.</param>
/// <param name="Parts">What each of its pods held, by its beginning: pods can join later, and leave earlier.</param>
public sealed record RunSpan(
    string Job, string? Tenant, decimal Gpus, decimal FromSeconds, decimal ToSeconds, StopCause? EndedBy, ImmutableArray<string> Nodes, ImmutableArray<RunPart> Parts);

/// <summary>What a pod of a run held.</summary>
/// <param name="Node">Where.</param>
/// <param name="Devices">The devices, from 0.</param>
/// <param name="Gpus">How much of them, in GPUs.</param>
/// <param name="FromSeconds">When it began.</param>
/// <param name="ToSeconds">When it ended, or the simulation did.</param>
public sealed record RunPart(string Node, ImmutableArray<int> Devices, decimal Gpus, decimal FromSeconds, decimal ToSeconds);
