using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Scheduler.FaultSimulation.Faults;
using Scheduler.FaultSimulation.Time;

namespace Scheduler.FaultSimulation.Network;

/// <summary>
/// The connection of one client to the API server, as an HttpClient sees it. Each request travels, is served and its answer
/// travels back, and each of these can go wrong.
/// </summary>
internal sealed class ApiConnection(
    VirtualTime time, Actor client, Actor server, FaultSource faults, RunLog log, Func<HttpContext, Task> serve, Action<string> onWrite,
    Action<Exception> onServerBug) : HttpMessageHandler
{
    // What the server takes to notice that a client is gone.
    private static readonly TimeSpan NoticedAfter = TimeSpan.FromSeconds(1);

    private readonly HashSet<Exchange> _open = [];

    private bool _isPartitioned;

    /// <summary>From now on nothing gets through, and open watches are silent for good.</summary>
    public void Partition()
    {
        _isPartitioned = true;
        foreach (var exchange in _open.ToList())
            exchange.Delivery?.Silence();
    }

    /// <summary>New requests get through again.</summary>
    public void Heal() => _isPartitioned = false;

    /// <summary>Breaks every watch that is open.</summary>
    public void BreakWatches()
    {
        foreach (var exchange in _open.ToList())
            exchange.Delivery?.Break();
    }

    /// <summary>The client is gone: its connections break at the server.</summary>
    public void Close()
    {
        foreach (var exchange in _open.ToList())
            Abort(exchange);
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var exchange = new Exchange(request, request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false));
        var isWrite = request.Method != HttpMethod.Get;
        if (isWrite)
            onWrite($"{request.Method} {exchange.Path}");
        var fault = _isPartitioned ? RequestFault.Swallowed : faults.OfRequest();
        if (fault != RequestFault.None)
            log.Write("network", $"{client.Name}: {fault}: {request.Method} {exchange.Path}");
        await using var abandoned = cancellationToken.UnsafeRegister(_ =>
        {
            exchange.Answer.TrySetCanceled(cancellationToken);
            Abort(exchange);
        }, null);
        Travel(exchange, fault, isWrite);
        return await exchange.Answer.Task.ConfigureAwait(false);
    }

    private void Travel(Exchange exchange, RequestFault fault, bool isWrite)
    {
        switch (fault)
        {
            case RequestFault.Refused:
                var status = faults.Refusal(isWrite);
                time.After(faults.Latency() + faults.Latency(), client, () => exchange.Answer.TrySetResult(Refusal(exchange, status)));
                break;
            case RequestFault.Unreachable:
                time.After(faults.Latency(), client, () => exchange.Answer.TrySetException(new HttpRequestException("no route to the API server")));
                break;
            case RequestFault.Swallowed:
                break;
            default:
                time.After(faults.Latency(), server, () => _ = ServeAsync(exchange, fault, isWrite));
                break;
        }
    }

    private async Task ServeAsync(Exchange exchange, RequestFault fault, bool isWrite)
    {
        // Nobody would read the answer; a write takes effect all the same, because it was on its way.
        if (!isWrite && exchange.Answer.Task.IsCompleted)
            return;
        try
        {
            var http = ContextOf(exchange);
            using var body = new MemoryStream();
            if (exchange.IsWatch)
                http.Features.Set<IHttpResponseBodyFeature>(new WatchBody(bytes => WatchFlushed(exchange, http, bytes)));
            else
                http.Response.Body = body;
            if (isWrite)
                log.Write("server", $"{exchange.Method} {exchange.Path} from {client.Name} {(log.IsKept ? Encoding.UTF8.GetString(exchange.Body) : "")}");
            _open.Add(exchange);
            await serve(http).ConfigureAwait(false);
            _open.Remove(exchange);
            if (exchange.Delivery is { } delivery)
                delivery.End();
            else
                Answer(exchange, fault, http, exchange.IsWatch ? exchange.Early.ToArray() : body.ToArray());
        }
        catch (Exception bug)
        {
            onServerBug(bug);
        }
    }

    private void Answer(Exchange exchange, RequestFault fault, HttpContext http, byte[] body)
    {
        if (fault == RequestFault.AnswerSwallowed)
            return;
        var answer = Message(exchange, (HttpStatusCode)http.Response.StatusCode, body);
        if (http.Response.Headers.RetryAfter is [{ } retry] && int.TryParse(retry, out var seconds))
            answer.Headers.RetryAfter = new RetryConditionHeaderValue(TimeSpan.FromSeconds(seconds));
        time.After(faults.Latency(), client, () =>
        {
            if (fault == RequestFault.AnswerLost)
                exchange.Answer.TrySetException(new HttpRequestException("the connection was reset before the answer came"));
            else
                exchange.Answer.TrySetResult(answer);
        });
    }

    private void WatchFlushed(Exchange exchange, HttpContext http, ReadOnlyMemory<byte> bytes)
    {
        if (http.Response.StatusCode != StatusCodes.Status200OK)
        {
            exchange.Early.Write(bytes.Span);
            return;
        }

        if (exchange.Delivery is null)
        {
            var delivery = exchange.Delivery = new WatchDelivery(time, client, faults, log, $"{client.Name}: watch of {http.Request.Path}");
            time.After(faults.Latency(), client, () =>
            {
                var answer = Message(exchange, HttpStatusCode.OK, null);
                answer.Content = new StreamContent(new ConnectionStream(delivery.Stream, () => Abort(exchange)));
                exchange.Answer.TrySetResult(answer);
            });
        }

        exchange.Delivery.Send(bytes.Span);
    }

    private void Abort(Exchange exchange) => time.After(NoticedAfter, server, exchange.Aborted.Cancel);

    private static DefaultHttpContext ContextOf(Exchange exchange)
    {
        var http = new DefaultHttpContext();
        var path = exchange.Path;
        var query = path.IndexOf('?', StringComparison.Ordinal);
        http.Request.Method = exchange.Method;
        http.Request.Scheme = "http";
        http.Request.Host = new HostString("api");
        http.Request.Path = query < 0 ? path : path[..query];
        http.Request.QueryString = query < 0 ? QueryString.Empty : new QueryString(path[query..]);
        http.Request.Headers.Accept = "application/json";
        http.Request.Headers.UserAgent = "weir";
        http.Request.ContentType = exchange.ContentType;
        http.Request.Body = new MemoryStream(exchange.Body);
        http.RequestAborted = exchange.Aborted.Token;
        return http;
    }

    private static HttpResponseMessage Refusal(Exchange exchange, HttpStatusCode status)
    {
        var reason = status switch
        {
            HttpStatusCode.Conflict => "Conflict",
            HttpStatusCode.TooManyRequests => "TooManyRequests",
            HttpStatusCode.ServiceUnavailable => "ServiceUnavailable",
            _ => "InternalError",
        };
        var body = $$"""{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"injected","reason":"{{reason}}","code":{{(int)status}}}""";
        var message = Message(exchange, status, Encoding.UTF8.GetBytes(body));
        if (status == HttpStatusCode.TooManyRequests)
            message.Headers.RetryAfter = new RetryConditionHeaderValue(TimeSpan.FromSeconds(1));
        return message;
    }

    private static HttpResponseMessage Message(Exchange exchange, HttpStatusCode status, byte[]? body)
    {
        var message = new HttpResponseMessage(status) { RequestMessage = exchange.Request };
        if (body is not null)
        {
            message.Content = new ByteArrayContent(body);
            message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        return message;
    }

    private sealed class Exchange(HttpRequestMessage request, byte[] body)
    {
        public HttpRequestMessage Request { get; } = request;

        public string Method { get; } = request.Method.Method;

        public string Path { get; } = request.RequestUri!.PathAndQuery;

        public string? ContentType { get; } = request.Content?.Headers.ContentType?.ToString();

        public byte[] Body { get; } = body;

        public bool IsWatch => Path.Contains("watch=true", StringComparison.Ordinal);

        public TaskCompletionSource<HttpResponseMessage> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public CancellationTokenSource Aborted { get; } = new();

        public MemoryStream Early { get; } = new();

        public WatchDelivery? Delivery { get; set; }
    }
}
