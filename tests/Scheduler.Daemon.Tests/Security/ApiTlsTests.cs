using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Net.Client;
using Scheduler.Daemon.Hosting;
using Scheduler.Daemon.Options;
using Scheduler.Daemon.Tests.WholePath;
using Scheduler.SimulatedCluster.Access;
using Weir.V1;

namespace Scheduler.Daemon.Tests.Security;

public sealed class ApiTlsTests : IDisposable
{
    private const string ClientUse = "1.3.6.1.5.5.7.3.2";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("weir-tls-");

    [Fact]
    public async Task A_token_or_a_client_certificate_of_the_authority_is_known_and_another_certificate_is_not()
    {
        using var authority = Make("CN=authority", issuer: null);
        using var server = Make("CN=weir", issuer: null);
        using var known = Make("O=team, CN=anna", authority);
        using var otherAuthority = Make("CN=other", issuer: null);
        using var forged = Make("O=team, CN=anna", otherAuthority);
        await File.WriteAllTextAsync(PathOf("ca.crt"), authority.ExportCertificatePem(), Cancel);
        WriteServer(server);
        await using var fixture = await ClusterFixture.StartAsync(tokens: new Dictionary<string, SimulatedUser> { ["t0ken"] = new("anna") });
        fixture.Cluster.ApplyManifest("""
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRole
            metadata: {name: numbers}
            rules: [{apiGroups: [weir.scheduler], resources: [tenantusages], verbs: [list]}]
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata: {name: numbers}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: numbers}
            subjects: [{kind: User, name: anna}, {kind: Group, name: team}]
            """);
        var host = await fixture.StartDaemonAsync(settings => settings with
        {
            AllowAnonymous = false,
            Api = new ApiOptions
            {
                HttpPort = 0,
                GrpcPort = 0,
                CertificateFile = PathOf("tls.crt"),
                KeyFile = PathOf("tls.key"),
                ClientAuthorityFile = PathOf("ca.crt"),
            },
        });
        Assert.Equal("https", host.GrpcAddress.Scheme);
        await ClusterFixture.UntilCycleAsync(host, _ => true);
        Assert.Equal(StatusCode.OK, await AskAsync(host, server, null, "t0ken"));
        Assert.Equal(StatusCode.Unauthenticated, await AskAsync(host, server, null, null));
        Assert.Equal(StatusCode.OK, await AskAsync(host, server, known, null));
        // The handshake fails, so there is no status from the daemon.
        Assert.NotEqual(StatusCode.OK, await AskAsync(host, server, forged, "t0ken"));
    }

    [Theory]
    [InlineData("0.0.0.0", "", "", false, "api.certificateFile: is empty; on 0.0.0.0")]
    [InlineData("0.0.0.0", "", "", true, "api.address: is 0.0.0.0")]
    [InlineData("127.0.0.1", "tls.crt", "", false, "api.keyFile: is empty")]
    [InlineData("127.0.0.1", "", "tls.key", false, "api.certificateFile: is empty, but")]
    public void What_others_reach_is_served_with_tls_and_to_callers_that_are_known(string address, string certificate, string key, bool allowAnonymous, string error)
    {
        var errors = DaemonConfiguration.FindErrors(new DaemonSettings
        {
            AllowAnonymous = allowAnonymous,
            Api = new ApiOptions { Address = address, CertificateFile = certificate, KeyFile = key },
        });
        Assert.StartsWith(error, Assert.Single(errors), StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task<StatusCode> AskAsync(DaemonHost host, X509Certificate2 server, X509Certificate2? client, string? token)
    {
        using var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, shown, _, _) => (shown as X509Certificate2)?.Thumbprint == server.Thumbprint,
                LocalCertificateSelectionCallback = client is null ? null : (_, _, _, _, _) => client,
            },
        };
        using var channel = GrpcChannel.ForAddress(host.GrpcAddress, new GrpcChannelOptions { HttpHandler = handler });
        var headers = token is null ? [] : new Metadata { { "authorization", $"Bearer {token}" } };
        try
        {
            await new TenantService.TenantServiceClient(channel).ListTenantsAsync(new ListTenantsRequest(), headers, cancellationToken: Cancel);
            return StatusCode.OK;
        }
        catch (RpcException refusal)
        {
            return refusal.StatusCode;
        }
    }

    private static X509Certificate2 Make(string subject, X509Certificate2? issuer)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(issuer is null, false, 0, true));
        if (issuer is not null)
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ClientUse)], false));
        var (from, until) = (DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        if (issuer is null)
            return request.CreateSelfSigned(from, until);
        using var issued = request.Create(issuer, from.AddMinutes(1), until.AddMinutes(-1), RandomNumberGenerator.GetBytes(8));
        return issued.CopyWithPrivateKey(key);
    }

    private void WriteServer(X509Certificate2 certificate)
    {
        using var key = certificate.GetECDsaPrivateKey()!;
        File.WriteAllText(PathOf("tls.crt"), certificate.ExportCertificatePem());
        File.WriteAllText(PathOf("tls.key"), key.ExportPkcs8PrivateKeyPem());
    }

    private string PathOf(string name) => Path.Combine(_folder.FullName, name);
}
