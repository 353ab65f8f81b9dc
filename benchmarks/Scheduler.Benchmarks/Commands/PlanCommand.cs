using System.CommandLine;
using Scheduler.Benchmarks.Measuring;

namespace Scheduler.Benchmarks.Commands;

/// <summary><c>plan</c>: what planning costs, cold and after one change.</summary>
internal static class PlanCommand
{
    private const int ChangesPerSize = 50;

    public static Command Create()
    {
        var nodes = CommonOptions.Whole("--nodes", "Nodes of eight GPUs", 5000, 1, CommonOptions.MostNodes);
        var pending = CommonOptions.Whole("--pending", "Waiting workloads", 10_000, 1, 1_000_000);
        var tenants = CommonOptions.Whole("--tenants", "Tenants", 50, 2, 1000);
        var runs = CommonOptions.Whole("--runs", "Cold cycles that count, after some that warm up", 9, 1, 1000);
        var changes = CommonOptions.Whole("--changes", "Single changes, each followed by a cycle", 500, 0, 100_000);
        var contended = new Option<bool>("--contended")
        {
            Description = "The cluster is full of half of the tenants' work, and as much again waits: capacity is reclaimed",
        };
        var sizes = CommonOptions.Sizes(
            "Measure these numbers of nodes as well, with twice as many waiting workloads, to see how cost grows");
        var output = CommonOptions.Output();
        var command = new Command("plan", "Planning alone: a cold cycle, and a cycle after one change")
        {
            nodes, pending, tenants, runs, changes, contended, sizes, output,
        };
        command.SetAction(result =>
        {
            var scenario = new PlanScenario(
                result.GetValue(nodes), result.GetValue(pending), result.GetValue(tenants), result.GetValue(runs), result.GetValue(changes),
                result.GetValue(contended));
            var main = PlanMeasurement.Measure(scenario);
            var others = (result.GetValue(sizes) ?? [])
                .Select(size => PlanMeasurement.Measure(
                    scenario with { Nodes = size, Pending = 2 * size, Changes = Math.Min(scenario.Changes, ChangesPerSize) }))
                .ToArray();
            Write(main, others, isJson: result.GetValue(output) == "json");
            return 0;
        });
        return command;
    }

    private static void Write(PlanFigures main, PlanFigures[] sizes, bool isJson)
    {
        if (isJson)
        {
            Results.WriteJson(new
            {
                main.FullCycleMs,
                main.PlacementsPerSecond,
                main.ChangeP99Ms,
                main.AllocatedBytesPerPlacement,
                main.ChangeP50Ms,
                main.ChangeSnapshotP50Ms,
                main.ValidatorMs,
                main.SnapshotMs,
                main.Placed,
                main.Waiting,
                main.Evicted,
                main.Nodes,
                main.Pending,
                main.Tenants,
                main.Contended,
                main.Runs,
                main.Changes,
                sizes = sizes.Select((size, index) => new
                {
                    size.Nodes,
                    size.Pending,
                    size.FullCycleMs,
                    size.PlacementsPerSecond,
                    size.ChangeP50Ms,
                    size.ChangeP99Ms,
                    size.AllocatedBytesPerPlacement,
                    size.SnapshotMs,
                    size.ValidatorMs,
                    size.Placed,
                    size.Waiting,
                    size.Evicted,
                    exponent = index == 0 ? null : ExponentFrom(sizes[index - 1], size),
                }).ToArray(),
            });
            return;
        }

        PlanFigures[] all = [main, .. sizes];
        Results.WriteTable(
            main.Contended ? "Planning, contended" : "Planning",
            [
                "nodes", "pending", "cold ms", "grows as n^", "placed", "per second", "bytes each", "evicted", "change p50 ms", "p99 ms",
                "snapshot ms", "validator ms",
            ],
            all.Select((figures, index) => new[]
            {
                Results.Text(figures.Nodes), Results.Text(figures.Pending), Results.Text(figures.FullCycleMs),
                index > 1 ? ExponentFrom(all[index - 1], figures) is { } exponent ? Results.Text(exponent) : "" : "",
                Results.Text(figures.Placed), Results.Text(figures.PlacementsPerSecond), Results.Text(figures.AllocatedBytesPerPlacement),
                Results.Text(figures.Evicted), Results.Text(figures.ChangeP50Ms), Results.Text(figures.ChangeP99Ms),
                Results.Text(figures.SnapshotMs), Results.Text(figures.ValidatorMs),
            }));
    }

    private static double? ExponentFrom(PlanFigures smaller, PlanFigures larger) =>
        Growth.Exponent(smaller.Nodes, smaller.FullCycleMs, larger.Nodes, larger.FullCycleMs);
}
