using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Threading.Channels;
using Scheduler.Daemon.Kubernetes;

namespace Scheduler.Daemon.Tests.Support;

/// <summary>One request as it arrived.</summary>
internal sealed record SeenRequest(HttpMethod Method, string Path, string Query, string Body)
{
    public override string ToString() => $"{Method} {Path}{Query}";
}

/// <summary>An API server that answers from a script, in order; what the script does not foresee fails the test by a 599.</summary>
internal sealed class ScriptedServer : HttpMessageHandler
{
    private readonly ConcurrentQueue<Func<SeenRequest, CancellationToken, Task<HttpResponseMessage>>> _answers = new();
    private readonly Channel<SeenRequest> _seen = Channel.CreateUnbounded<SeenRequest>();

    public ConcurrentQueue<SeenRequest> Requests { get; } = new();

    public ApiServerClient Client(TimeProvider time, TimeSpan? timeout = null) =>
        new(new HttpClient(this) { BaseAddress = new Uri("http://scripted/"), Timeout = Timeout.InfiniteTimeSpan }, time, timeout ?? TimeSpan.FromSeconds(15));

    public ScriptedServer Answer(string body, HttpStatusCode code = HttpStatusCode.OK) =>
        Answer(_ => new HttpResponseMessage(code) { Content = new StringContent(body, Encoding.UTF8, "application/json") });

    /// <summary>Refuses, but not before <paramref name="gate"/> ends.</summary>
    public ScriptedServer RefuseAfter(Task gate, HttpStatusCode code)
    {
        _answers.Enqueue(async (_, cancellation) =>
        {
            await gate.WaitAsync(cancellation);
            return Refusal(code, "", null);
        });
        return this;
    }

    public ScriptedServer Refuse(HttpStatusCode code, string reason = "", int? retryAfterSeconds = null) =>
        Answer(_ => Refusal(code, reason, retryAfterSeconds));

    private static HttpResponseMessage Refusal(HttpStatusCode code, string reason, int? retryAfterSeconds)
    {
        var response = new HttpResponseMessage(code)
        {
            Content = new StringContent($$"""{"kind":"Status","status":"Failure","code":{{(int)code}},"reason":"{{reason}}","message":"scripted"}"""),
        };
        if (retryAfterSeconds is { } seconds)
            response.Headers.RetryAfter = new(TimeSpan.FromSeconds(seconds));
        return response;
    }

    public ScriptedServer Fail(Exception failure) => Answer((Func<SeenRequest, HttpResponseMessage>)(_ => throw failure));

    /// <summary>Never answers.</summary>
    public ScriptedServer Hang()
    {
        _answers.Enqueue(async (_, cancellation) =>
        {
            await Task.Delay(Timeout.Infinite, cancellation);
            throw new InvalidOperationException("unreachable");
        });
        return this;
    }

    public ScriptedServer Answer(Func<SeenRequest, HttpResponseMessage> answer)
    {
        _answers.Enqueue((request, _) => Task.FromResult(answer(request)));
        return this;
    }

    /// <summary>A body that the test writes piece by piece.</summary>
    public LiveBody AnswerLive()
    {
        var body = new LiveBody();
        Answer(_ => new HttpResponseMessage(HttpStatusCode.OK) { Content = new StreamContent(body.Reading) });
        return body;
    }

    public async Task<SeenRequest> NextRequestAsync() => await _seen.Reader.ReadAsync(TestContext.Current.CancellationToken).Soon();

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken);
        var seen = new SeenRequest(request.Method, request.RequestUri!.AbsolutePath, request.RequestUri.Query, body);
        Requests.Enqueue(seen);
        _seen.Writer.TryWrite(seen);
        return _answers.TryDequeue(out var answer)
            ? await answer(seen, cancellationToken)
            : new HttpResponseMessage((HttpStatusCode)599) { Content = new StringContent($"the script has no answer to {seen}") };
    }
}

/// <summary>A response body in the hands of the test.</summary>
internal sealed class LiveBody
{
    private readonly System.IO.Pipelines.Pipe _pipe = new();

    public Stream Reading => _pipe.Reader.AsStream();

    public async Task WriteAsync(string text)
    {
        await _pipe.Writer.WriteAsync(Encoding.UTF8.GetBytes(text), TestContext.Current.CancellationToken);
    }

    public Task LineAsync(string json) => WriteAsync(json + "\n");

    /// <summary>The server ends the response properly.</summary>
    public void End() => _pipe.Writer.Complete();

    /// <summary>The connection breaks.</summary>
    public void Cut() => _pipe.Writer.Complete(new IOException("connection reset"));
}
