using Microsoft.Extensions.Logging;
using Scheduler.Cli.Commands;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Hosting;
using Scheduler.Daemon.Loop;
using Scheduler.Daemon.Options;

namespace Scheduler.Cli.Hosting;

/// <summary>The daemon as <c>weir up</c> uses it: beside the embedded cluster, in this process.</summary>
internal sealed class EmbeddedDaemon : IAsyncDisposable
{
    /// <summary>The gRPC port that is tried first where none is asked for.</summary>
    public const int DefaultPort = 7461;

    private static readonly TimeSpan SyncsWithin = TimeSpan.FromSeconds(30);

    private readonly DaemonHost _host;

    private EmbeddedDaemon(DaemonHost host) => _host = host;

    public Uri GrpcAddress => _host.GrpcAddress;

    public Uri HttpAddress => _host.HttpAddress;

    /// <summary>The last finished cycle; null before the first.</summary>
    public PublishedCycle? Current => _host.ReadModel.Current;

    /// <summary>Faults if a part of the daemon fails.</summary>
    public Task Completion => _host.Completion;

    /// <summary>Starts a daemon against an API server that asks for no credentials.</summary>
    /// <param name="server">The API server.</param>
    /// <param name="policy">How it plans.</param>
    /// <param name="port">gRPC; null tries <see cref="DefaultPort"/> and takes a free one where that is taken.</param>
    /// <param name="logLevel">The least that goes to stderr.</param>
    /// <param name="onCycle">Told after each cycle, on the loop's thread; must be quick.</param>
    /// <param name="stop">Gives up starting.</param>
    /// <exception cref="UserErrorException">The port is taken.</exception>
    public static async Task<EmbeddedDaemon> StartAsync(
        Uri server, SchedulingPolicy policy, int? port, LogLevel logLevel, Action<PublishedCycle> onCycle, CancellationToken stop)
    {
        var settings = new DaemonSettings
        {
            Server = server,
            AllowAnonymous = true,
            Scheduling = WithPolicy(new SchedulingOptions(), policy),
            // There is one daemon, and it starts at once.
            Leadership = new LeadershipOptions { Enabled = false },
            // A demo is short: what exporters say is read as often as it may be.
            Telemetry = new TelemetryOptions { IntervalSeconds = 1 },
            Api = new ApiOptions { GrpcPort = port ?? DefaultPort, HttpPort = 0 },
            LogLevel = logLevel,
        };
        try
        {
            return await StartAsync(settings, onCycle, stop);
        }
        catch (StartupException) when (port is null)
        {
            settings.Api.GrpcPort = 0;
            return await StartAsync(settings, onCycle, stop);
        }
        catch (StartupException exception)
        {
            throw new UserErrorException($"--api-port: port {port} on 127.0.0.1 is in use by another program; stop that program, or leave --api-port out for a free one", exception);
        }
    }

    /// <summary>Waits until the daemon has read the whole cluster; before, it decides nothing.</summary>
    /// <exception cref="UserErrorException">It takes too long, with what is missing.</exception>
    public async Task WaitUntilSyncedAsync(TimeProvider time, CancellationToken stop)
    {
        try
        {
            await _host.Synced.WaitAsync(SyncsWithin, time, stop);
        }
        catch (TimeoutException exception)
        {
            var state = string.Join("; ", _host.Readiness.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries));
            throw new UserErrorException(
                $"the scheduler could not read the embedded cluster within {SyncsWithin.TotalSeconds:0} s ({state}); --verbose shows why", exception);
        }
    }

    /// <summary>Puts a policy into the options of the daemon.</summary>
    public static SchedulingOptions WithPolicy(SchedulingOptions options, SchedulingPolicy policy)
    {
        options.MaxShareOfClusterPermille = policy.MaxShareOfClusterPermille;
        options.RestartCostSeconds = (int)policy.RestartCost.TotalSeconds;
        options.FairShareReclaim = policy.HasFairShareReclaim;
        options.ReservationsPerTenant = policy.ReservationsPerTenant;
        options.TopologyLevels = policy.TopologyLevels;
        options.BurstNodes = policy.BurstNodes;
        options.FragmentationWeight = policy.Scores.Fragmentation;
        options.PackingWeight = policy.Scores.Packing;
        options.PreferenceWeight = policy.Scores.Preference;
        return options;
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    private static async Task<EmbeddedDaemon> StartAsync(DaemonSettings settings, Action<PublishedCycle> onCycle, CancellationToken stop)
    {
        var host = DaemonHost.Build(settings);
        try
        {
            host.CycleEnded += onCycle;
            await host.StartAsync(stop);
            return new EmbeddedDaemon(host);
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }
}
