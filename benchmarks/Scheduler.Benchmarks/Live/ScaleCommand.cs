using System.CommandLine;
using Scheduler.Benchmarks.Commands;

namespace Scheduler.Benchmarks.Live;

/// <summary><c>scale</c>: memory, start and latency of the daemon on a large cluster.</summary>
internal static class ScaleCommand
{
    private const int MostNodes = 20_000;
    private const int MostPods = 200_000;

    public static Command Create()
    {
        var nodes = CommonOptions.Whole("--nodes", "Nodes of eight GPUs", 5000, 2, MostNodes);
        var pods = CommonOptions.Whole("--pods", "Pods: four fifths run, as far as there is room, the rest waits", 50_000, 100, MostPods);
        var probes = CommonOptions.Whole("--probes", "Pods that come one after the other, with room for each", 200, 1, 10_000);
        var output = CommonOptions.Output();
        var command = new Command("scale", "Memory, cold start and watch-to-decision latency of the daemon on a large embedded cluster") { nodes, pods, probes, output };
        command.Validators.Add(result =>
        {
            if (result.Errors.Any() || result.Children.Any(child => child.Errors.Any())) return;
            var room = ScaleMeasurement.RoomForProbes(result.GetValue(nodes));
            if (result.GetValue(probes) >= room)
                result.AddError($"--probes: {result.GetValue(probes)} and one to warm up do not fit into the {room} GPUs that {result.GetValue(nodes)} nodes keep for them");
        });
        command.SetAction(async (result, cancellationToken) =>
        {
            var figures = await Live.RunAsync(() =>
                ScaleMeasurement.MeasureAsync(result.GetValue(nodes), result.GetValue(pods), result.GetValue(probes), cancellationToken));
            if (result.GetValue(output) == "json")
            {
                Results.WriteJson(figures);
                return 0;
            }

            Results.WriteTable(
                $"The daemon on {Results.Text((long)figures.Nodes)} nodes and {Results.Text((long)figures.Pods)} pods, embedded API server",
                ["running", "waiting", "ready s", "RSS then MiB", "peak RSS MiB", "probes", "watch to decision p50 ms", "p99 ms", "max ms"],
                [
                    [
                        Results.Text((long)figures.Running), Results.Text((long)figures.Waiting), Results.Text(figures.ReadySeconds), Results.Text(figures.RssAtReadyMiB),
                        Results.Text(figures.PeakRssMiB), Results.Text((long)figures.Probes), Results.Text(figures.WatchToDecisionP50Ms),
                        Results.Text(figures.WatchToDecisionP99Ms), Results.Text(figures.WatchToDecisionMaxMs),
                    ],
                ]);
            return 0;
        });
        return command;
    }
}
