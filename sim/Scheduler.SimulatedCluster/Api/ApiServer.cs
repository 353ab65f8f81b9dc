using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Scheduler.SimulatedCluster.Api;

/// <summary>The connections: HTTP on loopback, each request handed to the <see cref="RequestRouter"/>.</summary>
internal sealed class ApiServer : IAsyncDisposable
{
    public const int MaxBodyBytes = 3 * 1024 * 1024;

    /// <summary>
    /// What is beyond <see cref="MaxBodyBytes"/> is read and dropped up to here: a client that is still sending when the connection
    /// closes would see a broken pipe instead of the answer.
    /// </summary>
    private const int MaxReadBytes = 4 * MaxBodyBytes;
    private const int MaxConnections = 20_000;

    private readonly WebApplication _app;

    private ApiServer(WebApplication app) => _app = app;

    public Uri Address { get; private set; } = new("http://127.0.0.1");

    /// <exception cref="AddressInUseException">Another program listens on the port.</exception>
    public static async Task<ApiServer> StartAsync(RequestRouter router, int port, CancellationToken ct)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = [] });
        builder.Logging.ClearProviders(); // one line per request is nobody's interest; failures are logged here
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, port);
            kestrel.Limits.MaxRequestBodySize = MaxReadBytes;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            kestrel.Limits.MinResponseDataRate = null; // a quiet watch is no slow reader
            kestrel.AddServerHeader = false;
        });
        var app = builder.Build();
        var server = new ApiServer(app);
        app.Run(router.HandleAsync);
        try
        {
            await app.StartAsync(ct);
        }
        catch (IOException e) when (e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            await app.DisposeAsync();
            throw new AddressInUseException(port, e);
        }

        var bound = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        server.Address = new Uri(bound);
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }
}

/// <summary>Signals belong to the program that the cluster is part of.</summary>
internal sealed class NoLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
