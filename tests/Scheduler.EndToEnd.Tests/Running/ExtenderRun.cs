using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using k8s;
using k8s.Models;
using Scheduler.EndToEnd.Tests.Openb;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.EndToEnd.Tests.Running;

/// <summary>
/// A control plane whose own kube-scheduler asks the daemon through the extender, over HTTPS. Nodes have 8 GPUs; there is no kubelet,
/// so pods have no time to end: what is evicted is gone at once.
/// </summary>
public sealed class ExtenderRun : IAsyncDisposable
{
    private readonly ControlPlane _plane;
    private readonly string _folder = Directory.CreateTempSubdirectory("weir-extender.").FullName;
    private DaemonProcess? _daemon;

    private ExtenderRun(ControlPlane plane)
    {
        _plane = plane;
        Client = plane.CreateClient();
        Api = new ApiClient(plane.Endpoint);
    }

    public ApiClient Api { get; }

    public IKubernetes Client { get; }

    public DaemonProcess Daemon => _daemon ?? throw new InvalidOperationException("the run has not started");

    /// <summary>Starts everything, with tenants of these names on namespaces of the same names. Skips where there is no control plane.</summary>
    public static async Task<ExtenderRun> StartAsync(int nodes, (string Name, int Guaranteed, int Burst)[] tenants, CancellationToken cancellationToken)
    {
        ControlPlaneFixture.Require();
        if (ControlPlane.FindOrNull()!.Scheduler is null)
            Assert.Skip("no kube-scheduler beside kube-apiserver");
        var run = new ExtenderRun(await ControlPlane.StartAsync(cancellationToken));
        try
        {
            await run.PrepareAsync(nodes, tenants, cancellationToken);
            return run;
        }
        catch
        {
            await run.DisposeAsync();
            throw;
        }
    }

    /// <summary>A pod of the cluster's own scheduler that may be preempted, with priority weir-training, or weir-inference.</summary>
    public static V1Pod Pod(string space, string name, int gpus, bool isInference = false, params (string Name, string Value)[] annotations)
    {
        var pod = OpenbObjects.Pod(new OpenbPod(name, 500, 512, gpus, 1000, [], isInference ? "LS" : "BE"), space);
        pod.Spec.SchedulerName = "default-scheduler";
        pod.Spec.TerminationGracePeriodSeconds = 0;
        foreach (var (key, value) in annotations)
            pod.Metadata.Annotations[$"weir.scheduler/{key}"] = value;
        return pod;
    }

