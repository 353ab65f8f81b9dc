using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Core.Model;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Tests.Support;

namespace Scheduler.Daemon.Tests.Kubernetes;

public sealed class PodBinderTests : IDisposable
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(100);

    private readonly BarrierTimeProvider _time = new();
    private readonly ScriptedServer _server = new();
    private readonly LeadershipTerm _term;

    public PodBinderTests() => _term = LeadershipTerm.Unlimited(_time);

    [Fact]
    public async Task Node_and_devices_are_one_write_with_the_uid_as_precondition()
    {
        _server.Answer("{}", HttpStatusCode.Created);
        Assert.Equal(BindResult.Bound, (await BindAsync()).Result);
        var request = await _server.NextRequestAsync();
        Assert.Equal("/api/v1/namespaces/ns/pods/p/binding", request.Path);
        using var body = JsonDocument.Parse(request.Body);
        var meta = body.RootElement.GetProperty("metadata");
        Assert.Equal("uid-p", meta.GetProperty("uid").GetString());
        Assert.Equal("0,1", meta.GetProperty("annotations").GetProperty("weir.scheduler/gpu-devices").GetString());
        Assert.Equal("n1", body.RootElement.GetProperty("target").GetProperty("name").GetString());
        Assert.Equal(("v1", "Binding"), (body.RootElement.GetProperty("apiVersion").GetString(), body.RootElement.GetProperty("kind").GetString()));
    }

    [Theory]
    [InlineData(HttpStatusCode.Conflict, BindResult.Conflict)]
    [InlineData(HttpStatusCode.NotFound, BindResult.Gone)]
    [InlineData(HttpStatusCode.Forbidden, BindResult.Rejected)]
    [InlineData(HttpStatusCode.UnprocessableEntity, BindResult.Rejected)]
    internal async Task A_refusal_is_final(HttpStatusCode code, BindResult expected)
    {
        _server.Refuse(code);
        Assert.Equal(expected, (await BindAsync()).Result);
        Assert.Single(_server.Requests);
    }

    [Fact]
    public async Task Too_many_requests_are_tried_again_after_what_the_server_asks_for()
    {
        _server.Refuse(HttpStatusCode.TooManyRequests, retryAfterSeconds: 3).Answer("{}");
        var bind = BindAsync();
        await _time.AdvanceWhenArmedAsync(TimeSpan.FromSeconds(3) + First);
        Assert.Equal(BindResult.Bound, (await bind).Result);
        // Nothing was written by a request that was not let in, so the pod is not asked.
        Assert.DoesNotContain(_server.Requests, request => request.Method == HttpMethod.Get);
    }

    [Theory]
    [InlineData("n1", "uid-p", BindResult.Bound)]
    [InlineData("n2", "uid-p", BindResult.Conflict)]
    [InlineData("n1", "uid-other", BindResult.Gone)]
    internal async Task After_a_timeout_the_pod_is_asked_before_anything_is_written(string node, string uid, BindResult expected)
    {
        _server.Hang().Answer(Pod(node, uid));
        var bind = BindAsync();
        await _time.AdvanceWhenArmedAsync(TimeSpan.FromSeconds(15));
        await _time.AdvanceWhenArmedAsync(First);
        Assert.Equal(expected, (await bind).Result);
        Assert.Equal(["POST", "GET"], _server.Requests.Select(request => request.Method.Method));
    }

    [Fact]
    public async Task After_a_broken_connection_that_wrote_nothing_it_is_written_again()
    {
        _server.Fail(new HttpRequestException("connection reset")).Answer(Pod(null, "uid-p")).Answer("{}");
        var bind = BindAsync();
        await _time.AdvanceWhenArmedAsync(First);
        Assert.Equal(BindResult.Bound, (await bind).Result);
    }

    [Fact]
    public async Task A_pod_that_is_gone_after_a_doubtful_write_is_gone()
    {
        _server.Refuse(HttpStatusCode.InternalServerError).Refuse(HttpStatusCode.NotFound);
        var bind = BindAsync();
        await _time.AdvanceWhenArmedAsync(First);
        Assert.Equal(BindResult.Gone, (await bind).Result);
    }

    [Fact]
    public async Task A_conflict_that_answers_our_own_first_write_is_a_success()
    {
        _server.Refuse(HttpStatusCode.GatewayTimeout).Answer(Pod(null, "uid-p")).Refuse(HttpStatusCode.Conflict).Answer(Pod("n1", "uid-p"));
        var bind = BindAsync();
        await _time.AdvanceWhenArmedAsync(First);
        Assert.Equal(BindResult.Bound, (await bind).Result);
    }

    [Fact]
    public async Task Attempts_are_bounded_and_wait_longer_each_time()
    {
        for (var attempt = 0; attempt < 5; attempt++)
            _server.Refuse(HttpStatusCode.TooManyRequests);
        var bind = BindAsync();
        foreach (var milliseconds in new[] { 100, 200, 400, 800 })
            await _time.AdvanceWhenArmedAsync(TimeSpan.FromMilliseconds(milliseconds));
        var outcome = await bind;
        Assert.Equal(BindResult.Exhausted, outcome.Result);
        Assert.StartsWith("5 attempts", outcome.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_last_attempt_without_an_answer_leaves_it_unknown_whether_the_pod_is_bound()
    {
        for (var attempt = 0; attempt < 4; attempt++)
            _server.Refuse(HttpStatusCode.TooManyRequests);
        _server.Refuse(HttpStatusCode.GatewayTimeout);
        var bind = BindAsync();
        foreach (var milliseconds in new[] { 100, 200, 400, 800 })
            await _time.AdvanceWhenArmedAsync(TimeSpan.FromMilliseconds(milliseconds));
        Assert.Equal(BindResult.Unknown, (await bind).Result);
    }

    [Fact]
    public async Task A_stop_while_the_write_is_on_its_way_leaves_it_unknown_too()
    {
        _server.Hang();
        using var stop = new CancellationTokenSource();
        var bind = BindAsync(stop.Token);
        await _server.NextRequestAsync();
        await stop.CancelAsync();
        Assert.Equal(BindResult.Unknown, (await bind).Result);
    }

    [Theory]
    [InlineData("n1", "uid-p", BindResult.Bound)]
    [InlineData("n2", "uid-p", BindResult.Conflict)]
    [InlineData("n1", "uid-other", BindResult.Gone)]
    internal async Task What_became_of_a_binding_can_be_found_out(string node, string uid, BindResult expected)
    {
        _server.Answer(Pod(node, uid));
        Assert.Equal(expected, (await Binder().FindOutAsync(Request, TestContext.Current.CancellationToken))!.Result);
        _server.Answer(Pod(null, "uid-p"));
        Assert.Null(await Binder().FindOutAsync(Request, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Nothing_is_sent_without_the_lease()
    {
        _term.End();
        Assert.Equal(BindResult.Fenced, (await BindAsync()).Result);
        Assert.Empty(_server.Requests);
    }

    [Fact]
    public async Task Nothing_is_sent_again_once_the_lease_is_lost()
    {
        _server.Refuse(HttpStatusCode.TooManyRequests);
        var bind = BindAsync();
        await _time.UntilArmedAsync(First);
        _term.End();
        _time.Advance(First);
        Assert.Equal(BindResult.Fenced, (await bind).Result);
    }

    public void Dispose()
    {
        _server.Dispose();
        _term.Dispose();
    }

    private static BindRequest Request => new(new PodId("uid-p"), "ns", "p", new NodeName("n1"), [0, 1], new WorkloadId("ns/pod/p"));

    private PodBinder Binder() => new(_server.Client(_time), new BinderSettings(), _time, NullLogger.Instance, () => 1);

    private Task<BindOutcome> BindAsync(CancellationToken? stop = null) =>
        Binder().BindAsync(Request, _term, stop ?? TestContext.Current.CancellationToken);

    private static string Pod(string? node, string uid) => $$"""
        {"metadata":{"name":"p","namespace":"ns","uid":"{{uid}}"},"spec":{"nodeName":{{(node is null ? "null" : $"\"{node}\"")}} } }
        """;
}
