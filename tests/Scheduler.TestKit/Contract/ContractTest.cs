using System.Diagnostics;
using System.Text.Json.Nodes;
using k8s;
using Xunit;

namespace Scheduler.TestKit;

/// <summary>
/// The base of the contract suite: what a Kubernetes API server does, as far as Weir and kubectl rely on it. The real
/// kube-apiserver defines what is right; the embedded one must pass the same facts. Each fact has a namespace of its own.
/// </summary>
/// <remarks>
/// To run the suite against another server, implement <see cref="IContractServer"/> in a fixture and derive an empty class from
/// each contract. No fact relies on a kubelet or a controller being there, nor on their absence: pods are bound to nodes that exist
/// only as objects and are named "contract-…".
/// </remarks>
public abstract class ContractTest(IContractServer server) : IAsyncLifetime
{
    private ApiClient? _api;

    /// <summary>The server under test.</summary>
    protected IContractServer Server { get; } = server;

    /// <summary>The API on the wire.</summary>
    protected ApiClient Api => _api ??= new ApiClient(Server.Endpoint);

    /// <summary>A namespace that only this fact uses.</summary>
    protected string Namespace { get; } = Unique("contract");

    /// <summary>Cancelled when the test run is.</summary>
    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected string Pods => $"/api/v1/namespaces/{Namespace}/pods";

    protected string ConfigMaps => $"/api/v1/namespaces/{Namespace}/configmaps";

    /// <summary>A name that no other fact uses; cluster-scoped objects carry such names.</summary>
    protected static string Unique(string prefix) => $"{prefix}-{Guid.NewGuid().ToString("n")[..12]}";

    public virtual async ValueTask InitializeAsync() =>
        (await Api.PostAsync("/api/v1/namespaces", $$$"""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"{{{Namespace}}}"}}""", Cancel)).Expect(201);

    public virtual ValueTask DisposeAsync()
    {
        _api?.Dispose();
        _ = Server.Endpoint; // a fixture whose server died during this fact says so here, with its log
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>The JSON of a config map: the simplest object there is.</summary>
    protected static string ConfigMap(string name, string value = "1", string labels = "{}") =>
        $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{{name}}}","labels":{{{labels}}}},"data":{"key":"{{{value}}}"}}""";

    /// <summary>The JSON of a pod; <paramref name="spec"/> is more fields of its spec, each ending in a comma.</summary>
    protected static string Pod(string name, string labels = "{}", string spec = "") => $$$"""
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"{{{name}}}","labels":{{{labels}}}},
         "spec":{ {{{spec}}} "schedulerName":"contract","containers":[{"name":"main","image":"example/main:1"}]}}
        """;

    protected async Task<ApiResponse> CreatePodAsync(string name, string labels = "{}", string spec = "") =>
        (await Api.PostAsync(Pods, Pod(name, labels, spec), Cancel)).Expect(201);

    protected async Task<ApiResponse> CreateConfigMapAsync(string name, string value = "1", string labels = "{}") =>
        (await Api.PostAsync(ConfigMaps, ConfigMap(name, value, labels), Cancel)).Expect(201);

    /// <summary>Creates a node that exists only as an object and returns its name.</summary>
    protected async Task<string> CreateNodeAsync()
    {
        var name = Unique("contract-node");
        (await Api.PostAsync("/api/v1/nodes", $$$"""{"apiVersion":"v1","kind":"Node","metadata":{"name":"{{{name}}}"}}""", Cancel)).Expect(201);
        return name;
    }

    /// <summary>Binds a pod of this fact's namespace to a node.</summary>
    protected Task<ApiResponse> BindAsync(string pod, string node, string annotations = "{}", string? uid = null)
    {
        var identity = uid is null ? "" : $"\"uid\":\"{uid}\",";
        return Api.PostAsync($"{Pods}/{pod}/binding", $$$"""
            {"apiVersion":"v1","kind":"Binding","metadata":{ {{{identity}}} "name":"{{{pod}}}","annotations":{{{annotations}}}},
             "target":{"apiVersion":"v1","kind":"Node","name":"{{{node}}}"}}
            """, Cancel);
    }

    /// <summary>Changes fields of an object's status.</summary>
    protected async Task<ApiResponse> PatchStatusAsync(string path, string status) =>
        (await Api.PatchAsync($"{path}/status", ApiClient.MergePatch, $$"""{"status":{{status}}}""", Cancel)).Expect(200);

    /// <summary>Reads <paramref name="path"/> until <paramref name="holds"/>; fails after half a minute.</summary>
    protected async Task<ApiResponse> UntilAsync(string path, Func<ApiResponse, bool> holds)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var read = await Api.GetAsync(path, Cancel);
            if (holds(read)) return read;
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"GET {path} was still {read.Code} after 30 s: {read.Text}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), Cancel);
        }
    }

    /// <summary>Creates the resources of deploy/crds and waits until the server serves them.</summary>
    protected async Task InstallCustomResourcesAsync()
    {
        foreach (var file in Directory.EnumerateFiles(Repository.PathOf("deploy", "crds"), "*.yaml").Order(StringComparer.Ordinal))
        {
            if (Path.GetFileName(file) == "kustomization.yaml") continue;
            var definition = KubernetesYaml.Deserialize<k8s.Models.V1CustomResourceDefinition>(await File.ReadAllTextAsync(file, Cancel));
            await InstallAsync(definition.Metadata.Name, KubernetesJson.Serialize(definition));
        }
    }

    /// <summary>Creates one custom resource, or leaves it if it is there, and waits until it is established.</summary>
    protected async Task InstallAsync(string name, string definition)
    {
        const string Path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        var created = await Api.PostAsync(Path, definition, Cancel);
        if (created.Code != 409) created.Expect(201);
        await UntilAsync($"{Path}/{name}", IsEstablished);
    }

    private static bool IsEstablished(ApiResponse definition) =>
        definition.Code == 200 && definition.Body.At("status.conditions") is JsonArray conditions
        && conditions.Any(condition => condition.TextAt("type") == "Established" && condition.TextAt("status") == "True");
}
