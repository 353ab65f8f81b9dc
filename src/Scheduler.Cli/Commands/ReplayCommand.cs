using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Scheduler.Cli.Journal;
using Scheduler.Cli.Rendering;
using Scheduler.Journal;
using Scheduler.Journal.Replay;

namespace Scheduler.Cli.Commands;

/// <summary><c>weir replay</c>: plans cycles of a journal again and shows that the plans are the same.</summary>
internal static class ReplayCommand
{
    public static Command Create(Terminal terminal)
    {
        var folder = JournalFolder.Option();
        var from = MomentOption.Create("--from", "Only cycles from this moment on");
        var to = MomentOption.Create("--to", "Only cycles up to this moment");
        var cycle = new Option<long?>("--cycle") { Description = "Only cycles with this number; every run of a daemon counts from 1", HelpName = "N" };
        var print = new Option<bool>("--print") { Description = "Print each plan, one line for each decision" };
        var output = CommonOptions.Output();
        var command = new Command("replay", "Plan cycles of a decision journal again, and show that the plans are the same byte for byte")
        {
            folder, from, to, cycle, print, output,
        };
        command.SetAction(result =>
        {
            var reader = JournalFolder.Open(result.GetValue(folder)!);
            var (last, number) = (result.GetValue(to), result.GetValue(cycle));
            var replay = new CycleReplay();
            var rows = new List<ReplayRow>();
            var canonical = new CanonicalPlan();
            foreach (var read in reader.Read(result.GetValue(from)))
            {
                if ((last is { } end && read.Record.Now > end) || (number is { } wanted && read.Record.Number != wanted))
                {
                    continue;
                }

                var replayed = replay.Run(read);
                rows.Add(ReplayRow.Of(replayed));
                if (result.GetValue(print))
                {
                    terminal.Out.Write(string.Create(CultureInfo.InvariantCulture, $"# cycle {read.Record.Number} of {read.Record.Now:O}\n{canonical.Text(replayed.Plan)}"));
                }
            }

            var isDamaged = JournalFolder.Tell(reader, terminal);
            if (rows.Count == 0)
            {
                throw new UserErrorException("the journal has no such cycle");
            }

            if (result.GetValue(output) == OutputFormat.Json)
            {
                terminal.Out.WriteLine(JsonSerializer.Serialize(new ReplayResult(rows), CliJson.Readable.ReplayResult));
            }
            else
            {
                Write(terminal, rows);
            }

            return isDamaged || rows.Exists(row => !row.Identical) ? ExitCodes.Failed : ExitCodes.Success;
        });
        return command;
    }

    private static void Write(Terminal terminal, List<ReplayRow> rows)
    {
        var table = new TextTable(("CYCLE", true), ("TIME", false), ("NODES", true), ("WORKLOADS", true), ("WAITING", true), ("EFFECTS", true), ("PLAN", false), ("REPLAYED", false));
        foreach (var row in rows)
        {
            table.Add(
                $"{row.Cycle}", row.Time.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture), $"{row.Nodes}", $"{row.Workloads}",
                $"{row.Waiting}", $"{row.Effects}", row.Recorded[..12], row.Identical ? "identical" : $"differs: {row.Replayed[..12]}");
        }

        table.Write(terminal.Out, terminal.Size().Columns);
        foreach (var row in rows.Where(row => !row.Identical))
        {
            terminal.Out.WriteLine($"cycle {row.Cycle} was planned by version {row.Version}, and is planned otherwise by this one:");
            foreach (var line in row.Missing)
            {
                terminal.Out.WriteLine($"  - {line}");
            }

            foreach (var line in row.Added)
            {
                terminal.Out.WriteLine($"  + {line}");
            }
        }

        terminal.Out.WriteLine($"{rows.Count} cycles planned again: {rows.Count(row => row.Identical)} identical, {rows.Count(row => !row.Identical)} different");
    }
}

/// <summary>The JSON of <c>weir replay</c>.</summary>
internal sealed record ReplayResult(IReadOnlyList<ReplayRow> Cycles);

/// <summary>A cycle that was planned again.</summary>
internal sealed record ReplayRow(
    long Cycle, DateTimeOffset Time, string Replica, string Version, bool Applied, int Nodes, int Workloads, int Waiting, int Effects, string Recorded,
    string Replayed, bool Identical, IReadOnlyList<string> Missing, IReadOnlyList<string> Added)
{
    public static ReplayRow Of(ReplayedCycle replayed)
    {
        var (header, record, snapshot) = (replayed.Cycle.Header, replayed.Cycle.Record, replayed.Cycle.Snapshot);
        return new ReplayRow(
            record.Number, record.Now.ToUniversalTime(), header.Replica, header.Version, record.IsApplied, snapshot.Nodes.Length, snapshot.Workloads.Length,
            record.Waiting, record.Effects.Length, record.PlanDigest, replayed.Digest, replayed.IsIdentical, replayed.Missing, replayed.Added);
    }
}
