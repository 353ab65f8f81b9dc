using System.Collections.Immutable;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.Core.Quota;
using Scheduler.Simulation.Clusters;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Jobs;

namespace Scheduler.Simulation.Scenarios;

/// <summary>What somebody wants to know: a cluster, its tenants, what is submitted, what breaks. Read from a file.</summary>
public sealed record Scenario
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The cluster.</summary>
    public required ImmutableArray<Node> Nodes { get; init; }

    /// <summary>The quota tree.</summary>
    public required TenantTree Tenants { get; init; }

    /// <summary>The policy of Weir's planner.</summary>
    public required SchedulingPolicy Policy { get; init; }

    /// <summary>What is submitted.</summary>
    public required ImmutableArray<JobGenerator> Generators { get; init; }

    /// <summary>What is there at the beginning.</summary>
    public ImmutableArray<Job> Found { get; init; } = [];

    /// <summary>What comes besides, as it came to an exported cluster; null if nothing does.</summary>
    internal HistoryArrivals? History { get; init; }

    /// <summary>The moment at which it begins; null if it does not matter.</summary>
    public DateTimeOffset? Start { get; init; }

    /// <summary>What breaks.</summary>
    public required FaultModel Faults { get; init; }

    /// <summary>When it ends; null: when all is done.</summary>
    public TimeSpan? Horizon { get; init; }

    /// <summary>The least time between two cycles.</summary>
    public TimeSpan CycleInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>What the scheduler is told of how long jobs run.</summary>
    public DurationKnowledge Durations { get; init; }

    /// <summary>The seed, unless another is given.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Names of the schedulers, unless others are given.</summary>
    public ImmutableArray<string> Schedulers { get; init; } = ["weir"];

    /// <summary>Makes all that a simulation needs. The same seed gives the same jobs and faults to every scheduler.</summary>
    public SimulationSetup Make(ulong seed)
    {
        var streams = new Randomness.RandomStreams(seed);
        var setup = new SimulationSetup
        {
            Nodes = Nodes,
            Tenants = Tenants,
            Jobs = [.. Found
                .Concat(Generators.SelectMany(generator => generator.Generate(streams, Horizon)))
                .Concat(History?.Generate(streams, Horizon) ?? [])
                .OrderBy(job => job.SubmitAt)],
            Faults = Faults,
            Seed = seed,
            Horizon = Horizon,
            CycleInterval = CycleInterval,
            Durations = Durations,
        };
        return Start is { } start ? setup with { Start = start } : setup;
    }
}
