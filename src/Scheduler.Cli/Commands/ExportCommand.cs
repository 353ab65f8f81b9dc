using System.CommandLine;
using System.Globalization;
using Scheduler.Cli.Hosting;
using Scheduler.Cli.Simulate;
using Scheduler.Input;
using Scheduler.Simulation.Clusters;

namespace Scheduler.Cli.Commands;

/// <summary><c>weir export</c>: a live cluster and its history as a file, for <c>weir simulate --from-cluster FILE</c>.</summary>
internal static class ExportCommand
{
    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var file = new Argument<string?>("FILE") { Description = "Where to write it, as YAML (default: on standard output)", Arity = ArgumentArity.ZeroOrOne };
        var address = CommonOptions.Address(terminal);
        var command = new Command("export", "Write nodes, tenants, workloads and history of a live cluster to a file that weir simulate can go on from") { file, address };
        command.SetAction(async (result, stop) =>
        {
            var path = result.GetValue(file);
            if (path is not null)
            {
                ReportFile.Try("FILE", path);
            }

            await using var client = DaemonClient.Open(result.GetValue(address)!, time, DaemonCredentials.Of(result));
            var state = await client.ExportAsync(stop);
            using var text = new StringWriter(CultureInfo.InvariantCulture);
            ClusterStateWriter.Write(state, text);
            if (path is null)
            {
                terminal.Out.Write(text.ToString());
                return ExitCodes.Success;
            }

            ReportFile.Write("FILE", path, text.ToString());
            var since = state.HistorySince is { } begin ? $" in {DurationText.Short(state.TakenAt - begin)}" : "";
            terminal.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{path}: {state.Nodes.Length} nodes, {state.Tenants.Nodes.Length} tenants, {state.Workloads.Length} workloads; {state.History.Length} ended{since}"));
            return ExitCodes.Success;
        });
        return DaemonCredentials.AddTo(command);
    }
}
