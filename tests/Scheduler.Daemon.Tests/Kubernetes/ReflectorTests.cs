using System.Net;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Kubernetes.Wire;
using Scheduler.Daemon.Tests.Support;

namespace Scheduler.Daemon.Tests.Kubernetes;

public sealed class ReflectorTests : IAsyncDisposable
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Cap = TimeSpan.FromSeconds(30);

    private readonly BarrierTimeProvider _time = new();
    private readonly ScriptedServer _server = new();
    private readonly Sink _sink = new();
    private readonly Observer _observer = new();
    private readonly CancellationTokenSource _stop = new();
    private Reflector<NamespaceObject, string>? _reflector;
    private Task _run = Task.CompletedTask;

    [Fact]
    public async Task It_follows_the_pages_of_a_list_and_watches_from_its_version()
    {
        _server.Answer(List("7", "more?&", "a", "b")).Answer(List("9", null, "c"));
        var watch = _server.AnswerLive();
        Start();
        Assert.Equal("=a,b,c", await _sink.NextAsync());
        await _server.NextRequestAsync();
        Assert.Contains("continue=more%3F%26", (await _server.NextRequestAsync()).Query, StringComparison.Ordinal);
        Assert.Contains("resourceVersion=9&", (await _server.NextRequestAsync()).Query, StringComparison.Ordinal);
        Assert.True(_reflector!.HasSynced);
        await watch.LineAsync(Event("ADDED", "d", 10));
        await watch.LineAsync(Event("MODIFIED", "a", 11));
        await watch.LineAsync(Event("DELETED", "b", 12));
        Assert.Equal(["+d", "+a", "-b"], [await _sink.NextAsync(), await _sink.NextAsync(), await _sink.NextAsync()]);
    }

    [Fact]
    public async Task Lines_that_arrive_in_pieces_are_put_together()
    {
        _server.Answer(List("1", null));
        var watch = _server.AnswerLive();
        Start();
        await _sink.NextAsync();
        var line = Event("ADDED", "whole", 2) + "\n" + Event("ADDED", "second", 3) + "\n";
        foreach (var piece in line.Chunk(7))
            await watch.WriteAsync(new string(piece));
        Assert.Equal(["+whole", "+second"], [await _sink.NextAsync(), await _sink.NextAsync()]);
    }

    [Fact]
    public async Task A_watch_that_the_server_ends_goes_on_from_the_last_version()
    {
        _server.Answer(List("1", null));
        var watch = _server.AnswerLive();
        var next = _server.AnswerLive();
        Start();
        await watch.LineAsync(Event("ADDED", "a", 5));
        await watch.LineAsync("""{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"8"}}}""");
        watch.End();
        await _sink.NextAsync();
        Assert.Equal("+a", await _sink.NextAsync());
        await Skip(2);
        Assert.Contains("resourceVersion=8&", (await _server.NextRequestAsync()).Query, StringComparison.Ordinal);
        await next.LineAsync(Event("ADDED", "b", 9));
        Assert.Equal("+b", await _sink.NextAsync());
    }

    [Fact]
    public async Task Half_a_line_at_a_cut_is_not_taken_and_the_watch_resumes()
    {
        _server.Answer(List("1", null));
        var watch = _server.AnswerLive();
        var next = _server.AnswerLive();
        Start();
        await watch.LineAsync(Event("ADDED", "a", 2));
        await watch.WriteAsync(Event("ADDED", "half", 3)[..20]);
        watch.End();
        await _sink.NextAsync();
        Assert.Equal("+a", await _sink.NextAsync());
        await _time.AdvanceWhenArmedAsync(First);
        await next.LineAsync(Event("ADDED", "half", 3));
        Assert.Equal("+half", await _sink.NextAsync());
        Assert.Contains("error", _observer.Causes);
    }

    [Fact]
    public async Task A_connection_that_breaks_is_made_again_after_a_wait()
    {
        _server.Answer(List("1", null));
        var watch = _server.AnswerLive();
        var next = _server.AnswerLive();
        Start();
        await watch.LineAsync(Event("ADDED", "a", 2));
        await _sink.NextAsync();
        await _sink.NextAsync();
        watch.Cut();
        await _time.AdvanceWhenArmedAsync(First);
        await next.LineAsync(Event("DELETED", "a", 3));
        Assert.Equal("-a", await _sink.NextAsync());
    }

    [Fact]
    public async Task An_old_version_refused_with_http_410_is_listed_again_at_once_and_replaces_the_state()
    {
        _server.Answer(List("1", null, "a", "b")).Refuse(HttpStatusCode.Gone, "Expired").Answer(List("50", null, "b", "c"));
        _server.AnswerLive();
        Start();
        Assert.Equal("=a,b", await _sink.NextAsync());
        Assert.Equal("=b,c", await _sink.NextAsync());
        Assert.Contains("expired", _observer.Causes);
    }

    [Fact]
    public async Task An_error_event_with_code_410_is_listed_again()
    {
        _server.Answer(List("1", null, "a"));
        var watch = _server.AnswerLive();
        _server.Answer(List("50", null, "b"));
        _server.AnswerLive();
        Start();
        await watch.LineAsync("""{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}""");
        Assert.Equal("=a", await _sink.NextAsync());
        Assert.Equal("=b", await _sink.NextAsync());
    }

    [Fact]
    public async Task Versions_that_expire_again_and_again_are_not_listed_in_a_storm()
    {
        _server.Answer(List("1", null)).Refuse(HttpStatusCode.Gone)
            .Answer(List("2", null)).Refuse(HttpStatusCode.Gone).Answer(List("3", null));
        _server.AnswerLive();
        Start();
        await _sink.NextAsync();
        await _sink.NextAsync();
        await _time.AdvanceWhenArmedAsync(2 * First);
        Assert.Equal("=", await _sink.NextAsync());
    }

    [Fact]
    public async Task Another_error_event_resumes_the_watch_without_a_list()
    {
        _server.Answer(List("4", null));
        var watch = _server.AnswerLive();
        _server.AnswerLive();
        Start();
        await watch.LineAsync("""{"object":{"code":500,"message":"etcd is busy"},"type":"ERROR"}""");
        await _sink.NextAsync();
        await _time.AdvanceWhenArmedAsync(First);
        await Skip(2);
        Assert.Contains("resourceVersion=4&", (await _server.NextRequestAsync()).Query, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_silent_watch_is_given_up()
    {
        _server.Answer(List("1", null));
        _server.AnswerLive();
        var next = _server.AnswerLive();
        Start();
        await _sink.NextAsync();
        await Skip(2);
        await _time.AdvanceWhenArmedAsync(TimeSpan.FromMinutes(2));
        await _time.AdvanceWhenArmedAsync(First);
        await next.LineAsync(Event("ADDED", "a", 2));
        Assert.Equal("+a", await _sink.NextAsync());
        Assert.Contains("stalled", _observer.Causes);
    }

    [Fact]
    public async Task Failures_in_a_row_wait_twice_as_long_each_time_up_to_the_cap()
    {
        for (var failure = 0; failure < 9; failure++)
            _server.Refuse(HttpStatusCode.ServiceUnavailable);
        _server.Answer(List("1", null));
        _server.AnswerLive();
        Start();
        foreach (var milliseconds in new[] { 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000 })
            await _time.AdvanceWhenArmedAsync(TimeSpan.FromMilliseconds(milliseconds));
        Assert.Equal("=", await _sink.NextAsync());
        Assert.Equal(9, _observer.MostFailures);
    }

    [Fact]
    public async Task Retry_after_is_kept_on_top_of_the_jitter()
    {
        _server.Refuse(HttpStatusCode.TooManyRequests, "TooManyRequests", retryAfterSeconds: 7).Answer(List("1", null));
        _server.AnswerLive();
        Start();
        await _time.AdvanceWhenArmedAsync(TimeSpan.FromSeconds(7) + First);
        Assert.Equal("=", await _sink.NextAsync());
    }

    [Fact]
    public async Task An_object_that_does_not_decode_is_left_out_and_the_others_are_kept()
    {
        _server.Answer("""{"metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":[]}},{"metadata":{"name":"b"}}]}""");
        _server.AnswerLive();
        Start();
        Assert.Equal("=a,b", await _sink.NextAsync());
        Assert.Equal(1, _observer.Undecoded);
    }

    [Fact]
    public async Task A_sink_that_throws_is_rebuilt_from_a_list()
    {
        _server.Answer(List("1", null, "a"));
        var watch = _server.AnswerLive();
        _server.Answer(List("9", null, "a", "b"));
        _server.AnswerLive();
        Start();
        await _sink.NextAsync();
        _sink.ThrowOn = "b";
        await watch.LineAsync(Event("ADDED", "b", 2));
        await _time.AdvanceWhenArmedAsync(First);
        Assert.Equal("=a,b", await _sink.NextAsync());
    }

    [Fact]
    public async Task A_resource_that_is_not_served_counts_as_empty_where_it_may_be_absent()
    {
        _server.Refuse(HttpStatusCode.NotFound).Answer(List("3", null, "a"));
        _server.AnswerLive();
        Start(mayBeAbsent: true);
        Assert.Equal("=", await _sink.NextAsync());
        await _time.AdvanceWhenArmedAsync(First);
        Assert.Equal("=a", await _sink.NextAsync());

        // Most clusters do not serve everything: that is no failure, and nobody is alarmed.
        Assert.Equal(0, _observer.MostFailures);
    }

    [Fact]
    public async Task A_list_that_is_asked_for_interrupts_the_watch_and_begins_after_the_question()
    {
        _server.Answer(List("1", null, "a"));
        _server.AnswerLive();
        _server.Answer(List("9", null, "a", "b"));
        var watch = _server.AnswerLive();
        Start();
        Assert.Equal("=a", await _sink.NextAsync());
        await Skip(2);
        var refreshed = _reflector!.RefreshAsync();
        Assert.Equal("=a,b", await _sink.NextAsync());
        await refreshed.WaitAsync(TestContext.Current.CancellationToken);
        await Skip(1);
        Assert.Contains("resourceVersion=9&", (await _server.NextRequestAsync()).Query, StringComparison.Ordinal);
        await watch.LineAsync(Event("ADDED", "c", 10));
        Assert.Equal("+c", await _sink.NextAsync());
    }

    [Fact]
    public async Task A_list_that_is_asked_for_does_not_wait_for_a_watch_that_is_not_answered()
    {
        _server.Answer(List("1", null, "a"));
        _server.Hang();
        _server.Answer(List("9", null, "b"));
        _server.AnswerLive();
        Start();
        await _sink.NextAsync();
        await Skip(2);
        var refreshed = _reflector!.RefreshAsync();
        Assert.Equal("=b", await _sink.NextAsync());
        await refreshed.WaitAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_server_that_knows_only_the_older_version_is_asked_for_that_at_once()
    {
        _server.Refuse(HttpStatusCode.NotFound).Answer(List("1", null, "a"));
        _server.AnswerLive();
        Start(mayBeAbsent: true, olderPath: "/apis/old/things");
        Assert.Equal("=a", await _sink.NextAsync());
        await Skip(1);
        Assert.Equal("/apis/old/things", (await _server.NextRequestAsync()).Path);
        Assert.Equal("/apis/old/things", (await _server.NextRequestAsync()).Path);
    }

    [Fact]
    public async Task A_list_that_is_asked_for_is_tried_until_it_succeeds()
    {
        _server.Answer(List("1", null, "a"));
        _server.AnswerLive();
        _server.Refuse(HttpStatusCode.ServiceUnavailable).Answer(List("9", null, "b"));
        _server.AnswerLive();
        Start();
        await _sink.NextAsync();
        await Skip(2);
        var refreshed = _reflector!.RefreshAsync();
        await _time.AdvanceWhenArmedAsync(First);
        Assert.Equal("=b", await _sink.NextAsync());
        await refreshed.WaitAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_404_after_a_good_list_empties_the_sink_only_when_it_lasts()
    {
        _server.Answer(List("1", null, "a")).Refuse(HttpStatusCode.NotFound).Refuse(HttpStatusCode.NotFound).Answer(List("3", null, "a", "b"));
        _server.Refuse(HttpStatusCode.Gone);
        for (var refusals = 0; refusals < 20; refusals++)
            _server.Refuse(HttpStatusCode.NotFound);
        Start(mayBeAbsent: true);
        Assert.Equal("=a", await _sink.NextAsync());
        await _time.AdvanceWhenArmedAsync(First);
        await _time.AdvanceWhenArmedAsync(2 * First);
        // It was a passing fault: nothing was emptied in between.
        Assert.Equal("=a,b", await _sink.NextAsync());
        await _time.AdvanceWhenArmedAsync(4 * First);
        var missingSince = _time.GetUtcNow();
        var emptied = _sink.NextAsync();
        for (var wait = 8 * First; !emptied.IsCompleted; wait = wait * 2 > Cap ? Cap : wait * 2)
            await Task.WhenAny(emptied, _time.AdvanceWhenArmedAsync(wait));
        Assert.Equal("=", await emptied);
        Assert.True(_time.GetUtcNow() - missingSince >= TimeSpan.FromMinutes(1));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run;
        _stop.Dispose();
        _server.Dispose();
    }

    private async Task Skip(int requests)
    {
        for (; requests > 0; requests--)
            await _server.NextRequestAsync();
    }

    private void Start(bool mayBeAbsent = false, string? olderPath = null)
    {
        var settings = new ReflectorSettings { Resource = "things", Path = "/api/v1/things", MayBeAbsent = mayBeAbsent, OlderPath = olderPath };
        // Jitter at its largest makes the waits exact: first, twice that, …
        _reflector = new Reflector<NamespaceObject, string>(_server.Client(_time), settings, WireJson.Default.NamespaceObject,
            thing => thing.Metadata.Name ?? "", _sink, _observer, _time, NullLogger.Instance, () => 1);
        _run = _reflector.RunAsync(_stop.Token);
    }

    private static string List(string version, string? next, params string[] names)
    {
        var items = names.Select(name => $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"x":[1,{"y":2}]} }""");
        return $$$"""{"kind":"List","metadata":{"resourceVersion":"{{{version}}}","continue":"{{{next}}}"},"items":[{{{string.Join(',', items)}}}]}""";
    }

    private static string Event(string type, string name, int version) =>
        $$$"""{"type":"{{{type}}}","object":{"metadata":{"name":"{{{name}}}","resourceVersion":"{{{version}}}"} } }""";

    private sealed class Sink : IReflectorSink<string>
    {
        private readonly Channel<string> _calls = Channel.CreateUnbounded<string>();

        public string? ThrowOn { get; set; }

        public void Replace(IReadOnlyList<string> items) => _calls.Writer.TryWrite("=" + string.Join(',', items));

        public void Upsert(string item)
        {
            if (item == ThrowOn)
                throw new InvalidOperationException("planted");
            _calls.Writer.TryWrite("+" + item);
        }

        public void Delete(string item) => _calls.Writer.TryWrite("-" + item);

        public async Task<string> NextAsync() => await _calls.Reader.ReadAsync(TestContext.Current.CancellationToken).Soon();
    }

    private sealed class Observer : IReflectorObserver
    {
        public List<string> Causes { get; } = [];

        public int MostFailures { get; private set; }

        public int Undecoded { get; private set; }

        public void Listed(string resource, int count)
        {
        }

        public void Event(string resource)
        {
        }

        public void Restarted(string resource, string cause) => Causes.Add(cause);

        public void BackingOff(string resource, int failures, TimeSpan wait) => MostFailures = Math.Max(MostFailures, failures);

        public void Undecodable(string resource) => Undecoded++;
    }
}
