using System.Diagnostics;
using k8s;
using k8s.Models;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.EndToEnd.Tests;

/// <summary>The control plane that other tests stand on: it stops, starts again with its data, and leaves nothing behind.</summary>
public sealed class ControlPlaneTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Data_and_address_survive_kills_of_the_API_server_and_of_etcd()
    {
        ControlPlaneFixture.Require();
        await using var plane = await ControlPlane.StartAsync(Cancel);
        using var client = plane.CreateClient();
        await client.CoreV1.CreateNamespaceAsync(new V1Namespace { Metadata = new() { Name = "kept" } }, cancellationToken: Cancel);

        await plane.KillApiServerAsync();
        await Assert.ThrowsAsync<HttpRequestException>(() => client.CoreV1.ReadNamespaceAsync("kept", cancellationToken: Cancel));
        await plane.StartApiServerAsync(Cancel);
        Assert.Equal("kept", (await client.CoreV1.ReadNamespaceAsync("kept", cancellationToken: Cancel)).Name());

        await plane.KillEtcdAsync();
        using var api = new ApiClient(plane.Endpoint);
        var answer = await api.PostAsync("/api/v1/namespaces?timeout=2s", """{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"lost"}}""", Cancel);
        Assert.InRange(answer.Code, 500, 504);
        await plane.StartEtcdAsync(Cancel);
        Assert.Equal("kept", (await client.CoreV1.ReadNamespaceAsync("kept", cancellationToken: Cancel)).Name());
        (await api.PostAsync("/api/v1/namespaces", """{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"after"}}""", Cancel)).Expect(201);
    }

    [Fact]
    public async Task The_kubeconfig_leads_a_client_in_and_a_wrong_token_does_not()
    {
        ControlPlaneFixture.Require();
        await using var plane = await ControlPlane.StartAsync(Cancel);
        using (var client = new Kubernetes(KubernetesClientConfiguration.BuildConfigFromConfigFile(plane.Kubeconfig())))
            Assert.Equal("1", (await client.Version.GetCodeAsync(Cancel)).Major);
        using var stranger = new ApiClient(plane.Endpoint with { Token = "guessed" });
        (await stranger.GetAsync("/api/v1/nodes", Cancel)).ExpectFailure(401, "Unauthorized");
        var other = plane.Endpoint with { CertificateAuthorityPem = ControlPlaneCertificatesOfAnother() };
        using var distrustful = new ApiClient(other);
        await Assert.ThrowsAsync<HttpRequestException>(() => distrustful.GetAsync("/version", Cancel));
    }

    [Fact]
    public async Task The_cluster_s_own_scheduler_binds_a_pod()
    {
        ControlPlaneFixture.Require();
        await using var plane = await ControlPlane.StartAsync(Cancel);
        using var client = plane.CreateClient();
        await client.CoreV1.CreateNodeAsync(Openb.OpenbObjects.Node(new Openb.OpenbNode("node", 4000, 1024, 1, "T4")), cancellationToken: Cancel);
        await client.CoreV1.CreateNamespaceAsync(new V1Namespace { Metadata = new() { Name = "space" } }, cancellationToken: Cancel);
        await plane.StartKubeSchedulerAsync(cancellationToken: Cancel);
        var pod = new V1Pod { Metadata = new() { Name = "pod" }, Spec = new() { Containers = [new() { Name = "main", Image = "example/main:1" }] } };
        await client.CoreV1.CreateNamespacedPodAsync(pod, "space", cancellationToken: Cancel);
        await foreach (var (_, seen) in client.CoreV1.WatchListNamespacedPodAsync("space", cancellationToken: Cancel))
        {
            if (seen.Spec.NodeName is null) continue;
            Assert.Equal("node", seen.Spec.NodeName);
            break;
        }
    }

    [Fact]
    public async Task A_program_dies_with_the_process_that_started_it()
    {
        var folder = Directory.CreateTempSubdirectory("weir-child.").FullName;
        await using (var child = ChildProcess.Start("sleep", "sleep", ["600"], Path.Combine(folder, "log")))
        {
            var clock = Stopwatch.StartNew();
            Assert.Equal(128 + 9, await child.OrphanAsync(TimeSpan.FromSeconds(20)));
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20));
        }
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_program_that_ends_at_once_is_reported_with_its_log()
    {
        var folder = Directory.CreateTempSubdirectory("weir-child.").FullName;
        await using (var child = ChildProcess.Start("broken", "sh", ["-c", "echo out of ideas >&2; exit 3"], Path.Combine(folder, "log")))
        {
            var failure = await Assert.ThrowsAsync<InvalidOperationException>(
                () => child.WaitUntilAsync(_ => Task.FromResult(false), TimeSpan.FromSeconds(20), Cancel));
            Assert.Contains("exit code 3", failure.Message, StringComparison.Ordinal);
            Assert.Contains("out of ideas", failure.Message, StringComparison.Ordinal);
        }
        Directory.Delete(folder, recursive: true);
    }

    private static string ControlPlaneCertificatesOfAnother()
    {
        using var key = System.Security.Cryptography.ECDsa.Create();
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=another", key, System.Security.Cryptography.HashAlgorithmName.SHA256);
        using var authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return authority.ExportCertificatePem();
    }
}
