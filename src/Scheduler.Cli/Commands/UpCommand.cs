using System.CommandLine;
using System.Globalization;
using Scheduler.Cli.Up;

namespace Scheduler.Cli.Commands;

/// <summary><c>weir up</c>: a cluster and the scheduler in one process, to look at and to try things on.</summary>
internal static class UpCommand
{
    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var nodes = CommonOptions.Nodes("The cluster's nodes: own YAML, or an openb node list (.csv)");
        var tenants = new Option<string?>("--tenants") { Description = "Tenant manifests, as kubectl applies them", HelpName = "FILE" };
        var workload = new Option<string?>("--workload")
        {
            Description = "What is submitted: own YAML (docs/workloads.md), or an openb pod list (.csv, .csv.gz)",
            HelpName = "FILE",
        };
        var policy = CommonOptions.Policy();
        var limit = CommonOptions.Integer("--limit", "Take only the first N rows of a pod list", 1, 10_000_000);
        var port = CommonOptions.Integer("--port", "Port of the Kubernetes API (default 7460, or a free one if that is taken)", 0, 65_535);
        var apiPort = CommonOptions.Integer("--api-port", "Port of Weir's gRPC API (default 7461, or a free one if that is taken)", 0, 65_535);
        var speed = Speed();
        var duration = CommonOptions.Duration("--for", "End this long after the start with a summary, such as 30s or 5m");
        var inject = new Option<string[]>("--inject")
        {
            Description = "Break something: \"20s xid NODE GPU CODE\", or hot, remap (NODE GPU), silent, reject (NODE), heal (NODE [GPU]); - reads commands from stdin, without a time. May be repeated",
            HelpName = "FAULT",
        };
        var output = CommonOptions.Output();
        var verbose = new Option<bool>("--verbose") { Description = "Log to stderr" };
        var command = new Command("up", "Start a cluster and the scheduler in one process, and watch; without options a small demo")
        {
            nodes, tenants, workload, policy, limit, speed, port, apiPort, duration, inject, output, verbose,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(output) == OutputFormat.Json && result.GetValue(workload) is null && result.GetResult(duration) is null)
            {
                result.AddError("--output json without --workload would never end by itself; add --for 30s");
            }
        });
        command.SetAction(async (result, stop) =>
        {
            var options = new UpOptions
            {
                NodeFile = result.GetValue(nodes),
                TenantFile = result.GetValue(tenants),
                WorkloadFile = result.GetValue(workload),
                PolicyFile = result.GetValue(policy),
                Limit = result.GetValue(limit),
                Port = result.GetValue(port),
                ApiPort = result.GetValue(apiPort),
                Speed = result.GetValue(speed),
                For = result.GetValue(duration),
                Injections = result.GetValue(inject) ?? [],
                Output = result.GetValue(output),
                IsVerbose = result.GetValue(verbose),
            };
            return await new UpSession(terminal, options, UpInputs.Read(options), time).RunAsync(stop);
        });
        return command;
    }

    private static Option<double?> Speed() => new("--speed")
    {
        Description = "How much faster than written the workload arrives and runs (default 1; for a pod list what makes it arrive in 25 s)",
        HelpName = "N",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            return double.TryParse(text, NumberStyles.AllowDecimalPoint, NumberFormatInfo.InvariantInfo, out var speed) && speed is > 0 and <= 1e9
                ? speed
                : CommonOptions.Refuse<double>(result, $"--speed: '{text}' is not a number above 0, such as 60");
        },
    };
}
