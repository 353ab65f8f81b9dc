using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Api;

/// <summary>The HTTP side: one terminal handler that takes the path apart and hands over to the room that knows the answer.</summary>
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
    private readonly ApiRooms _rooms;
    private readonly ILogger _logger;
    private readonly Discovery _discovery;
    private readonly OpenApi _openApi;

    private ApiServer(WebApplication app, ApiRooms rooms, ResourceRegistry registry, ILogger logger)
    {
        _logger = logger;
        _app = app;
        _rooms = rooms;
        _discovery = new Discovery(registry);
        _openApi = new OpenApi(registry);
    }

    public Uri Address { get; private set; } = new("http://127.0.0.1");

    /// <exception cref="AddressInUseException">Another program listens on the port.</exception>
    public static async Task<ApiServer> StartAsync(ApiRooms rooms, ResourceRegistry registry, int port, ILoggerFactory loggers, CancellationToken ct)
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
        var server = new ApiServer(app, rooms, registry, loggers.CreateLogger<ApiServer>());
        app.Run(server.HandleAsync);
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

    private async Task HandleAsync(HttpContext http)
    {
        var request = new RequestContext(http);
        try
        {
            await RouteAsync(request);
        }
        catch (ApiException e) when (!http.Response.HasStarted)
        {
            await request.AnswerAsync(e);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client is gone; nobody is left to answer.
        }
        catch (Exception e) when (!http.Response.HasStarted)
        {
            Log.RequestFailed(_logger, http.Request.Method, http.Request.Path, e);
            await request.AnswerAsync(new ApiException(500, "InternalError", $"Internal error occurred: {e.Message}", new JsonObject()));
        }
    }

    private async Task RouteAsync(RequestContext request)
    {
        var path = request.Http.Request.Path.Value ?? "/";
        switch (path.TrimEnd('/'))
        {
            case "/healthz" or "/livez" or "/readyz":
                request.Http.Response.StatusCode = _rooms.FailedRooms() is { Count: > 0 } ? StatusCodes.Status500InternalServerError : StatusCodes.Status200OK;
                await request.AnswerTextAsync(_rooms.FailedRooms() is { Count: > 0 } failed ? $"stopped: {string.Join(", ", failed)}" : "ok");
                return;
            case "/version":
                await request.AnswerAsync(200, Discovery.Version);
                return;
            case "/openapi/v2":
                await OpenApiVersion2Async(request);
                return;
            case "/openapi/v3":
                await request.AnswerAsync(200, _openApi.Index());
                return;
            case "/api" or "/apis":
                await DiscoveryAsync(request, isCore: path.StartsWith("/api", StringComparison.Ordinal) && !path.StartsWith("/apis", StringComparison.Ordinal));
                return;
        }

        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (await DocumentAsync(request, parts))
            return;
        await ResourceAsync(request, RequestPath.Parse(path) ?? throw ApiException.NoSuchPath());
    }

    private static async Task OpenApiVersion2Async(RequestContext request)
    {
        if (request.Accepts(OpenApi.AskedProtobufMediaType) || request.Accepts(OpenApi.ProtobufMediaType))
            await request.AnswerAsync(200, OpenApi.EmptyVersion2Protobuf, contentType: OpenApi.ProtobufMediaType);
        else
            await request.AnswerAsync(200, OpenApi.Version2());
    }

    private async Task DiscoveryAsync(RequestContext request, bool isCore)
    {
        if (request.Accepts(Discovery.AggregatedMediaType))
        {
            request.Http.Response.Headers.Vary = "Accept";
            await request.AnswerAsync(200, PreparedObject.ToBytes(_discovery.Aggregated(isCore)), contentType: Discovery.AggregatedMediaType);
        }
        else
        {
            await request.AnswerAsync(200, isCore ? Discovery.CoreVersions(Address.Authority) : _discovery.GroupList());
        }
    }

    /// <summary>Discovery and OpenAPI documents of one group or version.</summary>
    private async Task<bool> DocumentAsync(RequestContext request, string[] parts)
    {
        var document = parts switch
        {
            ["openapi", "v3", "api", var version] => _openApi.Document("", version) ?? throw ApiException.NoSuchPath(),
            ["openapi", "v3", "apis", var group, var version] => _openApi.Document(group, version) ?? throw ApiException.NoSuchPath(),
            ["api", var version] => _discovery.ResourceList("", version) ?? throw ApiException.NoSuchPath(),
            ["apis", var group] => _discovery.Group(group) ?? throw ApiException.NoSuchPath(),
            ["apis", var group, var version] => _discovery.ResourceList(group, version) ?? throw ApiException.NoSuchPath(),
            _ => null,
        };
        if (document is null)
            return false;
        await request.AnswerAsync(200, document);
        return true;
    }

    private async Task ResourceAsync(RequestContext request, RequestPath path)
    {
        var method = request.Http.Request.Method;
        if (method == "POST" && path is { Group: "", Plural: "bindings", Name: "" })
        {
            await _rooms.Pods.BindAsync(request, new ObjectKey(path.Namespace, ""));
            return;
        }

        if (method == "POST" && await _rooms.Reviews.TryAnswerAsync(request, path))
            return;
        var type = _rooms.Objects.Registry.Find(path.Group, path.Version, path.Plural) ?? throw ApiException.NoSuchPath();
        if (!type.IsNamespaced && path.Namespace.Length > 0)
            throw ApiException.NoSuchPath();
        if (path.Name.Length == 0)
            await CollectionAsync(request, type, path, method);
        else if (type.IsNamespaced && path.Namespace.Length == 0)
            throw ApiException.NoSuchPath();
        else if (path.Subresource.Length == 0)
            await ObjectAsync(request, type, new ObjectKey(path.Namespace, path.Name), method);
        else
            await SubresourceAsync(request, type, new ObjectKey(path.Namespace, path.Name), path.Subresource, method);
    }

    private async Task CollectionAsync(RequestContext request, ResourceType type, RequestPath path, string method)
    {
        var inNamespace = type.IsNamespaced && path.Namespace.Length > 0 ? path.Namespace : null;
        switch (method)
        {
            case "GET" when request.Flag("watch"):
                await _rooms.Watches.WatchAsync(request, type, inNamespace);
                break;
            case "GET":
                await _rooms.Reads.ListAsync(request, type, inNamespace);
                break;
            case "POST":
                await _rooms.Writes.CreateAsync(request, type, path.Namespace);
                break;
            case "DELETE" when inNamespace is not null || !type.IsNamespaced:
                await _rooms.Writes.DeleteCollectionAsync(request, type, inNamespace);
                break;
            default:
                throw ApiException.MethodNotAllowed();
        }
    }

    private async Task ObjectAsync(RequestContext request, ResourceType type, ObjectKey key, string method)
    {
        switch (method)
        {
            case "GET":
                await _rooms.Reads.GetAsync(request, type, key);
                break;
            case "PUT":
                await _rooms.Writes.UpdateAsync(request, type, key, UpdateScope.Main);
                break;
            case "PATCH":
                await _rooms.Writes.PatchAsync(request, type, key, UpdateScope.Main);
                break;
            case "DELETE":
                await _rooms.Writes.DeleteAsync(request, type, key);
                break;
            default:
                throw ApiException.MethodNotAllowed();
        }
    }

    private async Task SubresourceAsync(RequestContext request, ResourceType type, ObjectKey key, string subresource, string method)
    {
        switch (subresource, method)
        {
            case ("status", "GET") when type.HasStatus:
                await _rooms.Reads.GetAsync(request, type, key);
                break;
            case ("status", "PUT") when type.HasStatus:
                await _rooms.Writes.UpdateAsync(request, type, key, UpdateScope.Status);
                break;
            case ("status", "PATCH") when type.HasStatus:
                await _rooms.Writes.PatchAsync(request, type, key, UpdateScope.Status);
                break;
            case ("scale", "GET") when type.HasScale:
                await _rooms.Scales.GetAsync(request, type, key);
                break;
            case ("scale", "PUT" or "PATCH") when type.HasScale:
                await _rooms.Scales.WriteAsync(request, type, key, method == "PATCH");
                break;
            case ("finalize", "PUT") when type.StorageName == "namespaces":
                await _rooms.Writes.UpdateAsync(request, type, key, UpdateScope.Internal);
                break;
            case ("binding", "POST") when type.StorageName == "pods":
                await _rooms.Pods.BindAsync(request, key);
                break;
            case ("eviction", "POST") when type.StorageName == "pods":
                await _rooms.Pods.EvictAsync(request, key);
                break;
            case ("log", "GET") when type.StorageName == "pods":
                await _rooms.Pods.LogAsync(request, key);
                break;
            default:
                throw ApiException.NoSuchPath();
        }
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

/// <summary>The handlers behind the paths.</summary>
internal sealed record ApiRooms(
    ObjectService Objects, ReadHandler Reads, WriteHandler Writes, WatchHandler Watches, PodSubresources Pods, ScaleSubresource Scales, Reviews Reviews,
    Func<IReadOnlyList<string>> FailedRooms);
