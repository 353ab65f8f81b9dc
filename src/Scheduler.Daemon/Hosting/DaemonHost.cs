using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Prometheus;
using Scheduler.Daemon.Api;
using Scheduler.Daemon.Extender;
using Scheduler.Daemon.Loop;
using Scheduler.Daemon.Options;
using Scheduler.Daemon.Security;
using Scheduler.Daemon.Web;

namespace Scheduler.Daemon.Hosting;

/// <summary>
/// A whole daemon: watches, scheduling loop, writers, HTTP and gRPC. <c>weir run</c> uses one against a cluster, <c>weir up</c> one
/// beside the embedded cluster in the same process.
/// </summary>
/// <example>
/// <code>
/// await using var host = DaemonHost.Build(new DaemonSettings { KubeconfigPath = path });
/// await host.StartAsync(cancellation);
/// await host.Completion;               // until StopAsync, or a failure
/// </code>
/// </example>
public sealed class DaemonHost : IAsyncDisposable
{
    /// <summary>The largest request of the gRPC API: its requests name things, and no more.</summary>
    private const int MaxRequestBytes = 64 << 10;

    private readonly WebApplication _app;
    private readonly DaemonParts _parts;
    private readonly ApiOptions _api;
    private readonly ExtenderOptions _extender;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ILogger _logger;
    private Task? _run;

    private DaemonHost(WebApplication app, DaemonParts parts, DaemonSettings settings, ILogger logger)
    {
        _app = app;
        _parts = parts;
        _api = settings.Api;
        _extender = settings.Extender;
        _logger = logger;
    }

    /// <summary>The last finished cycle, for readers in this process. Safe from any thread.</summary>
    public ReadModel ReadModel => _parts.ReadModel;

    /// <summary>Raised after each cycle on the scheduling loop's thread, so handlers must be quick; what they throw is logged.</summary>
    public event Action<PublishedCycle>? CycleEnded
    {
        add => _parts.Loop.CycleEnded += value;
        remove => _parts.Loop.CycleEnded -= value;
    }

    /// <summary>Completes when every first list is done.</summary>
    public Task Synced => _parts.Synced;

    /// <summary>Ends when the daemon has stopped; faults if a part of it failed. Incomplete before <see cref="StartAsync"/>.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Where /healthz, /readyz and /metrics are, once started.</summary>
    public Uri HttpAddress { get; private set; } = new("http://localhost/");

    /// <summary>Where gRPC is, once started.</summary>
    public Uri GrpcAddress { get; private set; } = new("http://localhost/");

    /// <summary>Where the extender answers, once started, with the path before its verbs; null where it is not served.</summary>
    public Uri? ExtenderAddress { get; private set; }

    /// <summary>The API server that the daemon works for.</summary>
    public Uri ApiServer => _parts.Client.BaseAddress;

    /// <summary>What /readyz answers.</summary>
    public HealthReport Readiness => _parts.Health.Ready();

