using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Scheduler.Cli.Hosting;
using Scheduler.Cli.Rendering;
using Scheduler.Cli.Views;

namespace Scheduler.Cli.Commands;

/// <summary><c>weir gpus</c>: every GPU with its health, its use and who holds it; and an operator's word about one.</summary>
internal static class GpusCommand
{
    private const double MebibytesPerGibibyte = 1024;

    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var address = CommonOptions.Address(terminal);
        var output = CommonOptions.Output();
        var node = new Option<string?>("--node") { Description = "Only the GPUs of this node", HelpName = "NODE" };
        var command = new Command("gpus", "Show health, use and holder of every GPU; take one out of use, or let it be used again")
        {
            address, output, node,
            CreateChange(terminal, time, "quarantine", "Take a GPU, or a whole node, out of use until it is released", null,
                (client, name, device, reason, stop) => client.QuarantineAsync(name, device, reason, stop)),
            CreateChange(terminal, time, "release", "Let a GPU, or a whole node, be used again", "by an operator",
                (client, name, device, reason, stop) => client.ReleaseAsync(name, device, reason, stop)),
        };
        command.SetAction(async (result, stop) =>
        {
            await using var client = DaemonClient.Open(result.GetValue(address)!, time, DaemonCredentials.Of(result));
            var gpus = await client.ListGpusAsync(result.GetValue(node), stop);
            if (result.GetValue(output) == OutputFormat.Json)
            {
                terminal.Out.WriteLine(JsonSerializer.Serialize(new GpusResult([.. gpus.Select(GpuRow.Of)]), CliJson.Readable.GpusResult));
            }
            else
            {
                Write(terminal, gpus);
            }

            return ExitCodes.Success;
        });
        return DaemonCredentials.AddTo(command);
    }

    private static Command CreateChange(
        Terminal terminal, TimeProvider time, string name, string description, string? assumed,
        Func<DaemonClient, string, int?, string, CancellationToken, Task> change)
    {
        var address = CommonOptions.Address(terminal);
        var node = new Argument<string>("NODE") { Description = "The node" };
        var device = new Argument<int?>("GPU")
        {
            Description = "The GPU's number on the node; without it the node as a whole",
            Arity = ArgumentArity.ZeroOrOne,
            CustomParser = result => int.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
                ? index
                : CommonOptions.Refuse<int>(result, $"GPU: '{result.Tokens[0].Value}' is not the number of a GPU, such as 0; weir gpus lists them"),
        };
        var reason = new Option<string?>("--reason")
        {
            Description = assumed is null ? "Why, for everybody to see" : $"Why, for everybody to see; default: {assumed}",
            HelpName = "TEXT",
            Required = assumed is null,
        };
        var command = new Command(name, description) { node, device, reason, address };
        command.SetAction(async (result, stop) =>
        {
            await using var client = DaemonClient.Open(result.GetValue(address)!, time, DaemonCredentials.Of(result));
            var (target, index) = (result.GetValue(node)!, result.GetValue(device));
            await change(client, target, index, result.GetValue(reason) ?? assumed!, stop);
            terminal.Out.WriteLine($"{(index is { } number ? $"GPU {number} of {target}" : $"Node {target}")} is {(name == "quarantine" ? "in quarantine" : "released")}.");
            return ExitCodes.Success;
        });
        return DaemonCredentials.AddTo(command);
    }

    private static void Write(Terminal terminal, ImmutableArray<GpuView> gpus)
    {
        if (gpus.IsEmpty)
        {
            terminal.Out.WriteLine("There are no GPUs in the cluster.");
            return;
        }

        var table = new TextTable(
            ("NODE", false), ("GPU", true), ("MODEL", false), ("TEMP", true), ("UTIL", true), ("MEMORY", true), ("TENANT", false), ("POD", false), ("HEALTH", false));
        foreach (var gpu in gpus)
        {
            table.Add(
                gpu.Node,
                gpu.Device is { } device ? $"{device}" : "all",
                Or(gpu.Model),
                gpu.TemperatureCelsius is { } celsius ? string.Create(CultureInfo.InvariantCulture, $"{celsius:0} °C") : "-",
                gpu.Activity is { } activity ? string.Create(CultureInfo.InvariantCulture, $"{100 * activity:0} %") : "-",
                Memory(gpu),
                Or(string.Join(",", gpu.Tenants)),
                Or(string.Join(",", gpu.Pods)),
                Health(gpu));
        }

        table.Write(terminal.Out, terminal.IsOutTerminal ? terminal.Size().Columns : int.MaxValue);
    }

    private static string Health(GpuView gpu)
    {
        var state = gpu.Health.ToLowerInvariant();
        var why = gpu.Reason.Length == 0 ? state : $"{state}: {gpu.Reason}";
        return gpu.IsSilent ? $"{why} (exporter silent)" : why;
    }

    private static string Memory(GpuView gpu) => (gpu.MemoryUsedMebibytes, gpu.MemoryTotalMebibytes) switch
    {
        ({ } used, { } total) => string.Create(CultureInfo.InvariantCulture, $"{used / MebibytesPerGibibyte:0}/{total / MebibytesPerGibibyte:0} GiB"),
        ({ } used, null) => string.Create(CultureInfo.InvariantCulture, $"{used / MebibytesPerGibibyte:0} GiB"),
        _ => "-",
    };

    private static string Or(string text) => text.Length == 0 ? "-" : text;
}

/// <summary>The JSON of <c>weir gpus</c>.</summary>
internal sealed record GpusResult(IReadOnlyList<GpuRow> Gpus);

/// <summary>A GPU; without a number, a node that is not healthy as a whole. Unknown values are null.</summary>
internal sealed record GpuRow(
    string Node, int? Device, string Model, string Uuid, string Health, string Cause, string Reason, DateTimeOffset Since, bool ExporterSilent,
    double? TemperatureCelsius, double? Activity, double? MemoryUsedMebibytes, double? MemoryTotalMebibytes, IReadOnlyList<string> Pods, IReadOnlyList<string> Tenants)
{
    public static GpuRow Of(GpuView gpu) => new(
        gpu.Node, gpu.Device, gpu.Model, gpu.Uuid, gpu.Health.ToLowerInvariant(), gpu.Cause, gpu.Reason, gpu.Since, gpu.IsSilent,
        gpu.TemperatureCelsius, gpu.Activity, gpu.MemoryUsedMebibytes, gpu.MemoryTotalMebibytes, gpu.Pods, gpu.Tenants);
}
