using System.CommandLine;
using System.Text.Json;
using Scheduler.Benchmarks.Measuring;
using Scheduler.Core.Model;
using Scheduler.Core.Planning;
using Scheduler.TestKit.Clusters;
using Scheduler.TestKit.Oracles;

namespace Scheduler.Benchmarks.Commands;

/// <summary><c>optimality</c>: victims and entitlements against exact answers.</summary>
internal static class OptimalityCommand
{
    public static Command Create()
    {
        var instances = CommonOptions.Whole("--instances", "Random clusters on which somebody must go", 500, 1, 1_000_000);
        var seed = CommonOptions.Seed();
        var worst = new Option<string?>("--worst-case")
        {
            Description = "Where the worst case is written; without it, a file among the temporary ones",
            HelpName = "FILE",
        };
        var replay = new Option<string?>("--replay")
        {
            Description = "Judge the case in this file instead",
            HelpName = "FILE",
        };
        var output = CommonOptions.Output();
        var command = new Command("optimality", "The planner's victims and entitlements against exact answers, on small random clusters")
        {
            instances, seed, worst, replay, output,
        };
        command.SetAction(result =>
        {
            var isJson = result.GetValue(output) == "json";
            if (result.GetValue(replay) is { } file)
            {
                Replay(file, isJson);
            }
            else
            {
                Write(OptimalityMeasurement.Measure(result.GetValue(instances), result.GetValue(seed)), result.GetValue(worst), isJson);
            }

            return 0;
        });
        return command;
    }

    private static void Write(OptimalityFigures figures, string? file, bool isJson)
    {
        if (figures.Worst is { } worst)
        {
            file ??= Path.Combine(Path.GetTempPath(), $"weir-optimality-{figures.Seed}.json");
            File.WriteAllText(file, SnapshotFile.Write(worst.Case) + "\n");
            Results.Progress(
                $"the worst case ({worst.Case.Name}, {worst.Verdict}) is in {file}; optimality --replay {file} judges it again");
        }
        else
        {
            file = null;
        }

        if (isJson)
        {
            Results.WriteJson(new
            {
                figures.OptimalShare,
                figures.WorstRatio,
                figures.AllocationExact,
                figures.SeveralVictimsShare,
                figures.Instances,
                figures.Seed,
                figures.Failures,
                worstCase = file,
                figures.Failing,
            });
            return;
        }

        Results.WriteTable(
            "Against exact answers",
            ["", ""],
            [
                ["instances", Results.Text(figures.Instances)],
                ["more than one victim", $"{figures.SeveralVictimsShare:P1}"],
                ["victims optimal", $"{figures.OptimalShare:P1}"],
                ["work lost over the least, worst", $"{figures.WorstRatio:0.###}"],
                ["entitlements exact", figures.AllocationExact ? "yes" : "no"],
                .. figures.Failures.Select(failure => new[] { failure.Key, Results.Text(failure.Value) }),
            ]);
    }

    private static void Replay(string file, bool isJson)
    {
        VictimCase value;
        try
        {
            value = SnapshotFile.Read(File.ReadAllText(file));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new MeasurementException($"--replay: {exception.Message}");
        }

        var verdict = VictimJudge.Judge(value)
            ?? throw new MeasurementException($"--replay: {file} asks nothing: there is room without victims, or there are not enough");
        if (isJson)
        {
            Results.WriteJson(new
            {
                value.Name,
                fault = $"{verdict.Fault}",
                lostRatio = verdict.LostRatio,
                planned = verdict.Planned,
                best = verdict.Best,
                victims = Names(verdict.Victims),
                bestVictims = Names(verdict.BestVictims),
            });
            return;
        }

        Results.WriteTable(
            $"{value.Name}: {verdict.Fault}",
            ["", "planned", "best"],
            [
                ["highest priority", Text(verdict.Planned.HighestPriority), Text(verdict.Best.HighestPriority)],
                ["budget violations", Text(verdict.Planned.BudgetViolations), Text(verdict.Best.BudgetViolations)],
                ["lost milli-GPU-seconds", Text(verdict.Planned.LostMilliGpuSeconds), Text(verdict.Best.LostMilliGpuSeconds)],
                ["workloads stopped", Text(verdict.Planned.Disturbed), Text(verdict.Best.Disturbed)],
                ["pods", string.Join('\n', Names(verdict.Victims)), string.Join('\n', Names(verdict.BestVictims))],
            ]);
        if (verdict.Fault != VictimFault.Broken)
        {
            Console.Out.Write(PlanText.Write(Planner.Compute(value.Snapshot, value.Policy)));
        }

        static string Text(long amount) => amount == int.MinValue ? "nobody" : Results.Text(amount);
    }

    private static string[] Names(IReadOnlySet<PodId> pods) => [.. pods.Order().Select(pod => pod.Value)];
}