    /// <summary>Checks the settings and puts a daemon together. Talks to nobody yet.</summary>
    /// <exception cref="StartupException">A setting is out of range (every such mistake is named), or there is no usable kubeconfig.</exception>
    public static DaemonHost Build(DaemonSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        DaemonConfiguration.Check(settings);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "weir" });
        AddLogging(builder.Logging, settings);
        builder.Services.AddRoutingCore();

        var loggers = LoggerFactory.Create(logging => AddLogging(logging, settings));
        builder.Services.AddSingleton(loggers);
        var logger = loggers.CreateLogger("Weir");
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            Listen(kestrel, settings, logger);
            if (settings.Extender.Enabled)
                ExtenderListener.Listen(kestrel, settings.Extender, settings.Time, logger);
        });
        var parts = new DaemonParts(settings, ApiServerConnector.Connect(settings), loggers);
        AddApi(builder.Services, parts, settings.Api, settings.Time);
        var app = builder.Build();
        Map(app, parts, settings);
        return new DaemonHost(app, parts, settings, logger);
    }

    /// <summary>Opens the ports and begins to work. Returns at once; an API server that is away is waited for in the background.</summary>
    /// <exception cref="StartupException">A port is in use, or the address is not one of this machine.</exception>
    public async Task StartAsync(CancellationToken cancellation = default)
    {
        try
        {
            await _app.StartAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is IOException or SocketException or AddressInUseException)
        {
            var reason = failure.GetBaseException() is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse } or AddressInUseException
                ? "is in use; stop what uses it, or choose another port (0 takes a free one)"
                : $"cannot be opened: {failure.GetBaseException().Message}";
            var ports = $"port {_api.HttpPort} or {_api.GrpcPort} on {_api.Address}";
            if (_extender.Enabled)
                ports += $", or {_extender.Port} on {_extender.Address} (the extender's),";
            throw new StartupException($"{ports} {reason}", failure);
        }

        // In the order in which Listen opened them.
        var addresses = _app.Urls.Select(url => new Uri(url)).ToList();
        (HttpAddress, GrpcAddress) = (addresses[0], addresses[1]);
        Log.Serving(_logger, HttpAddress.ToString(), GrpcAddress.ToString(), ApiServer.ToString());
        if (_extender.Enabled)
        {
            ExtenderAddress = new Uri(addresses[2], ExtenderHandler.Prefix.TrimEnd('/'));
            Log.ExtenderServing(_logger, ExtenderAddress.ToString(), string.Join(", ", _extender.SchedulerNames));
        }

        _run = RunAsync();
    }

    /// <summary>
    /// Stops in order: no new decisions, bindings under way are finished, the lease is released, the ports are closed.
    /// </summary>
    public async Task StopAsync(CancellationToken cancellation = default)
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        if (_run is not null)
            await _run.WaitAsync(cancellation).ConfigureAwait(false);
        await _app.StopAsync(cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
        _parts.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await _parts.Runtime.RunAsync(_stop.Token).ConfigureAwait(false);
            _completion.TrySetResult();
        }
        catch (Exception failure)
        {
            // Whoever awaits Completion gets it; the parts have logged it.
            _completion.TrySetException(failure);
        }
    }

    private static void Listen(KestrelServerOptions kestrel, DaemonSettings settings, ILogger logger)
    {
        var api = settings.Api;
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = api.MaxConnections;
        var tls = api.CertificateFile.Length > 0 ? ApiTls.Options(api, settings.Time, logger) : null;
        var address = IPAddress.Parse(api.Address);
        kestrel.Listen(address, api.HttpPort, listen => listen.Protocols = HttpProtocols.Http1);
        kestrel.Listen(address, api.GrpcPort, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            if (tls is not null)
                listen.UseHttps(tls);
        });
    }

    private static void AddLogging(ILoggingBuilder logging, DaemonSettings settings)
    {
        logging.ClearProviders();
        logging.SetMinimumLevel(settings.LogLevel);
        logging.AddFilter("Microsoft", settings.LogLevel > LogLevel.Warning ? settings.LogLevel : LogLevel.Warning);
        // What these would tell is told once, in one line: a port in use by a StartupException, a missing list by the readiness.
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel", LogLevel.None);
        logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel.BadRequests", LogLevel.Warning);
        logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        logging.AddFilter("Grpc", settings.LogLevel > LogLevel.Warning ? settings.LogLevel : LogLevel.Warning);
        if (settings.LogLevel == LogLevel.None)
            return;
        // Everything to stderr: stdout is for what a command answers.
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        if (settings.LogFormat == LogFormat.Json)
            logging.AddJsonConsole(json => (json.UseUtcTimestamp, json.TimestampFormat) = (true, "yyyy-MM-ddTHH:mm:ss.fffZ"));
        else
            logging.AddSimpleConsole(text => (text.SingleLine, text.UseUtcTimestamp, text.TimestampFormat) = (true, true, "HH:mm:ss.fff "));
    }

    private static void AddApi(IServiceCollection services, DaemonParts parts, ApiOptions api, TimeProvider time)
    {
        services.AddSingleton(parts.ReadModel);
        services.AddSingleton(new ApiLimits(api.MaxWatchers));
        services.AddSingleton(parts.History);
        services.AddSingleton(parts.Gpus);
        services.AddSingleton(parts.Forecasts);
        services.AddSingleton(parts.Cache);
        services.AddSingleton(parts.Leadership);
        services.AddSingleton(time);
        services.AddSingleton(parts.PlanningPolicy);
        services.AddSingleton(parts.Access);
        services.AddGrpc(options =>
        {
            options.MaxReceiveMessageSize = MaxRequestBytes;
            options.Interceptors.Add<AccessInterceptor>();
        });
        if (api.Reflection)
            services.AddGrpcReflection();
        services.AddGrpcHealthChecks(options => options.Services.Map("", _ => true))
            .AddCheck("weir", () => parts.Health.IsSynced ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("the first lists are not done"));
        services.Configure<HealthCheckPublisherOptions>(publish => (publish.Delay, publish.Period) = (TimeSpan.Zero, TimeSpan.FromSeconds(1)));
    }

    private static void Map(WebApplication app, DaemonParts parts, DaemonSettings settings)
    {
        if (parts.Extender is { } extender)
            ExtenderListener.Map(app, extender);
        app.MapGrpcService<QueueApi>();
        app.MapGrpcService<TenantApi>();
        app.MapGrpcService<ExportApi>();
        app.MapGrpcService<ClusterApi>();
        app.MapGrpcHealthChecksService();
        if (settings.Api.Reflection)
            app.MapGrpcReflectionService();
        app.MapGet("/healthz", context => AnswerAsync(context, parts.Health.Live()));
        app.MapGet("/readyz", context => AnswerAsync(context, parts.Health.Ready()));
        app.MapMetrics("/metrics", parts.Metrics.Registry);
        // The page does not ask who looks yet, so it is only where nobody is asked.
        if (settings.AllowAnonymous)
            new WebPage(parts.ReadModel, app.Services.GetRequiredService<ApiLimits>(), settings.Time).Map(app);
    }

    private static Task AnswerAsync(HttpContext context, HealthReport report)
    {
        context.Response.StatusCode = report.IsOk ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(report.Text, context.RequestAborted);
    }
}
