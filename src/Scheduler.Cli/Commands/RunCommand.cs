using System.CommandLine;
using Microsoft.Extensions.Logging;
using Scheduler.Cli.Hosting;
using Scheduler.Cli.Input;
using Scheduler.Daemon.Hosting;
using Scheduler.Input;

namespace Scheduler.Cli.Commands;

/// <summary><c>weir run</c>: the daemon against a cluster.</summary>
internal static class RunCommand
{
    public static Command Create(TimeProvider time)
    {
        var kubeconfig = new Option<string?>("--kubeconfig") { Description = "Kubeconfig of the cluster (default $KUBECONFIG, ~/.kube/config, the pod's service account)", HelpName = "FILE" };
        var context = new Option<string?>("--context") { Description = "Context of the kubeconfig", HelpName = "NAME" };
        var server = new Option<string?>("--server") { Description = "Address of an API server that asks for no credentials, such as that of weir up", HelpName = "URL" };
        var inCluster = new Option<bool>("--in-cluster") { Description = "Use the service account of the pod that it runs in" };
        var config = new Option<string?>("--config") { Description = "Settings of the daemon in YAML: sections kubernetes, scheduling, leadership, api, extender, journal and log", HelpName = "FILE" };
        var policy = CommonOptions.Policy();
        var httpPort = CommonOptions.Integer("--http-port", "Port of /healthz, /readyz and /metrics (default 8080; 0 for a free one)", 0, 65_535);
        var grpcPort = CommonOptions.Integer("--grpc-port", "Port of the gRPC API (default 7461; 0 for a free one)", 0, 65_535);
        var address = new Option<string?>("--listen") { Description = "IP address to listen on (default 127.0.0.1)", HelpName = "ADDRESS" };
        var logFormat = CommonOptions.Choice<LogFormat>("--log-format", "How log lines look (default text)", LogFormat.Text, LogFormat.Json);
        var logLevel = CommonOptions.Choice<LogLevel>("--log-level", "The least that is logged (default information)", Enum.GetValues<LogLevel>());
        var command = new Command("run", "Run the scheduler against a Kubernetes cluster, until it is told to end")
        {
            kubeconfig, context, server, inCluster, config, policy, address, httpPort, grpcPort, logFormat, logLevel,
        };
        command.Validators.Add(result =>
        {
            Option[] ways = [kubeconfig, server, inCluster];
            var given = ways.Where(way => result.GetResult(way) is { Implicit: false }).Select(way => way.Name).ToArray();
            if (given.Length > 1)
            {
                result.AddError($"{string.Join(" and ", given)} name different ways to a cluster; keep one");
            }
        });
        command.SetAction(async (result, stop) =>
        {
            var errors = new FileErrors();
            var settings = result.GetValue(config) is { } file ? DaemonConfigFile.Read(file, errors) : new DaemonSettings();
            var rules = result.GetValue(policy) is { } policyFile ? ConfigurationReader.Read([policyFile], errors)?.Policy : null;
            errors.ThrowIfAny();
            if (rules is not null)
            {
                EmbeddedDaemon.WithPolicy(settings.Scheduling, rules);
            }

            settings.Api.Address = result.GetValue(address) ?? settings.Api.Address;
            settings.Api.HttpPort = result.GetValue(httpPort) ?? settings.Api.HttpPort;
            settings.Api.GrpcPort = result.GetValue(grpcPort) ?? settings.Api.GrpcPort;
            await RunAsync(
                settings with
                {
                    KubeconfigPath = result.GetValue(kubeconfig),
                    KubeContext = result.GetValue(context),
                    Server = result.GetValue(server) is { } url ? CommonOptions.ToUri("--server", url) : null,
                    InCluster = result.GetValue(inCluster),
                    LogFormat = result.GetResult(logFormat) is null ? settings.LogFormat : result.GetValue(logFormat),
                    LogLevel = result.GetResult(logLevel) is null ? settings.LogLevel : result.GetValue(logLevel),
                    Time = time,
                },
                stop);
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task RunAsync(DaemonSettings settings, CancellationToken stop)
    {
        await using var host = DaemonHost.Build(settings);
        await host.StartAsync(stop);
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = stop.Register(() => stopped.TrySetResult());
        // A part that fails ends Completion with its failure, which must reach the shell.
        await await Task.WhenAny(host.Completion, stopped.Task);
    }
}
