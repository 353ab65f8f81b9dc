using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Scheduler.SimulatedCluster.Api;
using Scheduler.SimulatedCluster.Controllers;
using Scheduler.SimulatedCluster.Exporters;
using Scheduler.SimulatedCluster.Json;
using Scheduler.SimulatedCluster.Kubelet;
using Scheduler.SimulatedCluster.Nodes;
using Scheduler.SimulatedCluster.Resources;
using Scheduler.SimulatedCluster.Storage;

namespace Scheduler.SimulatedCluster;

/// <summary>
/// A Kubernetes cluster in this process: an API server on loopback, kubelets that run pods by letting time pass, and the
/// controllers for jobs, replica sets, deployments and garbage. kubectl and any client library work against
/// <see cref="Address"/>; everybody who reaches it may do everything.
/// </summary>
public sealed class SimulatedCluster : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping;
    private readonly List<(string Name, Task Loop)> _running = [];
    private readonly ObjectService _objects;
    private readonly ObjectDeletion _deletion;
    private readonly PodSubresources _pods;
    private readonly KubeletCounters _kubelets = new();
    private readonly WatchCounters _watches = new();
    private readonly ILogger _logger;
    private RequestRouter? _router;
    private ApiServer? _server;
    private bool _servesGpuMetrics;
    private bool _isDisposed;
    private int _nodeOrdinal;

    private SimulatedCluster(SimulatedClusterOptions options)
    {
        _stopping = new CancellationTokenSource();
        _logger = options.Loggers.CreateLogger<SimulatedCluster>();
        var registry = new ResourceRegistry(BuiltInResources.All);
        var store = new VersionedStore(options.WatchHistoryLength);
        _objects = new ObjectService(store, registry, options.Clock, options.Random);
        _deletion = new ObjectDeletion(_objects);
        _pods = new PodSubresources(_objects, new DisruptionBudgets(_objects, _deletion));
    }

    /// <summary>Where the API server listens, for example <c>http://127.0.0.1:40123</c>.</summary>
    public Uri Address => _server?.Address ?? throw new InvalidOperationException("The cluster has not started, or does not listen.");

    /// <summary>Answers one request without a connection, as the API server would over one.</summary>
    /// <exception cref="InvalidOperationException">The cluster has not started.</exception>
    public Task ServeAsync(HttpContext http) =>
        (_router ?? throw new InvalidOperationException("The cluster has not started.")).HandleAsync(http);

    internal ObjectService Objects => _objects;

    /// <summary>What has happened since the start.</summary>
    public ClusterCounters Counters => new(
        _pods.BoundTotal, _kubelets.StartedTotal, _kubelets.EndedTotal, _kubelets.RemovedTotal, _kubelets.RefusedTotal, _watches.Open, _watches.CutOffTotal);

    /// <summary>Faults of GPUs and nodes to inject and heal.</summary>
    public GpuFaults Faults { get; } = new();

    /// <summary>Kubelets and controllers that have stopped because of a bug; empty while all is well. <c>/healthz</c> shows them too.</summary>
    public IReadOnlyList<string> FailedRooms => [.. _running.Where(r => r.Loop.IsFaulted).Select(r => r.Name)];

    /// <summary>The resourceVersion of the latest change.</summary>
    public long CurrentVersion => _objects.Store.CurrentVersion;

    /// <summary>Starts a cluster and returns when it answers.</summary>
    /// <exception cref="ArgumentException">The options or a manifest are wrong; the message has every error.</exception>
    /// <exception cref="AddressInUseException">Another program listens on the port.</exception>
    public static async Task<SimulatedCluster> StartAsync(SimulatedClusterOptions options, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Validate() is { Count: > 0 } errors)
            throw new ArgumentException(string.Join("; ", errors), nameof(options));
        var cluster = new SimulatedCluster(options);
        try
        {
            await cluster.StartRoomsAsync(options, ct);
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }

        return cluster;
    }

    private async Task StartRoomsAsync(SimulatedClusterOptions options, CancellationToken ct)
    {
        var definitions = new DefinitionRegistrar(_objects, _deletion);
        var events = new EventRecorder(_objects, _deletion, options.EventTtl);
        var garbage = new GarbageCollector(_objects, _deletion);
        _objects.Store.Removed = garbage.OnRemoved;
        _objects.Store.Owned = garbage.OnOwned;
        _deletion.Waiting = garbage.OnWaiting;
        _objects.Committed = (type, stored, isGone) =>
        {
            if (type.StorageName == "events" && !isGone)
                events.Noted(stored);
            else if (type.StorageName == DefinitionRegistrar.StorageName)
                definitions.Changed(stored, isGone);
        };
        Bootstrap.CreateNamespacesAndClasses(_objects);
        foreach (var manifest in options.Manifests)
            ApplyManifest(manifest);
        foreach (var node in options.Nodes)
            AddNode(node);

        Run("garbage collector", garbage.RunAsync);
        Run("event expiry", events.RunAsync);
        if (options.Kubelets.IsEnabled)
            Run("kubelets", new KubeletEngine(_objects, _deletion, events, options.Kubelets, options.TimeScale, _kubelets, Faults).RunAsync);
        if (options.RunsControllers)
        {
            Run("job controller", new JobController(_objects, _deletion, events).RunAsync);
            Run("replica set controller", new ReplicaSetController(_objects, _deletion, events).RunAsync);
            Run("deployment controller", new DeploymentController(_objects, events).RunAsync);
            Run("disruption budget controller", new DisruptionBudgetController(_objects, new DisruptionBudgets(_objects, _deletion)).RunAsync);
        }

        var reads = new ReadHandler(_objects);
        var rooms = new ApiRooms(
            _objects, reads, new WriteHandler(_objects, _deletion, reads),
            new WatchHandler(_objects, options.BookmarkInterval, _watches, _logger, _stopping.Token), _pods, new ScaleSubresource(_objects),
            new Reviews(_objects, options.Tokens),
            new SimulatedExporters(_objects, Faults, options.TimeScale), () => FailedRooms);
        _router = new RequestRouter(rooms, _objects.Registry, options.Loggers);
        if (!options.Listens)
            return;
        _server = await ApiServer.StartAsync(_router, options.Port, ct);
        if (options.ServesGpuMetrics)
            AddExporters(options.Nodes);
        Log.Started(_logger, Address, options.Nodes.Count);
    }

    private void Run(string name, Func<CancellationToken, Task> loop) => _running.Add((name, Task.Run(async () =>
    {
        try
        {
            await loop(_stopping.Token);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The ordinary end.
        }
        catch (Exception e)
        {
            Log.ControllerFailed(_logger, name, e);
            throw;
        }
    })));

    /// <summary>Registers a node and its kubelet.</summary>
    /// <exception cref="ClusterRefusedException">A node of this name exists, or the node is invalid.</exception>
    public void AddNode(SimulatedNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        Create(NodeObjects.Build(node, Interlocked.Increment(ref _nodeOrdinal), _objects.NewUid(), _objects.Clock.GetUtcNow()));
        if (_servesGpuMetrics)
            AddExporter(node);
    }

    /// <summary>Their port is known only when the server listens, so those of the first nodes come after it.</summary>
    private void AddExporters(IEnumerable<SimulatedNode> nodes)
    {
        Create(new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Namespace",
            ["metadata"] = new JsonObject { ["name"] = SimulatedExporters.Namespace },
        });
        foreach (var node in nodes)
            AddExporter(node);
        _servesGpuMetrics = true;
    }

    private void AddExporter(SimulatedNode node)
    {
        if (SimulatedExporters.HasGpus(node))
            Create(SimulatedExporters.Pod(node.Name, Address.Port));
    }

    /// <summary>Creates every object of a manifest, in its order; objects that exist already are left as they are.</summary>
    /// <exception cref="ArgumentException">The text is no YAML, or the cluster refuses an object; the message says which and why.</exception>
    public void ApplyManifest(string manifest)
    {
        IReadOnlyList<JsonNode> documents;
        try
        {
            documents = YamlDocuments.Parse(manifest);
        }
        catch (FormatException e)
        {
            throw new ArgumentException($"The manifest is no YAML: {e.Message}", nameof(manifest), e);
        }

        foreach (var document in documents)
        {
            try
            {
                Apply(document as JsonObject ?? throw new ArgumentException("A document of the manifest is no object.", nameof(manifest)));
            }
            catch (ClusterRefusedException e) when (e.Reason == "AlreadyExists")
            {
                // Loading the same manifest twice is fine.
            }
            catch (ClusterRefusedException e)
            {
                throw new ArgumentException($"{document.StringAt("kind")} {document.StringAt("metadata", "name")}: {e.Message}", nameof(manifest), e);
            }
        }
    }

    private void Apply(JsonObject obj)
    {
        var type = Refusing(() => TypeOf(obj.StringAt("apiVersion") ?? "", obj.StringAt("kind") ?? ""));
        if (obj.StringAt("metadata", "name") is not null)
            LastApplied.Note(obj, type.IsNamespaced ? obj.StringAt("metadata", "namespace") ?? "default" : null);
        Create(obj);
    }

    /// <summary>Creates an object; apiVersion, kind and, for namespaced kinds, metadata.namespace say where.</summary>
    /// <returns>The object as it was stored.</returns>
    /// <exception cref="ClusterRefusedException">The API server refuses it.</exception>
    public JsonObject Create(JsonObject obj)
    {
        ArgumentNullException.ThrowIfNull(obj);
        return Refusing(() =>
        {
            var type = TypeOf(obj.StringAt("apiVersion") ?? "", obj.StringAt("kind") ?? "");
            var inNamespace = type.IsNamespaced ? obj.StringAt("metadata", "namespace") ?? "default" : "";
            return ReadHandler.ToVersion(type, _objects.Create(type, inNamespace, obj.DeepClone().AsObject(), WriteOptions.Default));
        });
    }

    /// <summary>Reads one object, or null if it does not exist. The namespace is ignored for cluster-scoped kinds.</summary>
    /// <exception cref="ClusterRefusedException">The kind is not served.</exception>
    public JsonObject? Get(string apiVersion, string kind, string inNamespace, string name) => Refusing(() =>
    {
        var type = TypeOf(apiVersion, kind);
        var stored = _objects.Find(type, new ObjectKey(type.IsNamespaced ? inNamespace : "", name));
        return stored is null ? null : ReadHandler.ToVersion(type, stored);
    });

    /// <summary>Reads all objects of a kind, or those of one namespace, in the order of namespace and name.</summary>
    /// <exception cref="ClusterRefusedException">The kind is not served.</exception>
    public IReadOnlyList<JsonObject> List(string apiVersion, string kind, string? inNamespace = null) => Refusing(() =>
    {
        var type = TypeOf(apiVersion, kind);
        return _objects.Bucket(type).Snapshot(type.IsNamespaced ? inNamespace : null).Select(o => ReadHandler.ToVersion(type, o)).ToList();
    });

    /// <summary>Changes an object: <paramref name="change"/> gets a copy to change, and runs again if somebody else was faster.</summary>
    /// <exception cref="ClusterRefusedException">It does not exist, or the API server refuses the change.</exception>
    public JsonObject Update(string apiVersion, string kind, string inNamespace, string name, Action<JsonObject> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        return Refusing(() =>
        {
            var type = TypeOf(apiVersion, kind);
            var key = new ObjectKey(type.IsNamespaced ? inNamespace : "", name);
            var stored = _objects.Update(type, key, o => { change(o); return o; }, UpdateScope.Main, WriteOptions.Default);
            return ReadHandler.ToVersion(type, stored);
        });
    }

    /// <summary>Deletes an object; a pod on a node ends gracefully unless <paramref name="gracePeriodSeconds"/> is 0.</summary>
    /// <exception cref="ClusterRefusedException">It does not exist.</exception>
    public void Delete(string apiVersion, string kind, string inNamespace, string name, long? gracePeriodSeconds = null) => Refusing(() =>
    {
        var type = TypeOf(apiVersion, kind);
        return _deletion.Delete(type, new ObjectKey(type.IsNamespaced ? inNamespace : "", name), new DeleteOptions { GracePeriodSeconds = gracePeriodSeconds });
    });

    /// <summary>
    /// Forgets the past, as etcd does from time to time: later pages of a list that has begun, lists at an old version and watches
    /// of events from one are refused with 410.
    /// </summary>
    public void CompactHistory() => _objects.Store.Compact();

    /// <summary>How many pods there are, by where they stand.</summary>
    public PodCounts CountPods()
    {
        var bucket = _objects.Bucket(_objects.Registry.Require("", "pods"));
        var fields = bucket.SelectableFields.ToList();
        int node = fields.IndexOf("spec.nodeName"), phase = fields.IndexOf("status.phase");
        int waiting = 0, bound = 0, running = 0, ended = 0, terminating = 0;
        foreach (var pod in bucket.Snapshot(null))
        {
            var isEnded = pod.FieldValues[phase] is "Succeeded" or "Failed";
            ended += isEnded ? 1 : 0;
            waiting += !isEnded && pod.FieldValues[node].Length == 0 ? 1 : 0;
            bound += !isEnded && pod.FieldValues[node].Length > 0 ? 1 : 0;
            running += pod.FieldValues[phase] == "Running" ? 1 : 0;
            terminating += pod.IsDeleting ? 1 : 0;
        }

        return new PodCounts(waiting, bound, running, ended, terminating);
    }

    private ResourceType TypeOf(string apiVersion, string kind) =>
        _objects.Registry.FindKind(apiVersion, kind)
        ?? throw new ApiException(404, "NotFound", $"no matches for kind \"{kind}\" in version \"{apiVersion}\"");

    private static T Refusing<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (ApiException e)
        {
            throw new ClusterRefusedException(e.Code, e.Reason, e.Message, e);
        }
    }

    /// <summary>Ends all watches, stops the kubelets and controllers and frees the port.</summary>
    /// <exception cref="AggregateException">A kubelet or controller had failed before.</exception>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        await _stopping.CancelAsync();
        if (_server is not null)
            await _server.DisposeAsync();
        _server = null;
        await Task.WhenAll(_running.Select(r => r.Loop));
        _running.Clear();
        _stopping.Dispose();
    }
}
