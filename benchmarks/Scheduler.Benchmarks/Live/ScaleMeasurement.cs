using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Scheduler.Benchmarks.Commands;
using Scheduler.Benchmarks.Measuring;
using Scheduler.TestKit;
using Cluster = Scheduler.SimulatedCluster.SimulatedCluster;

namespace Scheduler.Benchmarks.Live;

/// <summary>What a large cluster costs the daemon.</summary>
internal sealed record ScaleFigures(
    int Nodes, int Pods, int Running, int Waiting, double ReadySeconds, double RssAtReadyMiB, double PeakRssMiB,
    double WatchToDecisionP50Ms, double WatchToDecisionP99Ms, double WatchToDecisionMaxMs, int Probes);

/// <summary>
/// The daemon as a process on the embedded API server, which is full of pods that run and pods that wait. Then single pods come for
/// which there is room, and what counts is when their binding is seen on a watch.
/// </summary>
internal static class ScaleMeasurement
{
    private const int Tenants = 50;
    private const string ProbeSpace = "probes";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan BetweenProbes = TimeSpan.FromMilliseconds(100);

    /// <summary>GPUs that only the probes may use: one in twenty.</summary>
    public static int RoomForProbes(int nodes) => Math.Max(1, nodes / 20) * LiveObjects.GpusPerNode;

    public static async Task<ScaleFigures> MeasureAsync(int nodes, int pods, int probes, CancellationToken cancellationToken)
    {
        if (!OperatingSystem.IsLinux()) throw new MeasurementException("the memory of a process is read from /proc: run this on Linux");
        if (!File.Exists(DaemonProcess.Program)) throw new MeasurementException($"{DaemonProcess.Program} is missing: build src/Scheduler.Cli in the same configuration");
        var running = Math.Min(pods * 4 / 5, (nodes * LiveObjects.GpusPerNode) - RoomForProbes(nodes));
        await using var cluster = await Cluster.StartAsync(new() { Manifests = ReadManifests(), WatchHistoryLength = 200_000 }, cancellationToken);
        Fill(cluster, nodes, pods, running);
        for (var clock = Stopwatch.StartNew(); cluster.CountPods().Running < running; await Task.Delay(100, cancellationToken))
        {
            if (clock.Elapsed > Patience) throw new MeasurementException($"{cluster.CountPods().Running} of {running} pods run after {Patience}");
        }

        Results.Progress($"{running} pods run, {pods - running} wait");
        var endpoint = new ApiEndpoint(cluster.Address);
        using var api = new BulkApi(endpoint);
        await using var watch = await BoundWatch.StartAsync(endpoint, ProbeSpace, cancellationToken);
        var start = Stopwatch.GetTimestamp();
        await using var daemon = await DaemonProcess.StartAsync(endpoint, cancellationToken);
        var readySeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var rssAtReady = MemoryMiB(daemon, "VmRSS");
        Results.Progress(string.Create(CultureInfo.InvariantCulture, $"ready after {readySeconds:F2} s"));
        var latencies = new Samples();
        for (var number = -1; number < probes; number++)
        {
            // The first is not counted: it also waits for the first plan of all.
            var latency = await ProbeAsync(api, watch, daemon, LiveObjects.Name("probe", number + 1), cancellationToken);
            if (number >= 0) latencies.Add(latency);
            if (latency < BetweenProbes) await Task.Delay(BetweenProbes - latency, cancellationToken);
        }

        return new ScaleFigures(
            nodes, pods, running, pods - running, Math.Round(readySeconds, 2), rssAtReady, MemoryMiB(daemon, "VmHWM"),
            latencies.Median, latencies.Percentile(99), latencies.Percentile(100), latencies.Count);
    }

    /// <summary>From the moment before the pod is sent to the moment its node is seen: creation, watch, plan, binding and watch.</summary>
    private static async Task<TimeSpan> ProbeAsync(BulkApi api, BoundWatch watch, DaemonProcess daemon, string name, CancellationToken cancellationToken)
    {
        var sent = Stopwatch.GetTimestamp();
        await api.CreateAsync($"/api/v1/namespaces/{ProbeSpace}/pods", [LiveObjects.Pod(ProbeSpace, name, "weir").ToJsonString()], cancellationToken);
        try
        {
            await watch.UntilAsync(name, Patience, cancellationToken);
        }
        catch (MeasurementException exception)
        {
            throw new MeasurementException($"{exception.Message}\n{daemon.Log()}");
        }

        return Stopwatch.GetElapsedTime(sent, watch.At(name));
    }

    private static void Fill(Cluster cluster, int nodes, int pods, int running)
    {
        void Create(string json) => cluster.Create(JsonNode.Parse(json)!.AsObject());
        string[] spaces = [.. Enumerable.Range(0, Tenants).Select(number => LiveObjects.Name("tenant", number))];
        foreach (var space in spaces.Append(ProbeSpace)) Create(LiveObjects.Namespace(space));

        // All that a tenant may have runs already: what else it has waits, and is looked at in every plan.
        for (var tenant = 0; tenant < Tenants; tenant++) Create(LiveObjects.Tenant(spaces[tenant], (running - tenant + Tenants - 1) / Tenants));
        Create(LiveObjects.Tenant(ProbeSpace, RoomForProbes(nodes)));
        string[] names = [.. Enumerable.Range(0, nodes).Select(number => LiveObjects.Name("node", number))];
        foreach (var name in names) Create(LiveObjects.Node(name));
        for (var pod = 0; pod < pods; pod++)
        {
            var space = spaces[pod % Tenants];
            cluster.Create(pod < running
                ? LiveObjects.Pod(space, LiveObjects.Name("pod", pod), "weir", names[pod / LiveObjects.GpusPerNode], pod % LiveObjects.GpusPerNode)
                : LiveObjects.Pod(space, LiveObjects.Name("pod", pod), "weir"));
        }
    }

    private static string[] ReadManifests() =>
        [.. new[] { "crds/tenants.yaml", "crds/podgroups.yaml", "base/namespace.yaml", "base/priorityclasses.yaml" }.Select(file => File.ReadAllText(Repository.PathOf("deploy", file)))];

    /// <summary>A line of <c>/proc/PID/status</c>: VmRSS is now, VmHWM the most so far.</summary>
    private static double MemoryMiB(DaemonProcess daemon, string what)
    {
        var line = File.ReadLines($"/proc/{daemon.Id}/status").First(line => line.StartsWith(what + ":", StringComparison.Ordinal));
        return Math.Round(long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2].Split('\t')[^1], CultureInfo.InvariantCulture) / 1024.0, 1);
    }
}
