using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using Scheduler.Cli.Hosting;
using Scheduler.Cli.Input;
using Scheduler.Cli.Simulate;
using Scheduler.Input;
using Scheduler.Simulation.Reports;
using Scheduler.Simulation.Results;
using Scheduler.Simulation.Scenarios;
using Scheduler.Simulation.Schedulers;

namespace Scheduler.Cli.Commands;

/// <summary><c>weir simulate</c>: what would happen to these jobs on this cluster, in minutes instead of months.</summary>
internal static class SimulateCommand
{
    private const int MostLines = 20;

    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var file = new Argument<string?>("SCENARIO")
        {
            Description = "A Scenario document, with the Tenant and SchedulingPolicy documents that it needs (docs/simulation.md); with --from-cluster, what comes to the cluster",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var cluster = new ClusterOptions(terminal);
        var seed = CommonOptions.Seed("Another seed than the scenario's: other jobs and other faults of the same kind");
        var policies = Policies();
        var interval = CommonOptions.Duration(
            "--cycle-interval", "Least simulated time between two cycles (default: the scenario's, else 1s); 30s makes a cluster of thousands of nodes many times quicker, and waits as much coarser");
        var check = new Option<bool>("--check") { Description = "Check every invariant after every event; slow" };
        var runs = new Option<bool>("--runs") { Description = "Put each run of each job into the JSON" };
        var page = new Option<string?>("--report") { Description = "Write a report with plots to this file: one HTML page that needs nothing else", HelpName = "FILE.html" };
        var output = CommonOptions.Output();
        var command = new Command("simulate", "Run a scenario, or what comes after a live cluster's present, in simulated time, under one policy or several, and tell how each tenant fares")
        {
            file, cluster.FromCluster, cluster.Arrivals, cluster.For, cluster.AssumeDuration, cluster.Address, seed, policies, interval, check, runs, page, output,
        };
        cluster.Check(command, file);
        command.SetAction(async (result, stop) =>
        {
            var options = new SimulateOptions(result.GetValue(check), result.GetValue(runs), result.GetValue(page), result.GetValue(output));
            if (options.ReportFile is not null)
            {
                ReportFile.Try("--report", options.ReportFile);
            }

            SimulationReport report;
            using (var progress = new ProgressLine(terminal, time))
            {
                // Whoever stops it does not wait until a large file is read or a large cycle planned: the end of the process ends those.
                report = await Task.Run(() => SimulateAsync(progress), stop).WaitAsync(stop);
            }

            return Write(terminal, report, options);

            async Task<SimulationReport> SimulateAsync(ProgressLine progress)
            {
                var (scenario, notes) = cluster.IsGiven(result)
                    ? await cluster.ReadAsync(result, result.GetValue(file), progress, time, stop)
                    : (ReadScenario(result.GetValue(file)!, progress), []);
                progress.Note(notes);
                scenario = result.GetValue(interval) is { } least ? scenario with { CycleInterval = least } : scenario;
                ImmutableArray<string> names = result.GetValue(policies) is { Length: > 0 } given ? [.. given] : scenario.Schedulers;
                return new ScenarioRun(scenario, result.GetValue(seed) ?? scenario.Seed, names, options).Run(progress, stop);
            }
        });
        return DaemonCredentials.AddTo(command);
    }

    private static Scenario ReadScenario(string file, ProgressLine progress)
    {
        progress.Begin($"reading {file}");
        var errors = new FileErrors();
        var scenario = ScenarioReader.Read(file, errors);
        errors.ThrowIfAny();
        return scenario!;
    }

    private static Option<string[]?> Policies() => new("--policy")
    {
        Description = $"Who decides, one or several, separated by commas: {string.Join(", ", SchedulerCatalogue.Names)} (default: as the scenario says, else weir)",
        HelpName = "NAMES",
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = result =>
        {
            var names = result.Tokens[0].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            foreach (var unknown in names.Where(name => !SchedulerCatalogue.Names.Contains(name)))
            {
                var nearest = Suggestion.Nearest(unknown, SchedulerCatalogue.Names);
                result.AddError($"--policy: there is no '{unknown}'; "
                    + (nearest is not null ? $"did you mean '{nearest}'?" : $"the policies are {string.Join(", ", SchedulerCatalogue.Names)}"));
            }

            if (names.Length == 0 || names.Distinct(StringComparer.Ordinal).Count() < names.Length)
            {
                result.AddError($"--policy: '{result.Tokens[0].Value}' must name one or several, each once");
            }

            return names;
        },
    };

    private static int Write(Terminal terminal, SimulationReport report, SimulateOptions options)
    {
        if (options.Output == OutputFormat.Json)
        {
            terminal.Out.WriteLine(SimulationJson.Write(
                options.KeepsRuns ? report : report with { Results = [.. report.Results.Select(result => result with { Runs = null })] }));
        }
        else
        {
            SimulationTables.Write(terminal, report);
        }

        if (options.ReportFile is not null)
        {
            ReportFile.Write("--report", options.ReportFile, HtmlReport.Write(report));
            if (options.Output != OutputFormat.Json)
            {
                terminal.Out.WriteLine();
                terminal.Out.WriteLine($"Report: {options.ReportFile}");
            }
        }

        return report.Violations is { IsEmpty: false } violations ? throw new UserErrorException(Lines(violations, report.Seed)) : ExitCodes.Success;
    }

    /// <summary>The first ones; all of them are in the JSON.</summary>
    private static IEnumerable<string> Lines(ImmutableArray<ViolationReport> violations, ulong seed)
    {
        foreach (var violation in violations.Take(MostLines))
        {
            yield return string.Create(
                NumberFormatInfo.InvariantInfo,
                $"{violation.Scheduler} breaks {violation.Invariant} at {violation.AtSeconds} s (event {violation.Event}, seed {seed}): {violation.Message}");
        }

        if (violations.Length > MostLines)
        {
            yield return string.Create(NumberFormatInfo.InvariantInfo, $"{violations.Length - MostLines} more are not listed; --output json has them");
        }
    }
}

/// <summary>What is to be found out besides the usual figures, and how it is written.</summary>
internal sealed record SimulateOptions(bool ChecksInvariants, bool KeepsRuns, string? ReportFile, OutputFormat Output);
