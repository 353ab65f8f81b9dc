using System.CommandLine;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;

namespace Scheduler.Benchmarks.Commands;

/// <summary><c>micro</c>: the inner pieces, by BenchmarkDotNet.</summary>
internal static class MicroCommand
{
    public static Command Create()
    {
        var filter = new Option<string>("--filter")
        {
            Description = "Which benchmarks, as a pattern over Class.Method",
            HelpName = "PATTERN",
            DefaultValueFactory = _ => "*",
        };
        var output = CommonOptions.Output();
        var command = new Command("micro", "The inner pieces: entitlement, one placement, victim search") { filter, output };
        command.SetAction(result => Run(result.GetValue(filter)!, isJson: result.GetValue(output) == "json"));
        return command;
    }

    private static int Run(string filter, bool isJson)
    {
        // In this process: the project as it is built is what is measured, and nothing is restored or built anew.
        var config = ManualConfig.CreateEmpty()
            .AddJob(Job.ShortRun.WithToolchain(InProcessNoEmitToolchain.Instance))
            .AddDiagnoser(MemoryDiagnoser.Default)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddLogger(new TextLogger(Console.Error))
            .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "weir-benchmarks"))
            .WithOptions(ConfigOptions.DisableLogFile);
        var summaries = BenchmarkSwitcher.FromAssembly(typeof(MicroCommand).Assembly).Run(["--filter", filter], config).ToArray();
        var reports = summaries.SelectMany(summary => summary.Reports).ToArray();
        if (reports.Length == 0 || reports.Any(report => report.ResultStatistics is null))
        {
            throw new MeasurementException(reports.Length == 0
                ? $"--filter: no benchmark matches '{filter}'"
                    : "a benchmark gave no result; its error is above");
        }

        Write(reports, isJson);
        return 0;
    }

    private static void Write(BenchmarkReport[] reports, bool isJson)
    {
        var rows = reports.Select(report => (
            Name: $"{report.BenchmarkCase.Descriptor.Type.Name}.{report.BenchmarkCase.Descriptor.WorkloadMethod.Name}",
            Parameters: report.BenchmarkCase.Parameters.DisplayInfo,
            MeanUs: Math.Round(report.ResultStatistics!.Mean / 1000, 3),
            Allocated: report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase) ?? 0)).ToArray();
        if (isJson)
        {
            Results.WriteJson(new
            {
                benchmarks = rows.Select(row => new
                {
                    name = row.Name,
                    parameters = row.Parameters,
                    meanUs = row.MeanUs,
                    allocatedBytes = row.Allocated,
                }),
            });
            return;
        }

        Results.WriteTable(
            "Inner pieces", ["benchmark", "parameters", "mean µs", "allocated bytes"],
            rows.Select(row => new[] { row.Name, row.Parameters, Results.Text(row.MeanUs), Results.Text(row.Allocated) }));
    }
}
