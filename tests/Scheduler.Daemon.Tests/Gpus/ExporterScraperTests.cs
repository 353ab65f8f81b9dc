using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Daemon.Gpus;
using Scheduler.Daemon.Telemetry;
using Scheduler.Daemon.Tests.Support;
using Scheduler.Telemetry.Devices;

namespace Scheduler.Daemon.Tests.Gpus;

public sealed class ExporterScraperTests : IAsyncDisposable
{
    private static readonly ScraperSettings Settings = new() { Interval = TimeSpan.FromSeconds(20), Timeout = TimeSpan.FromSeconds(3), Concurrency = 2, MaxBodyBytes = 1000 };

    private readonly BarrierTimeProvider _time = new();
    private readonly PageServer _server = new();
    private readonly HttpClient _http;
    private readonly SchedulerMetrics _metrics = new(Prometheus.Metrics.NewCustomRegistry());
    private readonly Channel<(ExporterTarget Target, NodeReading Reading)> _taken = Channel.CreateUnbounded<(ExporterTarget, NodeReading)>();
    private readonly CancellationTokenSource _stop = new();
    private Task _run = Task.CompletedTask;

    public ExporterScraperTests() => _http = new HttpClient(_server) { Timeout = Timeout.InfiniteTimeSpan };

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _server.ReleaseAll();
        await _run;
        _http.Dispose();
        _server.Dispose();
        _stop.Dispose();
    }

    [Fact]
    public async Task Each_exporter_is_first_read_within_the_interval_and_then_again_and_again()
    {
        Start(Target("a"));
        await _time.AdvanceWhenArmedAsync(TimeSpan.FromSeconds(10));
        Assert.Equal("http://a/metrics", (await TakenAsync()).Target.Address.ToString());
        await _time.AdvanceWhenArmedAsync(TimeSpan.FromSeconds(20));
        await TakenAsync();
        Assert.Contains("weir_gpu_scrapes_total{result=\"ok\"} 2", await MetricsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_exporter_that_does_not_answer_in_time_is_counted_and_read_again_at_its_next_turn()
    {
        _server.Hold("a");
        Start(Target("a"));
        await _time.AdvanceWhenArmedAsync(TimeSpan.FromSeconds(10));
        await _time.AdvanceWhenArmedAsync(TimeSpan.FromSeconds(3));
        await _time.UntilArmedAsync(TimeSpan.FromSeconds(20));
        Assert.Contains("weir_gpu_scrapes_total{result=\"timeout\"} 1", await MetricsAsync(), StringComparison.Ordinal);
        _server.ReleaseAll();
        _time.Advance(TimeSpan.FromSeconds(20));
        await TakenAsync();
    }

    [Fact]
    public async Task One_that_refuses_does_not_keep_the_others_from_being_read()
    {
        _server.Refuse("a");
        Start(Target("a"), Target("b"));
        await _time.UntilArmedAsync(TimeSpan.FromSeconds(10));
        await _time.UntilArmedAsync(TimeSpan.FromSeconds(10));
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("http://b/metrics", (await TakenAsync()).Target.Address.ToString());
        await _time.UntilArmedAsync(TimeSpan.FromSeconds(20));
        await _time.UntilArmedAsync(TimeSpan.FromSeconds(20));
        Assert.Contains("weir_gpu_scrapes_total{result=\"failed\"} 1", await MetricsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_more_are_read_at_once_than_allowed()
    {
        string[] names = ["a", "b", "c", "d"];
        foreach (var name in names)
            _server.Hold(name);
        Start([.. names.Select(Target)]);
        foreach (var _ in names)
            await _time.UntilArmedAsync(TimeSpan.FromSeconds(10));
        _time.Advance(TimeSpan.FromSeconds(10));
        await _server.UntilUnderWayAsync(2);
        _server.ReleaseAll();
        foreach (var _ in names)
            await TakenAsync();
        Assert.Equal(2, _server.MostUnderWay);
    }

    [Fact]
    public async Task Of_an_answer_beyond_the_limit_the_rest_is_left_out_and_counted()
    {
        _server.Page = string.Concat(Enumerable.Range(0, 100).Select(index => $"DCGM_FI_DEV_GPU_TEMP{{gpu=\"{index}\",Hostname=\"n\"}} 40\n"));
        Start(Target("a"));
        await _time.AdvanceWhenArmedAsync(TimeSpan.FromSeconds(10));
        var (_, reading) = await TakenAsync();
        Assert.True(reading.Body.IsCutOff);
        Assert.InRange(reading.Gpus.Length, 1, 50);
        Assert.Contains("weir_gpu_scrapes_cut_off_total 1", await MetricsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pods_that_come_are_read_and_pods_that_go_are_read_no_more()
    {
        var exporters = Start();
        var sink = exporters.NewSink();
        sink.Upsert(new ExporterPod("u", Target("a")));
        await _time.AdvanceWhenArmedAsync(TimeSpan.FromSeconds(10));
        await TakenAsync();
        await _time.UntilArmedAsync(TimeSpan.FromSeconds(20));
        sink.Delete(new ExporterPod("u", null));
        sink.Upsert(new ExporterPod("v", Target("b")));
        await _time.UntilArmedAsync(TimeSpan.FromSeconds(10));
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal("http://b/metrics", (await TakenAsync()).Target.Address.ToString());
        Assert.False(_taken.Reader.TryPeek(out _));
    }

    private static ExporterTarget Target(string host) => new(new Uri($"http://{host}/metrics"), "n");

    private ExporterBook Start(params ExporterTarget[] targets)
    {
        var exporters = new ExporterBook(targets);
        var scraper = new ExporterScraper(
            exporters, (target, reading) => _taken.Writer.TryWrite((target, reading)), _http, Settings, _metrics, () => 0.5, _time, NullLogger.Instance);
        _run = scraper.RunAsync(_stop.Token);
        return exporters;
    }

    private Task<(ExporterTarget Target, NodeReading Reading)> TakenAsync() => _taken.Reader.ReadAsync(TestContext.Current.CancellationToken).Soon();

    private async Task<string> MetricsAsync()
    {
        using var page = new MemoryStream();
        await _metrics.Registry.CollectAndExportAsTextAsync(page, TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(page.ToArray());
    }

    /// <summary>Exporters by host name.</summary>
    private sealed class PageServer : HttpMessageHandler
    {
        private readonly ConcurrentDictionary<string, TaskCompletionSource> _held = new();
        private readonly ConcurrentDictionary<string, bool> _refusing = new();
        private readonly Channel<int> _entered = Channel.CreateUnbounded<int>();
        private int _underWay;
        private int _most;

        public string Page { get; set; } = "DCGM_FI_DEV_GPU_TEMP{gpu=\"0\",Hostname=\"n\"} 40\n";

        public int MostUnderWay => Volatile.Read(ref _most);

        public void Hold(string host) => _held[host] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Refuse(string host) => _refusing[host] = true;

        public void ReleaseAll()
        {
            foreach (var held in _held.Values)
                held.TrySetResult();
        }

        public async Task UntilUnderWayAsync(int count)
        {
            while (await _entered.Reader.ReadAsync(TestContext.Current.CancellationToken).Soon() < count)
            {
            }
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var host = request.RequestUri!.Host;
            if (_refusing.ContainsKey(host))
                return new HttpResponseMessage(HttpStatusCode.ServiceUnavailable);
            var now = Interlocked.Increment(ref _underWay);
            for (var most = MostUnderWay; now > most; most = MostUnderWay)
                Interlocked.CompareExchange(ref _most, now, most);
            _entered.Writer.TryWrite(now);
            try
            {
                if (_held.TryGetValue(host, out var held))
                    await held.Task.WaitAsync(cancellationToken);
                return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(Page) };
            }
            finally
            {
                Interlocked.Decrement(ref _underWay);
            }
        }
    }
}
