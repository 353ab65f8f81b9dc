using System.Collections.Immutable;
using System.CommandLine;
using Scheduler.Cli.Simulate;
using Scheduler.Input;
using Scheduler.Simulation.CapacityPlanning;
using Scheduler.Simulation.Scenarios;

namespace Scheduler.Cli.Commands;

/// <summary><c>weir plan</c>: the smallest cluster, or change of a quota, that meets a goal.</summary>
internal static class PlanCommand
{
    private const int MostSeeds = 1000;
    private const int UsualSeeds = 10;

    public static Command Create(Terminal terminal)
    {
        var file = new Argument<string>("SCENARIO") { Description = "A Scenario document, with the Tenant and SchedulingPolicy documents that it needs (docs/simulation.md)" };
        var goals = Several("--goal", "What must hold: \"p95 wait of tenant search < 10m\", \"mean wait < 5m\", \"every guarantee within 5m\", \"utilisation > 70%\", \"lost GPU-hours < 100\"; once for each goal", "GOAL", GoalParser.Parse);
        var knobs = Several("--knob", "What may change: \"nodes.GROUP=40..80:4\", \"guaranteed.TENANT=8..32:8\", \"burst.TENANT=0..16:8\", \"burstFactor=0..2:0.5\"; several knobs form a grid", "KNOB", KnobParser.Parse);
        var seeds = CommonOptions.Integer("--seeds", $"With how many seeds each setting is run (default: {UsualSeeds})", 2, MostSeeds);
        var seed = CommonOptions.Seed("The first seed, which the others follow (default: the scenario's)");
        var grid = new Option<bool>("--grid") { Description = "Run every setting, even where bisection finds the answer with fewer runs" };
        var most = CommonOptions.Integer("--max-runs", $"The most runs (default: {CapacityPlan.UsualMostRuns}); a question that takes more is refused", 1, int.MaxValue);
        var plot = new Option<string?>("--plot") { Description = "Draw each goal's figure with its interval as SVG", HelpName = "FILE.svg" };
        var output = CommonOptions.Output();
        var command = new Command(
            "plan",
            "Find the smallest cluster, or the quota, that meets a goal: exit code 0 if a setting is enough, 3 if none is, 2 for bad input")
        {
            file, goals, knobs, seeds, seed, grid, most, plot, output,
        };
        command.SetAction((result, stop) => Task.Run(() => Run(
            terminal,
            result.GetRequiredValue(file),
            scenario => new CapacityPlan(scenario, [.. result.GetRequiredValue(goals)], [.. result.GetRequiredValue(knobs)])
            {
                Seed = result.GetValue(seed) ?? scenario.Seed,
                Seeds = result.GetValue(seeds) ?? UsualSeeds,
                MostRuns = result.GetValue(most) ?? CapacityPlan.UsualMostRuns,
                RunsAll = result.GetValue(grid),
            },
            result.GetValue(plot),
            result.GetValue(output),
            stop)));
        return command;
    }

    private delegate T? Parser<T>(string text, out GrammarError? error);

    private static Option<T[]> Several<T>(string name, string description, string helpName, Parser<T> parse)
        where T : class => new(name)
        {
            Description = description,
            HelpName = helpName,
            Required = true,
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
            CustomParser = result =>
            {
                var parsed = new List<T>();
                foreach (var token in result.Tokens)
                {
                    if (parse(token.Value, out var error) is { } value)
                    {
                        parsed.Add(value);
                    }
                    else
                    {
                        result.AddError($"{name} {error}");
                    }
                }

                return [.. parsed];
            },
        };

    private static int Run(Terminal terminal, string file, Func<Scenario, CapacityPlan> makePlan, string? plot, OutputFormat output, CancellationToken stop)
    {
        var errors = new FileErrors();
        var scenario = ScenarioReader.Read(file, errors);
        ThrowIfAny(errors.ToLines());
        var plan = makePlan(scenario!);
        ThrowIfAny([.. plan.Check(), .. PlotMistakes(plot)]);
        var setups = plan.MakeSetups(out var mistakes);
        ThrowIfAny(mistakes);

        var progress = new RunsProgress(terminal, (int)plan.Runs);
        PlanReport report;
        try
        {
            progress.Begin();
            report = plan.Run(setups, Environment.ProcessorCount, progress.Ended, stop);
        }
        finally
        {
            progress.End();
        }

        if (output == OutputFormat.Json)
        {
            terminal.Out.WriteLine(report.ToJson());
        }
        else
        {
            PlanTable.Write(terminal, plan, report);
        }

        if (plot is not null)
        {
            WritePlot(plot, FrontierPlot.Draw(plan, report.Frontier));
        }

        return report.IsEnough ? ExitCodes.Success : ExitCodes.NothingIsEnough;
    }

    private static void ThrowIfAny(ImmutableArray<string> lines)
    {
        if (!lines.IsEmpty)
        {
            throw new UserErrorException(lines) { ExitCode = ExitCodes.BadUsage };
        }
    }

    /// <summary>What would keep the plot from being written, found before hours of simulation rather than after.</summary>
    private static IEnumerable<string> PlotMistakes(string? plot)
    {
        if (plot is null)
        {
            yield break;
        }

        var folder = plot.Length == 0 ? null : Path.GetDirectoryName(Path.GetFullPath(plot));
        if (plot.Length == 0 || Directory.Exists(plot))
        {
            yield return $"--plot: '{plot}' is not a file; name one such as frontier.svg";
        }
        else if (folder is not null && !Directory.Exists(folder))
        {
            yield return $"--plot: there is no folder {folder}; make it first";
        }
    }

    private static void WritePlot(string path, string svg)
    {
        try
        {
            File.WriteAllText(path, svg);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"--plot: {path} cannot be written: {exception.Message}", exception);
        }
    }
}
