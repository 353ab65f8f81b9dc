using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Scheduler.Benchmarks.Forecasts;
using Scheduler.Benchmarks.Journal;
using Scheduler.Benchmarks.Live;
using Scheduler.Benchmarks.Openb;
using Scheduler.Benchmarks.Replays;
using Scheduler.Simulation.Traces;

namespace Scheduler.Benchmarks.Commands;

/// <summary>The program as a whole: one command for each thing that is measured.</summary>
internal static class BenchmarkCommand
{
    private const int Failed = 1;
    private const int BadUsage = 2;

    public static int Run(string[] args)
    {
        var root = new RootCommand(
            "Measures Weir. Times on a shared machine are not stable: compare ratios and medians of one run.")
        {
            PlanCommand.Create(),
            ReclaimCommand.Create(),
            OptimalityCommand.Create(),
            MicroCommand.Create(),
            OpenbCommand.Create(),
            PolluxCommand.Create(),
            PhillyCommand.Create(),
            ForecastCommand.Create(),
            ForecastRefreshCommand.Create(),
            KueueCommand.Create(),
            SimulateScaleCommand.Create(),
            BindCommand.Create(),
            ScaleCommand.Create(),
            TelemetryCommand.Create(),
            JournalCommand.Create(),
        };
        var help = root.Options.OfType<HelpOption>().First();
        help.Action = new HelpWithExamples((HelpAction)help.Action!);
        var result = root.Parse(args);
        if (result.Action is ParseErrorAction)
        {
            var named = string.Join(", ", root.Subcommands.Select(command => command.Name));
            return Fail(BadUsage, args.Length == 0 ? $"name a command: {named}; see --help" : $"{FirstError(result)}; see --help");
        }

        try
        {
            return result.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (MeasurementException exception)
        {
            return Fail(Failed, exception.Message);
        }
        catch (TraceException exception)
        {
            return Fail(Failed, exception.Message);
        }
        catch (InvalidOperationException exception)
        {
            // The planner's own word for a bug in it. The trace is for whoever mends it.
            Console.Error.WriteLine(exception.StackTrace);
            return Fail(Failed, $"the planner fails: {exception.Message}");
        }
    }

    /// <summary>That a command is missing follows from one that is not recognized.</summary>
    private static string FirstError(ParseResult result) => result.Errors
        .Select(error => error.Message.ReplaceLineEndings(" ").Replace("\t", " ", StringComparison.Ordinal).TrimEnd('.'))
        .OrderBy(error => error.StartsWith("Required", StringComparison.Ordinal)).First();

    private static int Fail(int code, string message)
    {
        Console.Error.WriteLine($"benchmarks: {message.ReplaceLineEndings(" ")}");
        return code;
    }

    /// <summary>The usual help, and examples of the command.</summary>
    private sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
    {
        private static readonly Dictionary<string, string[]> Examples = new(StringComparer.Ordinal)
        {
            ["plan"] =
            [
                "plan --nodes 5000 --pending 10000 --tenants 50",
                "plan --contended --changes 100",
                "plan --sizes 500,1000,2000,5000,20000 --output json",
            ],
            ["reclaim"] = ["reclaim --nodes 500", "reclaim --sizes 500,1000,2000,5000 --output json"],
            ["optimality"] = ["optimality --instances 500 --seed 1", "optimality --replay worst.json"],
            ["micro"] = ["micro", "micro --filter '*Entitlement*'"],
            ["openb"] =
            [
                "openb --nodes nodes.csv --pods pods/default.csv.gz --arrivals arrivals/default --policy all --output json",
                "openb --traces ../shared/traces/openb --policy FGD,weir --list default",
            ],
            ["philly"] = ["philly --jobs ../shared/traces/philly/jobs-2017-09-10.csv.gz --nodes 48", "philly --jobs jobs.csv --nodes 60 --policy weir --output json"],
            ["forecast"] =
            [
                "forecast --jobs ../shared/traces/philly/jobs-2017-09-10.csv.gz --learn 2017-09-01..2017-10-01 --score 2017-10-01..2017-11-01 --nodes 60",
            ],
            ["forecast-refresh"] = ["forecast-refresh", "forecast-refresh --nodes 5000 --waiting 10000 --output json"],
            ["simulate-scale"] = ["simulate-scale --jobs 1000,10000,100000,1000000 --plot scale.svg"],
            ["bind"] = ["bind --nodes 200 --pods 1000", "bind --nodes 1000 --pods 5000 --rounds 3 --output json"],
            ["scale"] = ["scale --nodes 5000 --pods 50000", "scale --nodes 1000 --pods 10000 --output json"],
            ["journal"] = ["journal", "journal --nodes 1000 --pending 2000 --cycles 200 --output json"],
            ["telemetry"] = ["telemetry", "telemetry --nodes 5000 --interval 30 --output json"],
            ["kueue"] = ["kueue --shape baseline", "kueue --shape large-scale --output json"],
            ["pollux"] = ["pollux --workload ../shared/traces/pollux64/tuned-workload-6.csv --policy all --output json"],
        };

        public override int Invoke(ParseResult parseResult)
        {
            var code = help.Invoke(parseResult);
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            var command = parseResult.CommandResult.Command.Name;
            var shown = Examples.TryGetValue(command, out var own) ? own : Examples.Values.SelectMany(examples => examples);
            foreach (var example in shown)
            {
                output.WriteLine($"  dotnet run -c Release --project benchmarks/Scheduler.Benchmarks -- {example}");
            }

            return code;
        }
    }
}

/// <summary>A measurement that cannot be made, or a result that must not be: told in one line.</summary>
internal sealed class MeasurementException(string message) : Exception(message);
