using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Scheduler.Daemon.Api;
using Scheduler.Daemon.Loop;

namespace Scheduler.Daemon.Web;

/// <summary>
/// The live web page: three files that are part of the program, and /state, which they ask for what to show. Nothing is loaded from
/// elsewhere, and nothing can be changed through it.
/// </summary>
internal sealed class WebPage(ReadModel readModel, ApiLimits limits, TimeProvider time)
{
    /// <summary>How long /state waits for a cycle after the one that is known, before it answers with that.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(25);

    private static readonly (string Path, string File, string Type)[] Files =
    [
        ("/", "index.html", "text/html; charset=utf-8"),
        ("/page.css", "page.css", "text/css; charset=utf-8"),
        ("/page.js", "page.js", "text/javascript; charset=utf-8"),
    ];

    private readonly Lock _gate = new();
    private (long Number, byte[] Body)? _usual;

    /// <summary>Serves the page.</summary>
    public void Map(IEndpointRouteBuilder app)
    {
        foreach (var (path, file, type) in Files)
        {
            var content = Read(file);
            var tag = $"\"{Convert.ToHexString(SHA256.HashData(content)[..8])}\"";
            app.MapGet(path, context => SendFileAsync(context, content, type, tag));
        }

        app.MapGet("/state", SendStateAsync);
    }

    private static byte[] Read(string file)
    {
        using var stream = typeof(WebPage).Assembly.GetManifestResourceStream($"Scheduler.Daemon.Web.page.{file}")
            ?? throw new InvalidOperationException($"{file} is not part of the program");
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return memory.ToArray();
    }

    private static Task SendFileAsync(HttpContext context, byte[] content, string type, string tag)
    {
        Protect(context.Response);
        context.Response.Headers.ETag = tag;
        context.Response.Headers.CacheControl = "no-cache";
        if (context.Request.Headers.IfNoneMatch == tag)
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        context.Response.ContentType = type;
        return context.Response.Body.WriteAsync(content, context.RequestAborted).AsTask();
    }

    /// <summary>Only its own files, nothing embedded elsewhere, no guessing of types.</summary>
    private static void Protect(HttpResponse response)
    {
        response.Headers.ContentSecurityPolicy =
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
    }

    private async Task SendStateAsync(HttpContext context)
    {
        Protect(context.Response);
        context.Response.Headers.CacheControl = "no-store";
        if (!TryParse(context.Request.Query, out var after, out var filter, out var mistake))
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, mistake).ConfigureAwait(false);
            return;
        }

        PublishedCycle? cycle;
        try
        {
            using var slot = limits.TakeWatcher();
            cycle = await NextAsync(after, context.RequestAborted).ConfigureAwait(false);
        }
        catch (RpcException full) when (full.StatusCode == StatusCode.ResourceExhausted)
        {
            await RefuseAsync(context, StatusCodes.Status429TooManyRequests, full.Status.Detail).ConfigureAwait(false);
            return;
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The page was closed: nobody reads an answer.
            return;
        }

        if (cycle is null)
        {
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "the scheduler has not finished its first cycle yet").ConfigureAwait(false);
            return;
        }

        context.Response.ContentType = "application/json; charset=utf-8";
        await context.Response.Body.WriteAsync(Body(cycle, filter), context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>The newest cycle: at once if it is after the known one, else as soon as there is one, or when patience ends.</summary>
    private async Task<PublishedCycle?> NextAsync(long after, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellation);
        try
        {
            return await readModel.WaitForNextAsync(after, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return readModel.Current;
        }
    }

    /// <summary>What most viewers ask for is written once for each cycle.</summary>
    private byte[] Body(PublishedCycle cycle, QueueFilter filter)
    {
        if (filter != QueueFilter.Default)
            return Write(cycle, filter);
        lock (_gate)
        {
            if (_usual is { } usual && usual.Number == cycle.Number)
                return usual.Body;
            var body = Write(cycle, filter);
            _usual = (cycle.Number, body);
            return body;
        }
    }

    private byte[] Write(PublishedCycle cycle, QueueFilter filter) =>
        JsonSerializer.SerializeToUtf8Bytes(PageStateBuilder.Build(cycle, readModel.Recent, filter), PageJson.Default.PageState);

    private static bool TryParse(IQueryCollection query, out long after, out QueueFilter filter, out string mistake)
    {
        (after, filter, mistake) = (0, QueueFilter.Default, "");
        if (query.TryGetValue("after", out var number) && !long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out after))
        {
            mistake = "after must be the number of a cycle";
            return false;
        }

        var count = QueueFilter.Default.Count;
        if (query.TryGetValue("count", out var wanted)
            && (!int.TryParse(wanted, NumberStyles.None, CultureInfo.InvariantCulture, out count) || count is < 1 or > QueueFilter.MaxCount))
        {
            mistake = $"count must be from 1 to {QueueFilter.MaxCount}";
            return false;
        }

        filter = new QueueFilter(query["tenant"].ToString(), query["search"].ToString(), count);
        return true;
    }

    private static Task RefuseAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(message, context.RequestAborted);
    }
}
