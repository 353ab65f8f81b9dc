using System.Diagnostics;
using k8s;
using k8s.Models;
using Scheduler.EndToEnd.Tests.Checking;
using Scheduler.EndToEnd.Tests.Openb;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.EndToEnd.Tests.Running;

/// <summary>
/// The whole of it: a control plane, everything below <c>deploy/</c> applied to it, the openb nodes and tenants, a watch of every
/// pod from the beginning, and the daemon as a process with the rights of its service account.
/// </summary>
public sealed class OpenbRun : IAsyncDisposable
{
    private const int Nodes = 100;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly ControlPlane _plane;
    private readonly IKubernetes _client;
    private BindingWatch? _watch;
    private DaemonProcess? _daemon;

    private OpenbRun(ControlPlane plane, string folder)
    {
        _plane = plane;
        _client = plane.CreateClient();
        Api = new ApiClient(plane.Endpoint);
        Scenario = new OpenbScenario(_client, Api, OpenbTrace.Nodes(folder, Nodes), OpenbTrace.Pods(folder, Pods));
    }

    /// <summary>How many pods of the trace the run takes.</summary>
    public static int Pods => 500;

    /// <summary>The API with an administrator's rights.</summary>
    public ApiClient Api { get; }

    public OpenbScenario Scenario { get; }

    public DaemonProcess Daemon => _daemon ?? throw new InvalidOperationException("the run has not started");

    public BindingWatch Watch => _watch ?? throw new InvalidOperationException("the run has not started");

    /// <summary>Starts everything; there are no pods yet. Skips the calling test where the trace or the control plane is missing.</summary>
    public static async Task<OpenbRun> StartAsync(CancellationToken cancellationToken)
    {
        ControlPlaneFixture.Require();
        var folder = OpenbTrace.FolderOrSkip();
        var run = new OpenbRun(await ControlPlane.StartAsync(cancellationToken), folder);
        try
        {
            await run.PrepareAsync(cancellationToken);
            return run;
        }
        catch
        {
            await run.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Waits for the end state: whatever fits is bound, and the rest says why it waits. On the way there, at every look, no device
    /// and no tenant is over its limit.
    /// </summary>
    /// <returns>The pods in that state.</returns>
    public async Task<IReadOnlyList<V1Pod>> SettleAsync(CancellationToken cancellationToken)
    {
        for (var clock = Stopwatch.StartNew(); ;)
        {
            var (pods, nodes) = await Scenario.ReadAsync(cancellationToken);
            var violations = ClusterChecker.Violations(pods, nodes, Scenario.Limits);
            var broken = violations.Where(violation => !violation.EndsWith("does not say why", StringComparison.Ordinal)).ToList();
            Assert.True(broken.Count == 0, Report("a promise was broken on the way", broken));
            var unfinished = violations.Concat(ClusterChecker.FitsButWaits(pods, nodes, Scenario.Limits)).ToList();
            if (unfinished.Count == 0)
            {
                await Watch.UntilBoundAsync(pods.Count(IsBound), Patience, cancellationToken);
                return pods;
            }
            Assert.True(Daemon.IsRunning, Report("the daemon ended by itself", []));
            Assert.True(clock.Elapsed < Patience, Report($"not finished after {clock.Elapsed}", unfinished));
            await Task.Delay(TimeSpan.FromMilliseconds(250), cancellationToken);
        }
    }

    public static bool IsBound(V1Pod pod) => !string.IsNullOrEmpty(pod.Spec.NodeName);

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null) await _daemon.DisposeAsync();
        if (_watch is not null) await _watch.DisposeAsync();
        Api.Dispose();
        _client.Dispose();
        await _plane.DisposeAsync();
    }

    private async Task PrepareAsync(CancellationToken cancellationToken)
    {
        foreach (var part in (string[])["crds", "base"]) await Manifests.ApplyAsync(Api, cancellationToken, part);
        await Scenario.CreateClusterAsync(cancellationToken);
        await Scenario.CreateTenantsAsync(cancellationToken);
        _watch = await BindingWatch.StartAsync(Api, cancellationToken);
        _daemon = await DaemonProcess.StartAsync(_plane, cancellationToken);
    }

    private string Report(string what, IReadOnlyCollection<string> findings) =>
        $"{what}\n{string.Join('\n', findings.Take(20))}\n({findings.Count} in all)\n{Daemon.Log()}";
}
