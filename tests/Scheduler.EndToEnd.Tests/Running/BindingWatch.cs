using Scheduler.EndToEnd.Tests.Openb;
using Scheduler.TestKit;

namespace Scheduler.EndToEnd.Tests.Running;

/// <summary>
/// Watches the pods of a cluster from a moment before the first one, and notes where each was put. A pod that is given a second
/// place, loses the one it has, or is deleted shows up in <see cref="Changes"/>, however short it lasted.
/// </summary>
public sealed class BindingWatch : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, string> _places = new(StringComparer.Ordinal);
    private readonly List<string> _changes = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly ApiClient _api;
    private readonly Task _reading;

    private BindingWatch(ApiClient api, string version)
    {
        _api = api;
        _reading = Task.Run(() => ReadAsync(version));
    }

    /// <summary>How many pods have been bound so far.</summary>
    public int Bound
    {
        get
        {
            lock (_gate) return _places.Count;
        }
    }

    /// <summary>What must never happen to a bound pod of a cluster in which nothing ends, one sentence for each time.</summary>
    public IReadOnlyList<string> Changes
    {
        get
        {
            lock (_gate) return [.. _changes];
        }
    }

    /// <summary>Begins to watch; there must be no pod yet.</summary>
    public static async Task<BindingWatch> StartAsync(ApiClient api, CancellationToken cancellationToken)
    {
        var list = (await api.GetAsync("/api/v1/pods", cancellationToken)).Expect(200);
        if (list.Items.Any()) throw new InvalidOperationException("there are pods already; the watch would not know their past");
        return new BindingWatch(api, list.Version);
    }

    /// <summary>Waits until this many pods have been bound.</summary>
    public async Task UntilBoundAsync(int count, TimeSpan patience, CancellationToken cancellationToken)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        late.CancelAfter(patience);
        try
        {
            while (Bound < count)
            {
                if (_reading.IsCompleted) await _reading;
                await Task.Delay(TimeSpan.FromMilliseconds(5), late.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"{Bound} pods were bound after {patience}, and {count} were expected");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task ReadAsync(string version)
    {
        while (true)
        {
            using var stream = await _api.WatchAsync($"/api/v1/pods?watch=true&resourceVersion={version}", _stop.Token);
            try
            {
                while (await stream.NextOrEndAsync(_stop.Token) is { } read)
                {
                    if (read.Type == "ERROR") throw new InvalidOperationException($"the watch of the pods broke off: {read.Object.ToJsonString()}");
                    version = read.Version;
                    Note(read);
                }
            }
            catch (TimeoutException)
            {
                // Nothing happened for a while; on from the same version.
            }
        }
    }

    private void Note(WatchEvent read)
    {
        var name = $"{read.Object.TextAt("metadata.namespace")}/{read.Name}";
        var uid = read.Object.TextAt("metadata.uid")!;
        var node = read.Object.TextAt("spec.nodeName");
        var place = node is null ? null : $"{node} devices [{read.Object["metadata"]?["annotations"]?[OpenbObjects.GpuDevices]}]";
        lock (_gate)
        {
            if (read.Type == "DELETED") _changes.Add($"pod {name} was deleted");
            if (!_places.TryGetValue(uid, out var before))
            {
                if (place is not null) _places[uid] = place;
                return;
            }
            if (place == before) return;
            _changes.Add($"pod {name} was on {before} and then on {place ?? "no node"}");
            if (place is not null) _places[uid] = place;
        }
    }
}
