using System.Collections.Concurrent;
using System.Diagnostics;
using Scheduler.Benchmarks.Commands;
using Scheduler.TestKit;

namespace Scheduler.Benchmarks.Live;

/// <summary>
/// Notes when each pod of a namespace is seen on a node. The server sends only those, so that watching costs the same, and little,
/// whoever binds them.
/// </summary>
internal sealed class BoundWatch : IAsyncDisposable
{
    private const string BeforeName = "\"name\":\"";

    private readonly HttpClient _http;
    private readonly HttpResponseMessage _response;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, long> _bound = new(StringComparer.Ordinal);
    private readonly Task _reading;
    private volatile TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private BoundWatch(HttpClient http, HttpResponseMessage response, StreamReader reader)
    {
        (_http, _response) = (http, response);
        _reading = Task.Run(() => ReadAsync(reader));
    }

    public int Count => _bound.Count;

    /// <summary>When the first was seen, by <see cref="Stopwatch"/>.</summary>
    public long First => _bound.Values.Min();

    /// <summary>When the last was seen.</summary>
    public long Last => _bound.Values.Max();

    public long At(string pod) => _bound[pod];

    public static async Task<BoundWatch> StartAsync(ApiEndpoint endpoint, string space, CancellationToken cancellationToken)
    {
        var http = endpoint.CreateHttpClient(connections: 1);
        var path = $"/api/v1/namespaces/{space}/pods?watch=true&fieldSelector=spec.nodeName!%3D&timeoutSeconds=7200";
        var response = await http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (!response.IsSuccessStatusCode) throw new MeasurementException($"GET {path} answered {(int)response.StatusCode}");
        return new BoundWatch(http, response, new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken)));
    }

    /// <summary>Waits until so many pods are bound.</summary>
    public Task UntilAsync(int count, TimeSpan patience, CancellationToken cancellationToken) =>
        UntilAsync(() => Count >= count, $"{count} pods", patience, cancellationToken);

    /// <summary>Waits until one pod is bound.</summary>
    public Task UntilAsync(string pod, TimeSpan patience, CancellationToken cancellationToken) =>
        UntilAsync(() => _bound.ContainsKey(pod), $"pod {pod}", patience, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _response.Dispose();
        await _reading;
        _http.Dispose();
        _stop.Dispose();
    }

    private async Task UntilAsync(Func<bool> holds, string what, TimeSpan patience, CancellationToken cancellationToken)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        late.CancelAfter(patience);
        while (true)
        {
            var changed = _changed.Task;
            if (holds()) return;
            if (_reading.IsCompleted)
            {
                await _reading;
                throw new MeasurementException($"the watch ended while it waited for {what}; {Count} were bound");
            }

            try
            {
                await Task.WhenAny(changed, _reading).WaitAsync(late.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw new MeasurementException($"{what} not bound after {patience}; {Count} were");
            }
        }
    }

    private async Task ReadAsync(StreamReader reader)
    {
        try
        {
            while (await reader.ReadLineAsync(_stop.Token) is { } line)
            {
                var now = Stopwatch.GetTimestamp();
                if (!line.StartsWith("{\"type\":\"ADDED\"", StringComparison.Ordinal)) continue;
                // The first name in a pod is its own, in metadata.
                var from = line.IndexOf(BeforeName, line.IndexOf("\"metadata\":", StringComparison.Ordinal), StringComparison.Ordinal) + BeforeName.Length;
                _bound.TryAdd(line[from..line.IndexOf('"', from)], now);
                Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
            }
        }
        catch (Exception exception) when (_stop.IsCancellationRequested && exception is OperationCanceledException or IOException or ObjectDisposedException or HttpRequestException)
        {
            // The ordinary end.
        }
    }
}
