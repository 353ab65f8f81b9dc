using System.CommandLine;
using System.Globalization;
using Scheduler.Cli.Journal;

namespace Scheduler.Cli.Commands;

/// <summary><c>weir explain POD --at TIME</c>: what the scheduler thought of a pod at a moment, from the decision journal.</summary>
internal static class ExplainCommand
{
    public static Command Create(Terminal terminal)
    {
        var pod = new Argument<string>("POD") { Description = "NAMESPACE/NAME of a pod, or of a gang" };
        var folder = JournalFolder.Option();
        var at = MomentOption.Create("--at", "The moment");
        at.Required = true;
        var command = new Command("explain", "Tell why a pod waited, started or was preempted at a moment, from the decision journal") { pod, at, folder };
        command.SetAction(result =>
        {
            if (result.GetValue(pod)!.Split('/') is not [{ Length: > 0 } @namespace, { Length: > 0 } name])
            {
                throw new UserErrorException($"POD: '{result.GetValue(pod)}' is not NAMESPACE/NAME");
            }

            var moment = result.GetValue(at)!.Value;
            var reader = JournalFolder.Open(result.GetValue(folder)!);
            var cycle = reader.FindLast(moment);
            JournalFolder.Tell(reader, terminal);
            if (cycle is null)
            {
                throw new UserErrorException(string.Create(CultureInfo.InvariantCulture, $"the journal has no cycle at or before {moment:O}"));
            }

            foreach (var line in PastDecision.Explain(cycle, @namespace, name)
                ?? throw new UserErrorException(string.Create(
                    CultureInfo.InvariantCulture, $"cycle {cycle.Record.Number} of {cycle.Record.Now:O} knew no pod and no gang {@namespace}/{name}")))
            {
                terminal.Out.WriteLine(line);
            }

            return ExitCodes.Success;
        });
        return command;
    }
}
