using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Scheduler.Cli.Hosting;
using Scheduler.Cli.Rendering;
using Scheduler.Cli.Views;
using Scheduler.Core.Quota;
using Scheduler.Input;

namespace Scheduler.Cli.Commands;

/// <summary><c>weir queue</c>: who waits, in what order, why, since when.</summary>
internal static class QueueCommand
{
    private static readonly TimeSpan WatchEvery = TimeSpan.FromSeconds(2);

    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var tenant = new Option<string?>("--tenant") { Description = "Only this tenant and those below it", HelpName = "NAME" };
        var watch = new Option<bool>("--watch", "-w") { Description = "Show it again every 2 seconds, until Ctrl-C" };
        var address = CommonOptions.Address(terminal);
        var output = CommonOptions.Output();
        var command = new Command("queue", "Show what waits: in which order, since when and why, and when it is expected to start") { tenant, watch, address, output };
        command.SetAction(async (result, stop) =>
        {
            await using var client = DaemonClient.Open(result.GetValue(address)!, time, DaemonCredentials.Of(result));
            var format = result.GetValue(output);
            using var timer = new PeriodicTimer(WatchEvery, time);
            try
            {
                do
                {
                    var queue = await client.ListQueueAsync(result.GetValue(tenant), stop);
                    Write(terminal, queue, format, isRepeated: result.GetValue(watch), time.GetUtcNow());
                }
                while (result.GetValue(watch) && await timer.WaitForNextTickAsync(stop));
            }
            catch (OperationCanceledException) when (result.GetValue(watch) && stop.IsCancellationRequested)
            {
                // Ctrl-C is how a watch ends.
            }

            return ExitCodes.Success;
        });
        return DaemonCredentials.AddTo(command);
    }

    private static void Write(Terminal terminal, ImmutableArray<QueueView> queue, OutputFormat format, bool isRepeated, DateTimeOffset now)
    {
        if (format == OutputFormat.Json)
        {
            var json = new QueueResult([.. queue.Select(QueueRow.Of)]);
            terminal.Out.WriteLine(JsonSerializer.Serialize(json, CliJson.Readable.QueueResult));
            return;
        }

        if (isRepeated && terminal.IsOutTerminal)
        {
            TerminalWriter.ConsoleOf(terminal).Clear(home: true);
        }
        else if (isRepeated)
        {
            terminal.Out.WriteLine(string.Create(NumberFormatInfo.InvariantInfo, $"--- {now.UtcDateTime:HH:mm:ss}Z"));
        }

        if (queue.IsEmpty)
        {
            terminal.Out.WriteLine("Nothing waits.");
            return;
        }

        foreach (var line in Lines(queue, now, terminal.IsOutTerminal ? terminal.Size().Columns : int.MaxValue))
        {
            terminal.Out.WriteLine(line);
        }
    }

    /// <summary>One line for each workload; where the reasons in words do not fit beside the rest, they stand below it.</summary>
    internal static IEnumerable<string> Lines(ImmutableArray<QueueView> queue, DateTimeOffset now, int width)
    {
        const int Indent = 7;
        var whole = Table(queue, now, hasWords: true).Lines(int.MaxValue).ToArray();
        if (whole.All(line => line.Length <= width))
        {
            return whole;
        }

        var head = Table(queue, now, hasWords: false).Lines(width).ToArray();
        return head.Take(1).Concat(queue.SelectMany((entry, index) => TextTable
            .Wrap(entry.Message, width - Indent)
            .Select(words => new string(' ', Indent) + words)
            .Prepend(head[index + 1])));
    }

    private static TextTable Table(ImmutableArray<QueueView> queue, DateTimeOffset now, bool hasWords)
    {
        var table = new TextTable(
            ("PLACE", true), ("TENANT", false), ("IN TENANT", true), ("WORKLOAD", false), ("PODS", true), ("GPUS", true), ("WAITS", true), ("STARTS IN", false), ("REASON", false),
            (hasWords ? "WHY" : "", false));
        foreach (var entry in queue)
        {
            table.Add(
                entry.PlaceOverall > 0 ? $"{entry.PlaceOverall}" : "-",
                entry.Tenant.Length > 0 ? entry.Tenant : "-",
                entry.PlaceInTenant > 0 ? $"{entry.PlaceInTenant}" : "-",
                entry.Workload,
                $"{entry.Pods}",
                GpuAmount.Format(entry.MilliGpu),
                entry.Since is { } since ? DurationText.Short(now - since) : "-",
                entry.Start?.Text(now) ?? "-",
                entry.Reason,
                hasWords ? entry.Message.ReplaceLineEndings(" ") : "");
        }

        return table;
    }
}

/// <summary>The JSON of <c>weir queue</c>.</summary>
internal sealed record QueueResult(IReadOnlyList<QueueRow> Queue);

/// <summary>A waiting workload.</summary>
internal sealed record QueueRow(
    string Tenant, string Workload, int Place, int PlaceInTenant, decimal Gpus, int Pods, DateTimeOffset? SubmittedAt, string Reason, string Message,
    StartView? ExpectedStart)
{
    public static QueueRow Of(QueueView entry) => new(
        entry.Tenant, entry.Workload, entry.PlaceOverall, entry.PlaceInTenant, entry.MilliGpu / 1000m, entry.Pods, entry.Since, entry.Reason, entry.Message,
        entry.Start);
}
