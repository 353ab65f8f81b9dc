using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using System.Globalization;
using Scheduler.Benchmarks.Commands;
using Scheduler.Benchmarks.Replays;
using Scheduler.Simulation.Engine;
using Scheduler.Simulation.Traces;

namespace Scheduler.Benchmarks.Forecasts;

/// <summary><c>forecast</c>: expected starts against real ones, on the four tenants of the Philly trace.</summary>
internal static class ForecastCommand
{
    private sealed record Period(DateTimeOffset From, DateTimeOffset To);

    private sealed record Row(string Knows, string Tenant, ForecastScore Score);

    public static Command Create()
    {
        var jobs = new Option<string>("--jobs") { Description = "The trace: timestamp,duration,num_gpus,gpu_time,cluster; plain or .gz", HelpName = "FILE", Required = true };
        var learn = PeriodOption("--learn", "Durations are learned from jobs that end in this time", "2017-09-01..2017-10-01");
        var score = PeriodOption("--score", "Workloads that are first seen waiting in this time are scored", "2017-10-01..2017-11-01");
        var nodes = CommonOptions.Whole("--nodes", "Nodes of 8 GPUs", 60, PhillyPartition.Count, 1000);
        var refresh = CommonOptions.Whole("--refresh", "Seconds between two refreshes, at least", 30, 1, 3600);
        var output = CommonOptions.Output();
        var command = new Command("forecast", "Expected starts against real ones: four tenants of the Philly trace") { jobs, learn, score, nodes, refresh, output };
        command.SetAction(result =>
        {
            Run(
                result.GetValue(jobs)!, result.GetValue(learn)!, result.GetValue(score)!, result.GetValue(nodes), TimeSpan.FromSeconds(result.GetValue(refresh)),
                isJson: result.GetValue(output) == "json");
            return 0;
        });
        return command;
    }

    private static Option<Period> PeriodOption(string name, string description, string standard) => new(name)
    {
        Description = description,
        HelpName = "FROM..TO",
        DefaultValueFactory = _ => Parse(standard)!,
        CustomParser = result => Parse(result.Tokens[0].Value) ?? Refuse(result, name),
    };

    private static Period? Parse(string text) =>
        text.Split("..") is [var from, var to] && Moment(from) is { } begin && Moment(to) is { } end && begin < end ? new Period(begin, end) : null;

    private static DateTimeOffset? Moment(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment) ? moment : null;

    private static Period? Refuse(ArgumentResult result, string name)
    {
        result.AddError($"{name}: '{result.Tokens[0].Value}' is not a period such as 2017-09-01..2017-10-01");
        return null;
    }

    private static void Run(string path, Period learn, Period score, int nodes, TimeSpan refresh, bool isJson)
    {
        var trace = PhillyTrace.Read(path);
        var partitions = PhillyPartition.Divide(trace, nodes);
        var begin = partitions.SelectMany(partition => partition.Jobs).Min(job => job.SubmittedAt);
        var setup = PhillyPartition.Setup(partitions) with { Start = begin };
        var declared = setup with
        {
            Jobs = [.. setup.Jobs.Select(job => job with { Workload = job.Workload with { ExpectedDuration = job.Duration } })],
            Durations = DurationKnowledge.Declared,
        };
        var rows = new List<Row>();
        var missed = 0;
        foreach (var (knows, itsSetup, learnsOn) in new[] { ("learned", setup, true), ("learned before", setup, false), ("declared", declared, true) })
        {
            var clock = Stopwatch.StartNew();
            var trial = ForecastTrial.Run(itsSetup, new TrialSettings(learn.From, learn.To, learnsOn, score.From, score.To, refresh));
            missed += trial.Missed;
            rows.Add(new Row(knows, "all", ForecastScore.Of(trial.Scored)));
            rows.AddRange(partitions.Select(partition =>
                new Row(knows, partition.Name, ForecastScore.Of(trial.Scored.Where(scored => scored.Tenant.Value == partition.Name)))));
            Results.Progress($"{knows}: {trial.Scored.Count} forecasts in {trial.Refreshes} refreshes, {clock.Elapsed.TotalSeconds:0} s");
        }

        Write(rows, missed, nodes, isJson);
    }

    private static void Write(List<Row> rows, int missed, int nodes, bool isJson)
    {
        var main = rows[0].Score;
        if (isJson)
        {
            Results.WriteJson(new
            {
                main.Coverage,
                main.MedianError,
                main.NaiveMedianError,
                main.Workloads,
                nodes,
                missed,
                results = rows.Select(row => new { row.Knows, row.Tenant, row.Score.Workloads, row.Score.Unknown, row.Score.Coverage, row.Score.Below, row.Score.Above, row.Score.MedianError, row.Score.NaiveMedianError }),
            });
            return;
        }

        Results.WriteTable(
            $"Starts of workloads that waited for more than a minute, {nodes} nodes of 8 GPUs; errors as a share of the wait",
            ["durations", "tenant", "workloads", "p50 unknown", "in p10–p90", "before", "after", "median error", "naive"],
            rows.Select(row => new[]
            {
                row.Knows, row.Tenant, Results.Text((long)row.Score.Workloads), Results.Text((long)row.Score.Unknown), $"{row.Score.Coverage:P1}", $"{row.Score.Below:P1}",
                $"{row.Score.Above:P1}", Text(row.Score.MedianError), Text(row.Score.NaiveMedianError),
            }));

        static string Text(double? error) => error is { } value ? $"{value:P1}" : "unknown";
    }
}
