using System.Collections.Immutable;
using System.Net;
using System.Text.Json;

namespace Scheduler.Cli.Up;

/// <summary>
/// Reads pods and nodes from the API server over HTTP, as any client would, and keeps a <see cref="PodBook"/>. The audit hangs
/// on this way around: what it sees is what the API server told, not what the scheduler believes.
/// </summary>
internal sealed class PodWatch(HttpClient client, PodBook book, Action<PodEvent> onEvent)
{
    // Without those of the exporters: they are the cluster's own, and nobody's workload.
    private const string Pods = "api/v1/pods?labelSelector=app!%3Dnvidia-dcgm-exporter";
    private const string Nodes = "api/v1/nodes";

    /// <summary>Lists, then follows until cancelled. A watch that ends is taken up again; one that fell behind begins with a new list.</summary>
    public async Task RunAsync(TaskCompletionSource firstList, CancellationToken stop)
    {
        try
        {
            await LoadNodesAsync(stop);
            string? version = null;
            while (true)
            {
                version ??= await ListAsync(stop);
                firstList.TrySetResult();
                version = await FollowAsync(version, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            firstList.TrySetCanceled(stop);
        }
        catch (Exception exception)
        {
            // Whoever waits for the list must learn of it as well as whoever waits for the watch.
            firstList.TrySetException(exception);
            throw;
        }
    }

    private async Task<string> ListAsync(CancellationToken stop)
    {
        using var list = await GetAsync(Pods, stop);
        ImmutableArray<ObservedPod> pods = [.. list.RootElement.GetProperty("items").EnumerateArray().Select(ObservedPod.Of)];
        Tell(book.Replace(pods));
        return list.RootElement.GetProperty("metadata").GetProperty("resourceVersion").GetString()!;
    }

    /// <summary>Follows one watch to its end.</summary>
    /// <returns>The version to go on from, or null if a new list is needed.</returns>
    private async Task<string?> FollowAsync(string version, CancellationToken stop)
    {
        var address = $"{Pods}&watch=1&allowWatchBookmarks=true&resourceVersion={version}";
        using var response = await client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, stop);
        if (response.StatusCode == HttpStatusCode.Gone)
        {
            return null;
        }

        response.EnsureSuccessStatusCode();
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(stop));
        while (await ReadLineAsync(reader, stop) is { Length: > 0 } line)
        {
            using var change = JsonDocument.Parse(line);
            var type = change.RootElement.GetProperty("type").GetString();
            if (type == "ERROR")
            {
                return null;
            }

            var pod = change.RootElement.GetProperty("object");
            version = pod.GetProperty("metadata").GetProperty("resourceVersion").GetString()!;
            if (type != "BOOKMARK")
            {
                await TakeAsync(ObservedPod.Of(pod), isGone: type == "DELETED", stop);
            }
        }

        return version;
    }

    /// <summary>A connection that breaks is the end of the watch, as an orderly end is.</summary>
    private static async Task<string?> ReadLineAsync(StreamReader reader, CancellationToken stop)
    {
        try
        {
            return await reader.ReadLineAsync(stop);
        }
        catch (IOException) when (!stop.IsCancellationRequested)
        {
            return null;
        }
    }

    private async Task TakeAsync(ObservedPod pod, bool isGone, CancellationToken stop)
    {
        if (pod.Node is { } node && !book.KnowsNode(node))
        {
            await LoadNodesAsync(stop);
        }

        Tell(isGone ? book.Remove(pod.Uid) : book.Set(pod));
    }

    private async Task LoadNodesAsync(CancellationToken stop)
    {
        using var list = await GetAsync(Nodes, stop);
        foreach (var node in list.RootElement.GetProperty("items").EnumerateArray())
        {
            book.SetNode(
                node.GetProperty("metadata").GetProperty("name").GetString()!,
                ObservedPod.Amounts(node.GetProperty("status").GetProperty("allocatable")));
        }
    }

    private async Task<JsonDocument> GetAsync(string address, CancellationToken stop)
    {
        await using var stream = await client.GetStreamAsync(address, stop);
        return await JsonDocument.ParseAsync(stream, cancellationToken: stop);
    }

    private void Tell(ImmutableArray<PodEvent> events)
    {
        foreach (var happened in events)
        {
            onEvent(happened);
        }
    }
}
