namespace Scheduler.Daemon.Kubernetes;

/// <summary>Receives the state of one resource. Called by one reader at a time, in the order of the API server.</summary>
internal interface IReflectorSink<in TItem>
{
    /// <summary>The whole state, after a list: what is not in it does not exist any more.</summary>
    void Replace(IReadOnlyList<TItem> items);

    /// <summary>An object was added or changed.</summary>
    void Upsert(TItem item);

    /// <summary>An object is gone; <paramref name="item"/> is its last state.</summary>
    void Delete(TItem item);
}

/// <summary>What a reflector watches and how it behaves. Times are wall time; see KubernetesOptions for the ranges.</summary>
internal sealed record ReflectorSettings
{
    /// <summary>Plural name, for logs and metrics: "pods".</summary>
    public required string Resource { get; init; }

    /// <summary>Path of the collection: "/api/v1/pods".</summary>
    public required string Path { get; init; }

    /// <summary>Path of the same collection in an older version of the API, for servers that do not know the first; null if there is none.</summary>
    public string? OlderPath { get; init; }

    /// <summary>A label selector that the objects match; null for all of them.</summary>
    public string? LabelSelector { get; init; }

    public int PageSize { get; init; } = 500;
    public TimeSpan StalledAfter { get; init; } = TimeSpan.FromMinutes(2);
    public TimeSpan BackoffFirst { get; init; } = TimeSpan.FromMilliseconds(200);
    public TimeSpan BackoffCap { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A collection that the API server does not serve (404: its CRD is not installed) counts as empty, and is asked for again.</summary>
    public bool MayBeAbsent { get; init; }

    /// <summary>How long a collection that was there must be missing before it counts as empty: a 404 can also be an API server that starts.</summary>
    public TimeSpan AbsentAfter { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The largest line of a watch; etcd refuses objects above 1.5 MiB.</summary>
    public int MaxLineBytes { get; init; } = 8 * 1024 * 1024;
}

/// <summary>What a reflector tells its surroundings; the metrics listen.</summary>
internal interface IReflectorObserver
{
    void Listed(string resource, int count);
    void Event(string resource);

    /// <param name="resource">Plural name.</param>
    /// <param name="cause">"ended", "expired", "stalled" or "error".</param>
    void Restarted(string resource, string cause);
    void BackingOff(string resource, int failures, TimeSpan wait);
    void Undecodable(string resource);
}
