using System.CommandLine;
using Scheduler.Benchmarks.Measuring;

namespace Scheduler.Benchmarks.Commands;

/// <summary><c>reclaim</c>: a gang wants half of a cluster full of burst work.</summary>
internal static class ReclaimCommand
{
    public static Command Create()
    {
        var nodes = CommonOptions.Whole("--nodes", "Nodes of eight GPUs", 500, 2, CommonOptions.MostNodes);
        var runs = CommonOptions.Whole("--runs", "Cycles that count", 5, 1, 1000);
        var warmUps = CommonOptions.Whole("--warm-ups", "Cycles before those", 2, 0, 1000);
        var sizes = CommonOptions.Sizes("Measure these numbers of nodes instead, to see how cost grows");
        var output = CommonOptions.Output();
        var command = new Command("reclaim", "A gang inside its guarantee needs half of a cluster that is full of burst work")
        {
            nodes, runs, warmUps, sizes, output,
        };
        command.SetAction(result =>
        {
            var all = result.GetValue(sizes) is { Length: > 0 } several ? several : [result.GetValue(nodes)];
            var figures = new List<ReclaimFigures>();
            foreach (var size in all)
            {
                var next = ReclaimMeasurement.Measure(size, result.GetValue(runs), result.GetValue(warmUps));
                figures.Add(figures.Count == 0 ? next : next with
                {
                    Exponent = Growth.Exponent(figures[^1].Nodes, figures[^1].ReclaimMs, size, next.ReclaimMs),
                    OverLogLinear = Growth.OverLogLinear(figures[^1].Nodes, figures[^1].ReclaimMs, size, next.ReclaimMs),
                });
            }

            Write(figures, isJson: result.GetValue(output) == "json");
            return 0;
        });
        return command;
    }

    private static void Write(List<ReclaimFigures> figures, bool isJson)
    {
        if (isJson)
        {
            var last = figures[^1];
            Results.WriteJson(new
            {
                last.Nodes,
                last.ReclaimMs,
                last.Victims,
                last.EvictedPods,
                last.LostGpuHours,
                last.HighestPriority,
                last.Stopped,
                minimal = figures.TrueForAll(size => size.Minimal),
                exponent = Growth.Exponent(figures[0].Nodes, figures[0].ReclaimMs, last.Nodes, last.ReclaimMs),
                overLogLinear = figures.Count < 2
                    ? null
                    : Growth.OverLogLinear(figures[0].Nodes, figures[0].ReclaimMs, last.Nodes, last.ReclaimMs),
                sizes = figures.Count > 1 ? figures : [],
            });
            return;
        }

        Results.WriteTable(
            "Half of the cluster back",
            ["nodes", "ms", "grows as n^", "over n log n", "victims", "stopped", "pods", "lost GPU-hours", "highest priority", "minimal"],
            figures.Select(size => new[]
            {
                Results.Text(size.Nodes), Results.Text(size.ReclaimMs),
                size.Exponent is { } exponent ? Results.Text(exponent) : "", size.OverLogLinear is { } over ? Results.Text(over) : "",
                Results.Text(size.Victims), Results.Text(size.Stopped), Results.Text(size.EvictedPods), Results.Text(size.LostGpuHours),
                Results.Text(size.HighestPriority), size.Minimal ? "yes" : "no",
            }));
    }
}
