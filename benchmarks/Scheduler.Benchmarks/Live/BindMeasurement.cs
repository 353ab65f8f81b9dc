using System.Diagnostics;
using System.Globalization;
using Scheduler.Benchmarks.Commands;
using Scheduler.TestKit;

namespace Scheduler.Benchmarks.Live;

/// <summary>One way to bind all the pods, once.</summary>
/// <param name="PerSecond">Pods bound per second, from the first to the last.</param>
/// <param name="SecondsFromStart">From the start of the program to the last pod.</param>
/// <param name="Events">Events that had been written when the last pod was bound.</param>
internal sealed record BindRun(double PerSecond, double SecondsFromStart, long Events);

/// <summary>The ways of one round.</summary>
internal sealed record BindRound(BindRun Bare, BindRun KubeScheduler, BindRun Weir);

/// <summary>
/// Who binds how fast on one real API server: bare Binding requests, kube-scheduler, Weir, one after the other, each with nodes and
/// pods of its own. All pods wait before a scheduler starts, so what counts is the rate of its bindings and not that of the creation.
/// </summary>
internal static class BindMeasurement
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    private sealed record Setting(ControlPlane Plane, BulkApi Api, BoundWatch Watch, string Space, string[] Nodes, string[] Pods);

    public static async Task<List<BindRound>> MeasureAsync(int nodes, int pods, int rounds, int? statusWrites, CancellationToken cancellationToken)
    {
        var programs = ControlPlane.FindOrNull() ?? throw new MeasurementException("no kube-apiserver and etcd on this machine: run eng/control-plane");
        if (programs.Scheduler is null) throw new MeasurementException("no kube-scheduler beside kube-apiserver: run eng/control-plane");
        if (!File.Exists(DaemonProcess.Program)) throw new MeasurementException($"{DaemonProcess.Program} is missing: build src/Scheduler.Cli in the same configuration");
        await using var plane = await ControlPlane.StartAsync(cancellationToken);
        using var api = new BulkApi(plane.Endpoint);
        await Manifests.ApplyAsync(api.Client, cancellationToken, "crds");
        await Manifests.ApplyAsync(api.Client, cancellationToken, "base");

        // Not counted: an API server that has just started answers more slowly.
        await PhaseAsync(plane, api, "warm-up", "nobody", nodes, pods, BareAsync, cancellationToken);
        var result = new List<BindRound>();
        for (var round = 1; round <= rounds; round++)
        {
            result.Add(new BindRound(
                await PhaseAsync(plane, api, $"bare-{round}", "nobody", nodes, pods, BareAsync, cancellationToken),
                await PhaseAsync(plane, api, $"kube-{round}", "default-scheduler", nodes, pods, KubeSchedulerAsync, cancellationToken),
                await PhaseAsync(plane, api, $"weir-{round}", "weir", nodes, pods, (setting, cancel) => WeirAsync(setting, statusWrites, cancel), cancellationToken)));
        }

        return result;
    }

    private static async Task<BindRun> PhaseAsync(
        ControlPlane plane, BulkApi api, string space, string scheduler, int nodes, int pods,
        Func<Setting, CancellationToken, Task<BindRun>> measure, CancellationToken cancellationToken)
    {
        string[] nodeNames = [.. Enumerable.Range(0, nodes).Select(number => LiveObjects.Name($"{space}-node", number))];
        string[] podNames = [.. Enumerable.Range(0, pods).Select(number => LiveObjects.Name("pod", number))];
        await api.CreateAsync("/api/v1/namespaces", [LiveObjects.Namespace(space)], cancellationToken);
        await api.CreateAsync("/api/v1/nodes", nodeNames.Select(LiveObjects.Node), cancellationToken);
        await api.CreateAsync($"/api/v1/namespaces/{space}/pods", podNames.Select(name => LiveObjects.Pod(space, name, scheduler).ToJsonString()), cancellationToken);
        BindRun run;
        await using (var watch = await BoundWatch.StartAsync(plane.Endpoint, space, cancellationToken))
        {
            run = await measure(new Setting(plane, api, watch, space, nodeNames, podNames), cancellationToken);
        }

        Results.Progress($"{space}: {Results.Text(run.PerSecond)} pods/s, {Results.Text(run.SecondsFromStart)} s from the start, {run.Events} Events by then");
        await api.DeleteAsync(podNames.Select(name => $"/api/v1/namespaces/{space}/pods/{name}"), cancellationToken);
        await api.DeleteAsync(nodeNames.Select(name => $"/api/v1/nodes/{name}"), cancellationToken);
        return run;
    }

    private static async Task<BindRun> BareAsync(Setting setting, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        var bindings = setting.Pods.Select((pod, number) => (pod, setting.Nodes[number / LiveObjects.GpusPerNode]));
        await setting.Api.BindAsync(setting.Space, bindings, cancellationToken);
        await setting.Watch.UntilAsync(setting.Pods.Length, Patience, cancellationToken);
        return await ResultAsync(setting, start, setting.Watch.First, cancellationToken);
    }

    private static async Task<BindRun> KubeSchedulerAsync(Setting setting, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        await setting.Plane.StartKubeSchedulerAsync(cancellationToken: cancellationToken);
        try
        {
            await setting.Watch.UntilAsync(setting.Pods.Length, Patience, cancellationToken);
            return await ResultAsync(setting, start, setting.Watch.First, cancellationToken);
        }
        finally
        {
            await setting.Plane.KillSchedulerAsync();
        }
    }

    private static async Task<BindRun> WeirAsync(Setting setting, int? statusWrites, CancellationToken cancellationToken)
    {
        await setting.Api.CreateAsync(
            "/apis/weir.scheduler/v1/tenants", [LiveObjects.Tenant(setting.Space, setting.Nodes.Length * LiveObjects.GpusPerNode)], cancellationToken);
        try
        {
            var configuration = statusWrites is null ? null : string.Create(CultureInfo.InvariantCulture, $"kubernetes: {{statusWritesPerSecond: {statusWrites}}}\n");
            var start = Stopwatch.GetTimestamp();
            await using var daemon = await DaemonProcess.StartAsync(setting.Plane, cancellationToken, configuration);
            // Weir plans for all before it binds the first: its clock begins when it is ready, so that the planning counts.
            var ready = Stopwatch.GetTimestamp();
            try
            {
                await setting.Watch.UntilAsync(setting.Pods.Length, Patience, cancellationToken);
            }
            catch (MeasurementException exception)
            {
                throw new MeasurementException($"{exception.Message}\n{daemon.Log()}");
            }

            var result = await ResultAsync(setting, start, Math.Min(ready, setting.Watch.First), cancellationToken);

            // In order, so that the lease is free for the next round.
            await daemon.TerminateAsync();
            return result;
        }
        finally
        {
            await setting.Api.DeleteAsync([$"/apis/weir.scheduler/v1/tenants/{setting.Space}"], cancellationToken);
        }
    }

    private static async Task<BindRun> ResultAsync(Setting setting, long start, long from, CancellationToken cancellationToken)
    {
        var last = setting.Watch.Last;
        return new BindRun(
            Math.Round(setting.Pods.Length / Stopwatch.GetElapsedTime(from, last).TotalSeconds, 1),
            Math.Round(Stopwatch.GetElapsedTime(start, last).TotalSeconds, 2),
            await setting.Api.CountAsync($"/api/v1/namespaces/{setting.Space}/events", cancellationToken));
    }
}
