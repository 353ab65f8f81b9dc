using System.CommandLine;
using Scheduler.Benchmarks.Measuring;

namespace Scheduler.Benchmarks.Commands;

/// <summary><c>telemetry</c>: reading what the exporters of a whole cluster publish.</summary>
internal static class TelemetryCommand
{
    public static Command Create()
    {
        var nodes = CommonOptions.Whole("--nodes", "Exporters", 1000, 1, CommonOptions.MostNodes);
        var gpus = CommonOptions.Whole("--gpus", "Devices of each", 8, 1, 64);
        var interval = CommonOptions.Whole("--interval", "Seconds between two scrapes", 15, 1, 3600);
        var rounds = CommonOptions.Whole("--rounds", "Scrapes of all of them that count", 5, 1, 1000);
        var output = CommonOptions.Output();
        var command = new Command("telemetry", "Reading what the exporters of a cluster publish: processor time, without the network")
        {
            nodes, gpus, interval, rounds, output,
        };
        command.SetAction(result =>
        {
            var figures = TelemetryMeasurement.Measure(
                result.GetValue(nodes), result.GetValue(gpus), result.GetValue(interval), result.GetValue(rounds));
            if (result.GetValue(output) == "json")
            {
                Results.WriteJson(figures);
            }
            else
            {
                Results.WriteTable(
                    "Reading exporters", ["nodes", "GPUs each", "bytes each", "MB/s", "share of a core", "allocated each"],
                    [[
                        Results.Text(figures.Nodes), Results.Text(figures.Gpus), Results.Text(figures.BodyBytes), Results.Text(figures.MegabytesPerSecond),
                        figures.CoreShare.ToString("P2", System.Globalization.CultureInfo.InvariantCulture), Results.Text(figures.AllocatedBytesPerBody),
                    ]]);
            }

            return 0;
        });
        return command;
    }
}
