using System.CommandLine;
using Scheduler.Benchmarks.Commands;

namespace Scheduler.Benchmarks.Live;

/// <summary><c>bind</c>: pods bound per second on a real API server.</summary>
internal static class BindCommand
{
    private const int MostNodes = 5000;

    public static Command Create()
    {
        var nodes = CommonOptions.Whole("--nodes", "Nodes of eight GPUs", 1000, 1, MostNodes);
        var pods = CommonOptions.Whole("--pods", "Pods of one GPU; they must fit", 5000, 2, MostNodes * LiveObjects.GpusPerNode);
        var rounds = CommonOptions.Whole("--rounds", "Rounds; medians count", 1, 1, 20);
        var statusWrites = CommonOptions.Whole(
            "--status-writes", "Weir's setting statusWritesPerSecond, which bounds its Events too; 0 leaves the daemon's default", 0, 0, 10_000);
        var output = CommonOptions.Output();
        var command = new Command("bind", "Pods bound per second on a real API server: bare requests, kube-scheduler and Weir in turn")
        {
            nodes, pods, rounds, statusWrites, output,
        };
        command.Validators.Add(result =>
        {
            if (result.Errors.Any() || result.Children.Any(child => child.Errors.Any())) return;
            if (result.GetValue(pods) > result.GetValue(nodes) * LiveObjects.GpusPerNode)
                result.AddError($"--pods: {result.GetValue(pods)} pods of one GPU do not fit on {result.GetValue(nodes)} nodes of {LiveObjects.GpusPerNode}");
        });
        command.SetAction(async (result, cancellationToken) =>
        {
            var measured = await Live.RunAsync(() => BindMeasurement.MeasureAsync(
                result.GetValue(nodes), result.GetValue(pods), result.GetValue(rounds),
                result.GetValue(statusWrites) is > 0 and var writes ? writes : null, cancellationToken));
            Write(measured, result.GetValue(nodes), result.GetValue(pods), isJson: result.GetValue(output) == "json");
            return 0;
        });
        return command;
    }

    private static void Write(List<BindRound> rounds, int nodes, int pods, bool isJson)
    {
        var (bare, kube, weir) = (Median(rounds, round => round.Bare), Median(rounds, round => round.KubeScheduler), Median(rounds, round => round.Weir));
        if (isJson)
        {
            Results.WriteJson(new
            {
                nodes,
                pods,
                barePerSecond = bare,
                kubeSchedulerPerSecond = kube,
                weirPerSecond = weir,
                weirOverBare = Math.Round(weir / bare, 3),
                weirOverKubeScheduler = Math.Round(weir / kube, 3),
                kubeSchedulerOverBare = Math.Round(kube / bare, 3),
                rounds,
            });
            return;
        }

        Results.WriteTable(
            $"{Results.Text((long)pods)} pods on {Results.Text((long)nodes)} nodes, real API server",
            ["", "pods/s", "of bare", "s from start", "Events by then"],
            [
                Row("bare Binding requests", bare, bare, rounds[^1].Bare),
                Row("kube-scheduler", kube, bare, rounds[^1].KubeScheduler),
                Row("weir", weir, bare, rounds[^1].Weir),
            ]);
    }

    private static string[] Row(string name, double perSecond, double bare, BindRun last) =>
        [name, Results.Text(perSecond), Results.Text(perSecond / bare), Results.Text(last.SecondsFromStart), Results.Text(last.Events)];

    private static double Median(List<BindRound> rounds, Func<BindRound, BindRun> of)
    {
        var sorted = rounds.Select(round => of(round).PerSecond).Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : Math.Round((sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2, 1);
    }
}
