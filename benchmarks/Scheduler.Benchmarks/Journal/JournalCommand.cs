using System.CommandLine;
using Scheduler.Benchmarks.Commands;

namespace Scheduler.Benchmarks.Journal;

/// <summary><c>journal</c>: what the decision journal costs a cycle, and whether its cycles are planned again to the same plans.</summary>
internal static class JournalCommand
{
    public static Command Create()
    {
        var nodes = CommonOptions.Whole("--nodes", "Nodes of eight GPUs", 5000, 1, CommonOptions.MostNodes);
        var pending = CommonOptions.Whole("--pending", "Workloads that wait at first", 10_000, 1, 1_000_000);
        var tenants = CommonOptions.Whole("--tenants", "Tenants", 50, 2, 1000);
        var cycles = CommonOptions.Whole("--cycles", "Cycles, one change before each", 1000, 1, 100_000);
        var output = CommonOptions.Output();
        var command = new Command("journal", "The decision journal: cycles with it and without it, and their replay")
        {
            nodes, pending, tenants, cycles, output,
        };
        command.SetAction(result =>
        {
            var figures = JournalMeasurement.Measure(
                result.GetValue(nodes), result.GetValue(pending), result.GetValue(tenants), result.GetValue(cycles));
            if (result.GetValue(output) == "json")
            {
                Results.WriteJson(figures);
            }
            else
            {
                Results.WriteTable(
                    "Decision journal",
                    ["cycles", "without ms", "with ms", "overhead % (medians)", "overhead % (sums)", "write ms", "bytes each", "first record", "replayed", "identical"],
                    [[
                        Results.Text(figures.Cycles), Results.Text(figures.BaseP50Ms), Results.Text(figures.JournaledP50Ms), Results.Text(figures.OverheadPercent),
                        Results.Text(figures.OverheadOfSumsPercent), Results.Text(figures.WriteP50Ms), Results.Text(figures.BytesPerCycle),
                        Results.Text(figures.FirstRecordBytes), Results.Text(figures.ReplayedCycles), figures.Identical ? "yes" : "no",
                    ]]);
            }

            return figures.Identical ? 0 : 1;
        });
        return command;
    }
}