    public Task CreateAsync(IEnumerable<V1Pod> pods, CancellationToken cancellationToken) => Parallel.ForEachAsync(
        pods, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = cancellationToken },
        async (pod, cancel) => await Client.CoreV1.CreateNamespacedPodAsync(pod, pod.Metadata.NamespaceProperty, cancellationToken: cancel));

    public async Task SetQuotaAsync(string tenant, int guaranteed, int burst, CancellationToken cancellationToken)
    {
        var patch = string.Create(CultureInfo.InvariantCulture, $$$"""{"spec":{"quotas":[{"flavor":"*","guaranteed":{{{guaranteed}}},"burst":{{{burst}}}}]}}""");
        (await Api.PatchAsync($"/apis/weir.scheduler/v1/tenants/{tenant}", ApiClient.MergePatch, patch, cancellationToken)).Expect(200);
    }

    public async Task<IReadOnlyList<V1Pod>> PodsAsync(CancellationToken cancellationToken) =>
        [.. (await Client.CoreV1.ListPodForAllNamespacesAsync(cancellationToken: cancellationToken)).Items];

    /// <summary>Looks at the pods again and again until something holds.</summary>
    /// <param name="holds">What is waited for.</param>
    /// <param name="patience">How long.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="look">Called with every look, to check what must always hold.</param>
    public async Task<IReadOnlyList<V1Pod>> UntilAsync(
        Func<IReadOnlyList<V1Pod>, bool> holds, TimeSpan patience, CancellationToken cancellationToken, Action<IReadOnlyList<V1Pod>>? look = null)
    {
        for (var clock = Stopwatch.StartNew(); ;)
        {
            var pods = await PodsAsync(cancellationToken);
            look?.Invoke(pods);
            if (holds(pods))
                return pods;
            Assert.True(clock.Elapsed < patience, $"not after {patience}\n{Daemon.Log()}\n{_plane.Logs()}");
            await Task.Delay(TimeSpan.FromMilliseconds(250), cancellationToken);
        }
    }

    public static bool IsBound(V1Pod pod) => !string.IsNullOrEmpty(pod.Spec.NodeName);

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null) await _daemon.DisposeAsync();
        Api.Dispose();
        Client.Dispose();
        await _plane.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task PrepareAsync(int nodes, (string Name, int Guaranteed, int Burst)[] tenants, CancellationToken cancellationToken)
    {
        await Manifests.ApplyAsync(Api, cancellationToken, "crds");
        await Manifests.ApplyAsync(Api, cancellationToken, "base");
        foreach (var (name, guaranteed, burst) in tenants)
        {
            await Client.CoreV1.CreateNamespaceAsync(new V1Namespace { Metadata = new() { Name = name } }, cancellationToken: cancellationToken);
            var tenant = string.Create(CultureInfo.InvariantCulture, $$$"""
                {"apiVersion":"weir.scheduler/v1","kind":"Tenant","metadata":{"name":"{{{name}}}"},
                 "spec":{"namespaces":["{{{name}}}"],"quotas":[{"flavor":"*","guaranteed":{{{guaranteed}}},"burst":{{{burst}}}}]}}
                """);
            (await Api.PostAsync("/apis/weir.scheduler/v1/tenants", tenant, cancellationToken)).Expect(201);
        }

        for (var node = 0; node < nodes; node++)
            await Client.CoreV1.CreateNodeAsync(OpenbObjects.Node(new OpenbNode($"n{node:00}", 96_000, 1 << 19, 8, "H100")), cancellationToken: cancellationToken);
        WriteCertificate();
        var port = FreePorts.Take(1)[0];
        _daemon = await DaemonProcess.StartAsync(_plane, cancellationToken, $$"""
            kubernetes: {statusWritesPerSecond: 200}
            extender:
              enabled: true
              port: {{port}}
              certificateFile: {{_folder}}/tls.crt
              keyFile: {{_folder}}/tls.key
            """);
        await _plane.StartKubeSchedulerAsync(ShippedSections(port), cancellationToken);
    }

    /// <summary>The configuration that is shipped, but for where things are.</summary>
    private string ShippedSections(int port)
    {
        string[] versions = [.. ((string[])["v1", "v1beta1"]).Select(version => File.ReadAllText(Repository.PathOf("deploy", "extender", "kube-scheduler", $"{version}.yaml")))];
        string[] sections = [.. versions.Select(text => text[text.IndexOf("percentageOfNodesToScore", StringComparison.Ordinal)..])];
        // They differ in what keeps kube-scheduler 1.20 from crashing in its own preemption.
        Assert.StartsWith(sections[0], sections[1], StringComparison.Ordinal);
        var address = string.Create(CultureInfo.InvariantCulture, $"https://127.0.0.1:{port}/extender");
        return Moved(Moved(sections[1], "https://weir-extender.weir-system.svc:8443/extender", address), "/etc/kubernetes/weir-extender-ca.crt", Path.Combine(_folder, "tls.crt"));
    }

    private static string Moved(string text, string from, string to)
    {
        Assert.Contains(from, text, StringComparison.Ordinal);
        return text.Replace(from, to, StringComparison.Ordinal);
    }

    private void WriteCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=weir", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        File.WriteAllText(Path.Combine(_folder, "tls.crt"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(_folder, "tls.key"), key.ExportECPrivateKeyPem());
    }
}
