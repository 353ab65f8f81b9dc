using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Scheduler.SimulatedCluster.Exporters;
using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster.Api;

/// <summary>One terminal handler that takes the path apart and hands over to the room that knows the answer.</summary>
internal sealed class RequestRouter(ApiRooms rooms, ResourceRegistry registry, ILoggerFactory loggers)
{
    private readonly ApiRooms _rooms = rooms;
    private readonly ILogger _logger = loggers.CreateLogger<RequestRouter>();
    private readonly Discovery _discovery = new(registry);
    private readonly OpenApi _openApi = new(registry);

    public async Task HandleAsync(HttpContext http)
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
        if (parts is ["exporters", var node, "metrics"])
        {
            await ExporterAsync(request.Http, node);
            return;
        }

        if (await DocumentAsync(request, parts))
            return;
        await ResourceAsync(request, RequestPath.Parse(path) ?? throw ApiException.NoSuchPath());
    }

    /// <summary>The metrics of a node's GPUs. No part of the API: the exporter's pod says that it is found here.</summary>
    private async Task ExporterAsync(HttpContext http, string node)
    {
        using var body = new MemoryStream();
        if (!await _rooms.Exporters.TryWriteAsync(node, body, http.RequestAborted))
        {
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }

        http.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        body.Position = 0;
        await body.CopyToAsync(http.Response.Body, http.RequestAborted);
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
            await request.AnswerAsync(200, isCore ? Discovery.CoreVersions(request.Http.Request.Host.Value ?? "") : _discovery.GroupList());
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
}

/// <summary>The handlers behind the paths.</summary>
internal sealed record ApiRooms(
    ObjectService Objects, ReadHandler Reads, WriteHandler Writes, WatchHandler Watches, PodSubresources Pods, ScaleSubresource Scales, Reviews Reviews,
    SimulatedExporters Exporters, Func<IReadOnlyList<string>> FailedRooms);
