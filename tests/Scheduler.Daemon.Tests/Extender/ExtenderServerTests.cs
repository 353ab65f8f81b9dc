using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Scheduler.Daemon.Hosting;
using Scheduler.Daemon.Tests.WholePath;
using static Scheduler.Daemon.Tests.WholePath.ClusterFixture;

namespace Scheduler.Daemon.Tests.Extender;

/// <summary>The whole daemon on the embedded API server, asked over HTTP as kube-scheduler asks.</summary>
public sealed class ExtenderServerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("weir-extender-tests.").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_pod_of_kube_scheduler_is_planned_here_and_bound_when_it_asks()
    {
        await using var fixture = await ClusterFixture.StartAsync(nodes: 2, gpus: 2);
        var host = await fixture.StartDaemonAsync(settings => settings with { Extender = new() { Enabled = true, Port = 0 } });
        await UntilCycleAsync(host, cycle => cycle.IsApplied);
        var pod = KubeSchedulers("p", gpus: 2);
        fixture.Cluster.Create(pod);
        var seen = await fixture.UntilPodAsync("p", _ => true);
        using var client = new HttpClient();
        var filtered = await PostAsync(client, host, "filter", new JsonObject { ["Pod"] = seen.DeepClone(), ["NodeNames"] = new JsonArray("n0", "n1") });
        var node = Assert.Single(filtered["NodeNames"]!.AsArray())!.ToString();

        // A pod of Weir's own takes the same room into account.
        fixture.Cluster.Create(Pod("own", 2, annotations: ("preemptible", "true")));
        var own = await fixture.UntilPodAsync("own", other => Text(other, "spec", "nodeName") is not null);
        Assert.NotEqual(node, Text(own, "spec", "nodeName"));

        Assert.Equal("", Text(await PostAsync(client, host, "bind", Binding(seen, node)), "Error"));
        var bound = await fixture.UntilPodAsync("p", other => Text(other, "spec", "nodeName") is not null);
        Assert.Equal((node, "0,1"), (Text(bound, "spec", "nodeName"), Annotation(bound, "gpu-devices")));
    }

    [Fact]
    public async Task It_is_answered_on_its_own_port_alone_and_nothing_else_is_there()
    {
        await using var fixture = await ClusterFixture.StartAsync();
        var host = await fixture.StartDaemonAsync(settings => settings with { Extender = new() { Enabled = true, Port = 0 } });
        using var client = new HttpClient();
        using var content = new StringContent("{}");
        // Whatever the Host header says.
        using var elsewhere = new HttpRequestMessage(HttpMethod.Post, new Uri(host.HttpAddress, "/extender/filter")) { Content = content };
        elsewhere.Headers.Host = host.ExtenderAddress!.Authority;
        using var refused = await client.SendAsync(elsewhere, Cancel);
        Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
        using var metrics = await client.GetAsync(new Uri(host.ExtenderAddress, "/metrics"), Cancel);
        Assert.Equal(HttpStatusCode.NotFound, metrics.StatusCode);
    }

    [Fact]
    public async Task A_request_that_is_too_large_is_told_what_to_do()
    {
        await using var fixture = await ClusterFixture.StartAsync();
        var host = await fixture.StartDaemonAsync(settings => settings with { Extender = new() { Enabled = true, Port = 0, MaxRequestMebibytes = 1 } });
        using var client = new HttpClient();
        using var content = new ByteArrayContent(Encoding.ASCII.GetBytes("{\"NodeNames\":[\"" + new string('n', 1 << 20) + "\"]}"));
        using var answer = await client.PostAsync(new Uri($"{host.ExtenderAddress}/filter"), content, Cancel);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(
            "the request is larger than 1 MiB; set nodeCacheCapable: true in kube-scheduler's configuration, or raise extender.maxRequestMebibytes",
            Text(JsonNode.Parse(await answer.Content.ReadAsStringAsync(Cancel)), "Error"));
    }

    [Fact]
    public async Task A_renewed_certificate_is_used_and_an_unusable_one_is_not()
    {
        var first = Write("CN=first");
        await using var fixture = await ClusterFixture.StartAsync();
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        var certificate = new Daemon.Extender.ServerCertificate(
            "the extender",
            PathOf("tls.crt"), PathOf("tls.key"), time, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        Assert.Equal(first, certificate.Current.TargetCertificate.Thumbprint);
        var second = Write("CN=second");
        Assert.Equal(first, certificate.Current.TargetCertificate.Thumbprint);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(second, certificate.Current.TargetCertificate.Thumbprint);
        await File.WriteAllTextAsync(PathOf("tls.key"), "no key", Cancel);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(second, certificate.Current.TargetCertificate.Thumbprint);
        var third = Write("CN=third");
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(third, certificate.Current.TargetCertificate.Thumbprint);
    }

    [Fact]
    public async Task With_a_client_authority_only_its_callers_are_served()
    {
        var server = Write("CN=server");
        using var authority = Certificate("CN=authority", isAuthority: true);
        using var caller = Certificate("CN=kube-scheduler", issuer: authority);
        using var stranger = Certificate("CN=stranger");
        await File.WriteAllTextAsync(PathOf("ca.crt"), authority.ExportCertificatePem(), Cancel);
        await using var fixture = await ClusterFixture.StartAsync();
        var host = await fixture.StartDaemonAsync(settings => settings with
        {
            Extender = new() { Enabled = true, Port = 0, CertificateFile = PathOf("tls.crt"), KeyFile = PathOf("tls.key"), ClientAuthorityFile = PathOf("ca.crt") },
        });
        Assert.Equal("https", host.ExtenderAddress!.Scheme);
        using (var known = Client(server, caller))
            Assert.Contains("Pod is not there", Text(await PostAsync(known, host, "filter", []), "Error"), StringComparison.Ordinal);
        foreach (var unknown in (X509Certificate2?[])[null, stranger])
        {
            using var client = Client(server, unknown);
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => PostAsync(client, host, "filter", []));
        }
    }

    [Fact]
    public async Task A_certificate_that_cannot_be_used_is_one_clear_line_at_the_start()
    {
        await File.WriteAllTextAsync(PathOf("tls.crt"), "no certificate", Cancel);
        await File.WriteAllTextAsync(PathOf("tls.key"), "no key", Cancel);
        await using var fixture = await ClusterFixture.StartAsync();
        var failure = await Assert.ThrowsAsync<StartupException>(() => fixture.StartDaemonAsync(settings => settings with
        {
            Extender = new() { Enabled = true, Port = 0, CertificateFile = PathOf("tls.crt"), KeyFile = PathOf("tls.key") },
        }));
        Assert.StartsWith($"the certificate of the extender ({PathOf("tls.crt")} with key {PathOf("tls.key")}) cannot be used: ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_that_do_not_go_together_are_named()
    {
        string[] Errors(Options.ExtenderOptions options) =>
            [.. DaemonConfiguration.FindErrors(new DaemonSettings { Extender = options }).Select(error => error.Split(": ")[0])];
        Assert.Empty(Errors(new() { Enabled = true }));
        Assert.Equal(["extender.certificateFile"], Errors(new() { Enabled = true, Address = "0.0.0.0" }));
        Assert.Empty(Errors(new() { Enabled = true, Address = "0.0.0.0", CertificateFile = "a", KeyFile = "b" }));
        Assert.Empty(Errors(new() { Enabled = true, Address = "::1" }));
        Assert.Equal(["extender.address"], Errors(new() { Address = "weir.example" }));
        Assert.Equal(["extender.keyFile"], Errors(new() { CertificateFile = "a" }));
        Assert.Equal(["extender.certificateFile"], Errors(new() { KeyFile = "a" }));
        Assert.Equal(["extender.clientAuthorityFile"], Errors(new() { ClientAuthorityFile = "a" }));
        Assert.Equal(["extender.port"], Errors(new() { Enabled = true, Port = 8080 }));
        Assert.Equal(["extender.schedulerNames"], Errors(new() { SchedulerNames = [] }));
        Assert.Equal(["extender.schedulerNames[0]", "extender.schedulerNames[1]"], Errors(new() { SchedulerNames = ["", "weir"] }));
        Assert.Equal(
            ["extender.commitmentSeconds", "extender.maxRequestMebibytes"],
            Errors(new() { MaxRequestMebibytes = 0, CommitmentSeconds = 0 }).Order());
    }

    private static JsonObject KubeSchedulers(string name, int gpus)
    {
        var pod = Pod(name, gpus);
        pod["spec"]!["schedulerName"] = "default-scheduler";
        return pod;
    }

    private static JsonObject Binding(JsonNode pod, string node) => new()
    {
        ["PodName"] = Text(pod, "metadata", "name"),
        ["PodNamespace"] = Text(pod, "metadata", "namespace"),
        ["PodUID"] = Text(pod, "metadata", "uid"),
        ["Node"] = node,
    };

    private static async Task<JsonNode> PostAsync(HttpClient client, DaemonHost host, string verb, JsonObject body)
    {
        using var content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        using var answer = await client.PostAsync(new Uri($"{host.ExtenderAddress}/{verb}"), content, Cancel);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync(Cancel))!;
    }

    private string PathOf(string name) => Path.Combine(_folder, name);

    private string Write(string subject)
    {
        using var certificate = Certificate(subject);
        using var key = certificate.GetECDsaPrivateKey()!;
        File.WriteAllText(PathOf("tls.crt"), certificate.ExportCertificatePem());
        File.WriteAllText(PathOf("tls.key"), key.ExportPkcs8PrivateKeyPem());
        return certificate.Thumbprint;
    }

    private static X509Certificate2 Certificate(string subject, bool isAuthority = false, X509Certificate2? issuer = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        if (issuer is not null)
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], false));
        var (from, until) = (DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        if (issuer is null)
            return request.CreateSelfSigned(from, until);
        using var issued = request.Create(issuer, from.AddMinutes(1), until.AddMinutes(-1), RandomNumberGenerator.GetBytes(8));
        return issued.CopyWithPrivateKey(key);
    }

    private static HttpClient Client(string server, X509Certificate2? certificate)
    {
        var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                // The server's certificate is known by its print: no name and no authority is needed.
                RemoteCertificateValidationCallback = (_, shown, _, _) => (shown as X509Certificate2)?.Thumbprint == server,
                LocalCertificateSelectionCallback = certificate is null ? null : (_, _, _, _, _) => certificate,
            },
        };
        return new HttpClient(handler);
    }
}
