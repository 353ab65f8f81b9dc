using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Scheduler.Daemon.Hosting;

namespace Scheduler.Cli.Commands;

/// <summary>The command line as a whole: parses, runs, and turns what goes wrong into lines on stderr and an exit code.</summary>
internal static class WeirCommand
{
    /// <summary>Runs the command.</summary>
    /// <param name="args">As the shell gave them.</param>
    /// <param name="terminal">Where it writes.</param>
    /// <param name="time">The clock.</param>
    /// <param name="stop">Ends it as Ctrl-C does.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] args, Terminal terminal, TimeProvider? time = null, CancellationToken stop = default)
    {
        terminal = terminal with { Out = new OutputWriter(terminal.Out) };
        var root = Create(terminal, time ?? TimeProvider.System);
        var result = root.Parse(args);
        if (result.Action is ParseErrorAction)
        {
            return RefuseUsage(terminal, result);
        }

        var invocation = new InvocationConfiguration
        {
            Output = terminal.Out,
            Error = terminal.Error,
            EnableDefaultExceptionHandler = false,
            // Signals are the program's; here they arrive as the token, as those of a test do.
            ProcessTerminationTimeout = null,
        };
        try
        {
            return await result.InvokeAsync(invocation, stop);
        }
        catch (UserErrorException exception)
        {
            return Fail(terminal, exception.Lines, exception.ExitCode);
        }
        catch (StartupException exception)
        {
            return Fail(terminal, exception.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Ended before it could do what it was asked for; whoever ended it knows.
            return ExitCodes.Failed;
        }
    }

    private static RootCommand Create(Terminal terminal, TimeProvider time)
    {
        var root = new RootCommand("Weir shares the GPUs of a Kubernetes cluster between tenants: each always gets its guaranteed GPUs, and what nobody is using flows to whoever can use it.")
        {
            UpCommand.Create(terminal, time),
            RunCommand.Create(time),
            QueueCommand.Create(terminal, time),
            TenantsCommand.Create(terminal, time),
            GpusCommand.Create(terminal, time),
            ValidateCommand.Create(terminal),
            ExportCommand.Create(terminal, time),
            SimulateCommand.Create(terminal, time),
            PlanCommand.Create(terminal),
            ReplayCommand.Create(terminal),
            ExplainCommand.Create(terminal),
        };
        var help = root.Options.OfType<HelpOption>().First();
        help.Action = new HelpWithExamples((HelpAction)help.Action!);
        return root;
    }

    private static int RefuseUsage(Terminal terminal, ParseResult result)
    {
        var command = result.CommandResult.Command;
        var name = string.Join(' ', PathOf(result.CommandResult).Prepend("weir"));
        if (command is RootCommand && result.Tokens.Count == 0)
        {
            terminal.Error.WriteLine("weir: name a command, such as weir up; weir --help lists them");
            return ExitCodes.BadUsage;
        }

        // That a command is missing follows from one that is not recognized.
        var errors = result.Errors.Select(error => error.Message.ReplaceLineEndings(" ").TrimEnd('.')).Distinct().ToList();
        foreach (var error in errors.Where(error => errors.Count == 1 || !error.StartsWith("Required command", StringComparison.Ordinal)))
        {
            terminal.Error.WriteLine($"weir: {error}; see {name} --help");
        }

        return ExitCodes.BadUsage;
    }

    /// <summary>The names of a command and of those that it is below, from the top.</summary>
    private static IEnumerable<string> PathOf(SymbolResult? result) => result is not CommandResult { Command: not RootCommand } command
        ? []
        : PathOf(command.Parent).Append(command.Command.Name);

    private static int Fail(Terminal terminal, IEnumerable<string> lines, int code = ExitCodes.Failed)
    {
        foreach (var line in lines)
        {
            terminal.Error.WriteLine($"weir: {line.ReplaceLineEndings(" ")}");
        }

        return code;
    }

    /// <summary>The usual help, and an example of each command.</summary>
    private sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
    {
        private static readonly Dictionary<string, string[]> Examples = new(StringComparer.Ordinal)
        {
            ["weir"] = ["weir up", "weir up --help"],
            ["up"] =
            [
                "weir up --for 30s",
                "weir up --nodes nodes.csv --workload pods.csv.gz --limit 5000 --output json",
                "weir up --tenants tenants.yaml --workload workload.yaml",
                "weir up --for 1m --inject \"20s xid h100-1 3 79\" --inject \"40s heal h100-1 3\"",
                "weir up --inject -",
            ],
            ["run"] = ["weir run --kubeconfig ~/.kube/config", "weir run --in-cluster --config /etc/weir/config.yaml --log-format json"],
            ["queue"] = ["weir queue --tenant vision", "weir queue --watch", "weir queue --output json"],
            ["tenants"] = ["weir tenants", "weir tenants --address http://127.0.0.1:7461 --output json"],
            ["gpus"] = ["weir gpus", "weir gpus --node n3 --output json", "weir gpus quarantine n3 5 --reason \"fan broken\"", "weir gpus release n3 5"],
            ["quarantine"] = ["weir gpus quarantine n3 5 --reason \"fan broken\"", "weir gpus quarantine n3 --reason \"to be repaired\""],
            ["release"] = ["weir gpus release n3 5", "weir gpus release n3 --reason \"repaired\""],
            ["validate"] = ["weir validate tenants.yaml policy.yaml --nodes nodes.yaml"],
            ["simulate"] =
            [
                "weir simulate sim/examples/research-cluster.yaml",
                "weir simulate sim/examples/faults.yaml --seed 7 --check",
                "weir simulate sim/examples/research-cluster.yaml --policy weir,fifo --report report.html",
                "weir simulate scenario.yaml --output json > result.json",
            ],
            ["replay"] = ["weir replay --journal /var/lib/weir/journal --from 2026-11-30T22:00:00Z --to 2026-11-30T23:00:00Z", "weir replay --journal /var/lib/weir/journal --cycle 4711 --print"],
            ["explain"] = ["weir explain vision/train-1 --at 2026-11-30T22:15:00Z --journal /var/lib/weir/journal"],
            ["plan"] =
            [
                "weir plan sim/examples/capacity.yaml --goal \"p95 wait of tenant search < 10m\" --knob nodes.h100=4..12",
                "weir plan scenario.yaml --goal \"every guarantee within 5m\" --goal \"utilisation > 60%\" --knob nodes.a100=40..80:4 --knob burstFactor=0..2:0.5 --plot frontier.svg",
            ],
        };

        public override int Invoke(ParseResult parseResult)
        {
            var code = help.Invoke(parseResult);
            var command = parseResult.CommandResult.Command;
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            foreach (var example in Examples[command is RootCommand ? "weir" : command.Name])
            {
                output.WriteLine($"  {example}");
            }

            return code;
        }
    }
}
