using System.Text.Json.Nodes;
using Xunit;

namespace Scheduler.TestKit;

/// <summary>One event of a watch.</summary>
public sealed record WatchEvent(string Type, JsonNode Object)
{
    /// <summary>The object's name.</summary>
    public string? Name => Object.TextAt("metadata.name");

    /// <summary>The object's resourceVersion.</summary>
    public string Version => Object.TextAt("metadata.resourceVersion")!;

    public override string ToString() => $"{Type} {Name}";
}

/// <summary>A watch that is being read, one event a line.</summary>
public sealed class WatchStream(HttpResponseMessage response, Stream stream, string path) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly StreamReader _reader = new(stream);

    /// <summary>The next event, or null when the server ended the watch.</summary>
    /// <exception cref="TimeoutException">Nothing came for 30 s.</exception>
    public async Task<WatchEvent?> NextOrEndAsync(CancellationToken cancellationToken)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limited.CancelAfter(Patience);
        try
        {
            var line = await _reader.ReadLineAsync(limited.Token);
            if (string.IsNullOrEmpty(line)) return null;
            var read = JsonNode.Parse(line)!;
            return new WatchEvent(read.TextAt("type")!, read["object"]!);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"no event for {Patience} from {path}");
        }
    }

    /// <summary>The next event; fails if the watch ends instead.</summary>
    public async Task<WatchEvent> NextAsync(CancellationToken cancellationToken)
    {
        var read = await NextOrEndAsync(cancellationToken);
        Assert.True(read is not null, $"the watch {path} ended where an event was due");
        return read;
    }

    /// <summary>The next event, which must be of this type and about this object.</summary>
    public async Task<WatchEvent> ExpectAsync(string type, string name, CancellationToken cancellationToken)
    {
        var read = await NextAsync(cancellationToken);
        Assert.Equal($"{type} {name}", read.ToString());
        return read;
    }

    /// <summary>
    /// The next event must be the removal of this pod. kube-apiserver stores the end of a pod's grace before it removes
    /// the pod, so a MODIFIED event that shows a deletion timestamp may come first.
    /// </summary>
    public async Task<WatchEvent> ExpectPodRemovedAsync(string name, CancellationToken cancellationToken)
    {
        var read = await NextAsync(cancellationToken);
        if (read.Type == "MODIFIED" && read.Object.TextAt("metadata.deletionTimestamp") is not null) read = await NextAsync(cancellationToken);
        Assert.Equal($"DELETED {name}", read.ToString());
        return read;
    }

    public void Dispose()
    {
        _reader.Dispose();
        response.Dispose();
    }
}
