using System.Collections.Immutable;
using System.CommandLine;
using Scheduler.Cli.Commands;
using Scheduler.Cli.Hosting;
using Scheduler.Cli.Input;
using Scheduler.Input;
using Scheduler.Simulation.Clusters;
using Scheduler.Simulation.Scenarios;

namespace Scheduler.Cli.Simulate;

/// <summary>Options of <c>weir simulate</c> that let it go on from a cluster, a live one or an exported one.</summary>
internal sealed class ClusterOptions(Terminal terminal)
{
    public Option<string?> FromCluster { get; } = new("--from-cluster")
    {
        Description = "Go on from a cluster: from a file that weir export wrote, or without FILE from the live one at --address",
        HelpName = "FILE",
        Arity = ArgumentArity.ZeroOrOne,
    };

    public Option<ArrivalSource> Arrivals { get; } = CommonOptions.Choice(
        "--arrivals", "With --from-cluster, what comes besides: none (the default), or as in the history", ArrivalSource.None, ArrivalSource.History);

    public Option<TimeSpan?> For { get; } = CommonOptions.Duration("--for", "With --from-cluster, how long it is simulated (default: the scenario's horizon, else 1d)");

    public Option<TimeSpan?> AssumeDuration { get; } = CommonOptions.Duration(
        "--assume-duration", "With --from-cluster, how long workloads run of which neither they nor the history say it (default: for ever)");

    public Option<string?> Address { get; } = CommonOptions.Address(terminal);

    /// <summary>Whether a cluster is asked for.</summary>
    public bool IsGiven(ParseResult result) => result.GetResult(FromCluster) is not null;

    /// <summary>Refuses what does not go together.</summary>
    public void Check(Command command, Argument<string?> scenario) => command.Validators.Add(result =>
    {
        var hasCluster = result.GetResult(FromCluster) is not null;
        if (!hasCluster && result.GetResult(scenario) is not { Tokens.Count: > 0 })
        {
            result.AddError("name a SCENARIO, or go on from a cluster with --from-cluster");
        }

        foreach (var option in new Option[] { Arrivals, For, AssumeDuration, Address }.Where(option => !hasCluster && result.GetResult(option) is { Implicit: false }))
        {
            result.AddError($"{option.Name} goes with --from-cluster only");
        }

        if (result.GetResult(Address) is { Implicit: false } && result.GetResult(FromCluster) is { Tokens.Count: > 0 })
        {
            result.AddError("--address names a live cluster, and --from-cluster a file; keep one of them");
        }
    });

    /// <summary>The cluster as a scenario, and what has to be known about it.</summary>
    /// <exception cref="UserErrorException">No daemon answers, or a file has mistakes.</exception>
    public async Task<(Scenario Scenario, ImmutableArray<string> Notes)> ReadAsync(
        ParseResult result, string? scenario, ProgressLine progress, TimeProvider time, CancellationToken stop)
    {
        var errors = new FileErrors();
        ClusterState? state;
        if (result.GetValue(FromCluster) is { } file)
        {
            progress.Begin($"reading {file}");
            state = ClusterStateReader.Read(file, errors);
            errors.ThrowIfAny();
        }
        else
        {
            progress.Begin("asking the daemon for the cluster");
            await using var client = DaemonClient.Open(result.GetValue(Address)!, time, DaemonCredentials.Of(result));
            state = await client.ExportAsync(stop);
        }

        var coming = scenario is null ? null : ScenarioReader.ReadForCluster(scenario, state!, result.GetValue(For), errors);
        errors.ThrowIfAny();
        var future = new ClusterFuture(
            result.GetValue(For) ?? coming?.Horizon ?? ClusterScenario.UsualTime, result.GetValue(AssumeDuration), result.GetValue(Arrivals) == ArrivalSource.History);
        var made = ClusterScenario.Make(state!, future, out var notes);
        return (coming is null ? made : made with
        {
            Name = coming.Name,
            Generators = coming.Generators,
            Faults = coming.Faults,
            CycleInterval = coming.CycleInterval,
            Durations = coming.Durations,
            Seed = coming.Seed,
            Schedulers = coming.Schedulers,
        }, notes);
    }
}

/// <summary>Where jobs come from that are not there yet.</summary>
internal enum ArrivalSource
{
    /// <summary>None come.</summary>
    None,

    /// <summary>They are like those that came before.</summary>
    History,
}
